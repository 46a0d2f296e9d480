/**
 * Latchkey as an app composes it: `AuthLayer`, a storage and `NodeServer`, with an open and a guarded route. A second port has
 * `makeGuard` on bare node:http. Runs the built `dist`.
 *
 * Environment: `PORT`, `GUARD_PORT`, `DATA` (a folder), `STORAGE` (sqlite, memory or postgres), `POSTGRES_URL`, `ACCOUNTS`
 * (number of accounts to create in an empty database).
 */
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Path from "node:path"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Username } from "latchkey/Account"
import { Accounts } from "latchkey/Accounts"
import * as AuthLayer from "latchkey/AuthLayer"
import * as BearerAuth from "latchkey/BearerAuth"
import { ClientRegistration } from "latchkey/ClientRegistration"
import { CurrentAccess } from "latchkey/CurrentAccess"
import { makeGuard } from "latchkey/guard"
import * as MemoryStorage from "latchkey/MemoryStorage"
import * as NodeServer from "latchkey/NodeServer"
import * as PostgresStorage from "latchkey/PostgresStorage"
import * as SqliteStorage from "latchkey/SqliteStorage"
import { Storage } from "latchkey/Storage"
import { password, username } from "../lib/signIn.mjs"
import { redirectUri } from "../lib/targets.mjs"

const { ACCOUNTS = "0", DATA = ".", GUARD_PORT, PORT, POSTGRES_URL = "", STORAGE = "sqlite" } = process.env
const port = Number(PORT)
const issuer = `http://127.0.0.1:${port}`
const resource = `${issuer}/api`

/** The storage as a layer that can be built twice: the guard on node:http has its own connection. */
const persistent = () =>
  STORAGE === "postgres"
    ? PostgresStorage.layer({ url: Redacted.make(POSTGRES_URL), masterKey: Redacted.make(new Uint8Array(32).fill(7)) })
    : SqliteStorage.layer({ filename: Path.join(DATA, "auth.db") })

const settings = {
  issuer,
  resources: [{ uri: resource, scopes: { api: "Use the API" } }],
  rateLimits: /** @type {const} */ ("off"),
  maxUnusedClients: 100_000_000,
  // The bench checks that a spent refresh token is refused.
  lifetimes: { refreshWindow: Duration.zero }
}
const required = { scopes: ["api"], principals: /** @type {const} */ (["User", "Client"]) }

const Open = HttpLayerRouter.add("GET", "/open", Effect.succeed(HttpServerResponse.unsafeJson({ ok: true })))

const Guarded = HttpLayerRouter.add(
  "GET",
  "/api",
  Effect.map(CurrentAccess, ({ clientId }) => HttpServerResponse.unsafeJson({ ok: true, client: clientId }))
).pipe(Layer.provide(BearerAuth.layer(required)))

const clientFile = Path.join(DATA, "client.json")

/** Creates the client and the accounts, if they do not exist. */
const create = Effect.gen(function* () {
  if (Fs.existsSync(clientFile)) return JSON.parse(Fs.readFileSync(clientFile, "utf8"))
  const registration = yield* ClientRegistration
  const accounts = yield* Accounts
  const { client, secret } = yield* registration.create({
    client_name: "Bench",
    redirect_uris: [redirectUri],
    grant_types: ["authorization_code", "refresh_token", "client_credentials"],
    scope: "api"
  })
  for (let i = 0; i < Number(ACCOUNTS); i++) {
    const name = yield* Schema.decode(Username)(username(i))
    yield* accounts.create({ username: name, password: Redacted.make(password(i)) })
  }
  const clients = { confidential: { id: client.id, secret: Redacted.value(Option.getOrThrow(secret)) } }
  Fs.writeFileSync(clientFile, JSON.stringify(clients))
  return clients
})

// A storage may fail in any way, and then the server ends.
// @effect-diagnostics anyUnknownInErrorContext:off
const Clients = Layer.unwrapEffect(
  Effect.map(create, (clients) =>
    HttpLayerRouter.add("GET", "/bench", Effect.succeed(HttpServerResponse.unsafeJson(clients)))
  )
)

/** Serves `makeGuard` on bare node:http. @param {Layer.Layer<Storage, unknown>} storage */
const serveGuard = (storage) => {
  const guard = makeGuard({ ...settings, ...required, resource }, storage)
  const server = Http.createServer((request, response) => {
    guard(request).then(
      async ({ access, response: refusal }) => {
        if (access !== undefined) {
          const body = JSON.stringify({ ok: true, client: access.clientId })
          response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
          response.end(body)
          return
        }
        response.writeHead(refusal.status, Object.fromEntries(refusal.headers))
        response.end(await refusal.text())
      },
      (error) => response.writeHead(500).end(String(error))
    )
  })
  server.listen(Number(GUARD_PORT), "127.0.0.1")
}

/** The storage in memory exists once: the server and the guard share it. */
const storage = Layer.scoped(
  Storage,
  Effect.gen(function* () {
    const layer = STORAGE === "memory" ? MemoryStorage.layer : persistent()
    const shared = yield* Effect.provide(Storage, yield* Layer.build(layer))
    serveGuard(STORAGE === "memory" ? Layer.succeed(Storage, shared) : persistent())
    return shared
  })
)

const app = Layer.provideMerge(Layer.mergeAll(Open, Guarded, Clients), AuthLayer.layer(settings))
const main = Layer.launch(
  NodeServer.serve(app, { host: "127.0.0.1", port }).pipe(
    Layer.provide(storage),
    Layer.provide(Logger.minimumLogLevel(LogLevel.Warning))
  )
)
NodeRuntime.runMain(main)
