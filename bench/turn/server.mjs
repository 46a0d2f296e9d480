/**
 * Serves `POST /token` of one database in one of six ways (ADR 47): `ordinary` is the server as it is. All others but `split` refresh all
 * requests of a turn of the event loop in one transaction, and hold their responses until its commit:
 *
 * - `split`: the plain functions of `refresh.mjs` in a fiber for each request, and the group commit of the server.
 * - `held`: the server's handlers, in a fiber for each request, with a storage that answers at once.
 * - `joined`: the same handlers, in one fiber for the turn.
 * - `effect`: the plain functions of `refresh.mjs`, in one effect for the turn.
 * - `plain`: the same functions without an effect.
 *
 * The ordinary server makes the grants, and answers everything else on the next port, so that its introspection can check the
 * tokens. Prints the client, the refresh tokens and both ports as one line of JSON when it is ready.
 *
 * Usage, after `npm run build`: `node bench/turn/server.mjs --way effect --port 9001 [--grants 32]`
 */
import * as Fs from "node:fs"
import * as Http from "node:http"
import * as Os from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import * as Headers from "@effect/platform/Headers"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Issuer } from "#dist/domain/Issuer"
import { TemporarilyUnavailable } from "#dist/domain/OAuthError"
import * as Body from "#dist/http/wire/Body"
import * as DirectRoutes from "#dist/http/wire/DirectRoutes"
import * as Wire from "#dist/http/wire/Wire"
import * as NodeServer from "#dist/layers/NodeServer"
import * as MemoryAnswer from "#dist/layers/node/MemoryAnswer"
import * as SqliteStorage from "#dist/layers/SqliteStorage"
import * as SqliteClient from "#dist/layers/sql/sqlite/SqliteClient"
import * as SqliteConnection from "#dist/layers/sql/sqlite/SqliteConnection"
import * as SqliteFile from "#dist/layers/sql/sqlite/SqliteFile"
import * as SqlStores from "#dist/layers/sql/stores/SqlStores"
import * as AuthServer from "#dist/layers/wiring/AuthServer"
import { Storage } from "#dist/services/stores/Storage"
import { makeGrants } from "../lib/grants.mjs"
import { answering } from "./ways.mjs"

/** @typedef {import("#dist/layers/sql/sqlite/SqliteConnection").SqliteConnection} Connection */
/** @typedef {import("./ways.mjs").Waiting} Waiting */

const { values } = parseArgs({
  options: {
    way: { type: "string", default: "effect" },
    port: { type: "string", default: "9001" },
    grants: { type: "string", default: "32" }
  }
})
const { way } = values
const isOrdinary = way === "ordinary"
const port = Number(values.port)
const host = "127.0.0.1"
const issuer = Issuer.make("http://127.0.0.1:9001")
const resource = `${issuer}/api`
/** @type {import("#dist/layers/settings/SettingsOptions").SettingsOptions} */
const options = {
  issuer,
  resources: [{ uri: resource, scopes: { api: "Use the API" } }],
  rateLimits: "off",
  lifetimes: { refreshWindow: "0 seconds" }
}

/**
 * Returns a storage of the same file that answers at once while its connection is in a transaction, and waits for the group commit
 * everywhere else.
 *
 * @param {Storage["Type"]} ordinary
 * @param {string} path
 * @param {Connection} connection
 */
const atOnce = (ordinary, path, connection) =>
  Effect.map(
    SqliteClient.make({ reader: () => SqliteConnection.make(SqliteFile.openReader(path)), writer: () => connection }),
    (client) => {
      const waits = client.direct
      /** @type {typeof client.direct} */
      const direct = (sql, params) =>
        connection.inTransaction()
          ? /** @type {ReadonlyArray<object>} */ (connection.run(sql, params, "Rows"))
          : waits(sql, params)
      const sql = Object.assign(client, { direct })
      return Storage.of({ ...ordinary, stores: (issuer) => SqlStores.make(sql, issuer) })
    }
  )

const busy = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })

/**
 * Answers all requests of a turn in one transaction, and sends the responses after its commit.
 *
 * @param {Connection} connection
 * @param {(batch: ReadonlyArray<Waiting>) => void} answer sets the response of each request, at once
 */
const turns = (connection, answer) => {
  /** @type {Array<Waiting>} */
  let waiting = []
  const flush = () => {
    const batch = waiting
    waiting = []
    try {
      connection.run("BEGIN IMMEDIATE", [], "Rows")
      answer(batch)
      connection.run("COMMIT", [], "Rows")
    } catch (cause) {
      console.error(cause)
      if (connection.inTransaction()) connection.run("ROLLBACK", [], "Rows")
      for (const each of batch) each.response = Wire.toJson(busy, issuer)
    }
    for (const each of batch) if (!each.isLater) each.send()
  }
  return (/** @type {Waiting} */ request) => {
    if (waiting.push(request) === 1) setImmediate(flush)
  }
}

/** Listens for requests to refresh, beside the ordinary server. @param {Connection} connection */
const listener = (connection) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const handler = DirectRoutes.finder(yield* HttpLayerRouter.HttpRouter)("/token")
      if (handler === undefined) return yield* Effect.dieMessage("the router has no token endpoint")
      const answer = yield* answering(way, connection, handler)
      const add = way === "split" ? (/** @type {Waiting} */ each) => answer([each]) : turns(connection, answer)
      const usesEffects = way === "held" || way === "joined"
      const server = Http.createServer((source, target) => {
        const { headers, method = "", url = "" } = source
        const remoteAddress = Option.fromNullable(source.socket.remoteAddress)
        const request = /** @type {import("@effect/platform/HttpServerRequest").HttpServerRequest} */ (
          /** @type {unknown} */ ({ source, method, url, remoteAddress, headers: Headers.fromInput(headers) })
        )
        const enqueue = (/** @type {string} */ body) => {
          const begun = handler.begin(request, false)
          /** @type {Waiting} */
          const own = { request, body, begun, response: undefined, isLater: false, send }
          function send() {
            const { response = Wire.toJson(busy, issuer) } = own
            const content = MemoryAnswer.contentOf(response) ?? ""
            MemoryAnswer.write({ source, target }, response, content, begun.end(response))
          }
          add(own)
        }
        if (usesEffects) return Body.readEarly(source, () => enqueue(""))
        let body = ""
        source.setEncoding("utf8").on("data", (text) => {
          body += text
        })
        source.on("end", () => enqueue(body))
      })
      yield* Effect.async((resume) => void server.listen(port, host, () => resume(Effect.void)))
    })
  )

const main = Effect.gen(function* () {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "latchkey-turn-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true })))
  const path = Path.join(folder, "auth.db")
  const ordinary = Context.get(yield* Layer.build(SqliteStorage.layer({ filename: path })), Storage)
  const made = yield* Effect.provide(
    makeGrants({
      metadata: { grant_types: ["authorization_code", "refresh_token", "client_credentials"] },
      count: Number(values.grants),
      resource,
      scope: "api",
      concurrency: 16
    }),
    AuthServer.layerServices(options).pipe(Layer.provide(Layer.succeed(Storage, ordinary)))
  )
  const connection = SqliteConnection.make(SqliteFile.openWriter(path))
  const storage = isOrdinary ? ordinary : yield* atOnce(ordinary, path, connection)
  const server = AuthServer.layer(options)
  const app = isOrdinary ? server : Layer.provideMerge(listener(connection), server)
  const serverPort = isOrdinary ? port : port + 1
  yield* Layer.build(
    NodeServer.serve(app, { host, port: serverPort, logAddress: false }).pipe(
      Layer.provide(Layer.succeed(Storage, storage))
    )
  )
  const { client, secret, tokens } = made
  const credentials = { id: client.id, secret: Redacted.value(Option.getOrThrow(secret)) }
  const ready = { port, serverPort, client: credentials, tokens: tokens.map(Redacted.value) }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
  return yield* Effect.never
})

const fiber = Effect.runFork(main.pipe(Effect.scoped, Effect.provide(Logger.minimumLogLevel(LogLevel.Error))))
fiber.addObserver((exit) => {
  if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) console.error(exit.cause.toString())
  process.exit(Exit.isInterrupted(exit) ? 0 : 1)
})
process.on("SIGTERM", () => fiber.unsafeInterruptAsFork(fiber.id()))
