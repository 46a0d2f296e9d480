/** Every method that Node parses, on every kind of route, over a socket: fetch sends no TRACE. */
import { METHODS, request } from "node:http"
import * as HttpApi from "@effect/platform/HttpApi"
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiGroup from "@effect/platform/HttpApiGroup"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as BearerAuth from "../../src/http/BearerAuth.js"
import * as BearerAuthApi from "../../src/http/BearerAuthApi.js"
import * as ApiLayer from "../../src/layers/ApiLayer.js"
import * as AuthLayer from "../../src/layers/AuthLayer.js"
import * as MemoryStore from "../../src/layers/MemoryStore.js"
import * as NodeServer from "../../src/layers/NodeServer.js"
import { freePort } from "../support/Cli.js"

class ReadNotes extends BearerAuthApi.Tag<ReadNotes>()("ReadNotes", { scopes: ["notes:read"] }) {}

const api = HttpApi.make("notes").add(
  HttpApiGroup.make("notes")
    .add(HttpApiEndpoint.get("list", "/api-notes"))
    .add(HttpApiEndpoint.del("remove", "/api-notes"))
    .middleware(ReadNotes)
)

const handlers = HttpApiBuilder.group(api, "notes", (handlers) =>
  handlers.handle("list", () => Effect.void).handle("remove", () => Effect.void)
)

const guarded = (...routes: ReadonlyArray<readonly ["GET" | "POST" | "PUT", `/${string}`]>) =>
  HttpLayerRouter.addAll(
    routes.map(([method, path]) => HttpLayerRouter.route(method, path, HttpServerResponse.text("guarded")))
  ).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const prefixed = HttpLayerRouter.use((router) =>
  router.prefixed("/below").add("GET", "/notes", HttpServerResponse.text("guarded"))
).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] })))

const routes = Layer.mergeAll(
  guarded(["GET", "/notes"]),
  // Another guard on the same path.
  guarded(["PUT", "/notes"]),
  guarded(["GET", "/notes/:id"], ["POST", "/notes/new"]),
  prefixed,
  HttpLayerRouter.addHttpApi(api).pipe(Layer.provide(handlers), Layer.provide(ReadNotes.layer)),
  HttpLayerRouter.add("GET", "/open", HttpServerResponse.text("open"))
)

let port: number
const scope = Effect.runSync(Scope.make())
beforeAll(async () => {
  port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const settings = { issuer, resources: [{ uri: `${issuer}/notes`, scopes: { "notes:read": "Read your notes" } }] }
  const app = Layer.mergeAll(routes, ApiLayer.layer).pipe(
    Layer.provideMerge(AuthLayer.layer(settings)),
    Layer.provide(MemoryStore.layer)
  )
  const served = HttpLayerRouter.serve(app, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(NodeHttpServer.layer(NodeServer.createServer, { host: "127.0.0.1", port }))
  )
  await Effect.runPromise(Scope.extend(Layer.build(served), scope))
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const marker = "marker-of-this-request"

const send = (method: string, path: string) =>
  new Promise<{ readonly status: number; readonly allow: string | undefined; readonly body: string }>(
    (resolve, reject) => {
      const headers = { connection: "close", "x-marker": marker }
      request({ port, host: "127.0.0.1", method, path, headers }, (answer) => {
        let body = ""
        answer.setEncoding("utf8").on("data", (text: string) => (body += text))
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, allow: answer.headers.allow, body }))
      })
        .on("error", reject)
        .end()
    }
  )

const known = METHODS.filter((method) => method !== "CONNECT")

describe.each([
  ["/notes", "GET, HEAD, PUT", 401],
  ["/notes/new", "GET, HEAD, POST", 401],
  ["/notes/1?of=2", "GET, HEAD", 401],
  ["/below/notes", "GET, HEAD", 401],
  ["/api-notes", "GET, HEAD, DELETE", 401],
  ["/api/account", "GET, HEAD, OPTIONS", 401],
  ["/api/admin/users", "GET, POST, HEAD", 401],
  ["/api/docs", "GET, HEAD", 200],
  ["/api/openapi.json", "GET, HEAD, OPTIONS", 200],
  ["/health", "GET, HEAD", 200],
  ["/token", "POST, OPTIONS", undefined],
  ["/register", "POST, OPTIONS", undefined],
  ["/revoke", "POST, OPTIONS", undefined],
  ["/introspect", "POST", undefined],
  ["/authorize", "GET, HEAD, POST", undefined],
  ["/login", "GET, HEAD, POST", undefined],
  ["/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS", 200]
])("%s", (path, allow, statusOfHead) => {
  it(`answers each method but ${allow} with 405 and Allow, and repeats nothing (RFC 9110 §15.5.6, §9.3.8)`, async () => {
    for (const method of known.filter((method) => !allow.split(", ").includes(method))) {
      const answer = await send(method, path)
      expect(answer, method).toMatchObject({ status: 405, allow })
      expect(answer.body, method).not.toContain(marker)
    }
  })

  it.skipIf(statusOfHead === undefined)("answers HEAD as GET", async () => {
    expect(await send("HEAD", path)).toMatchObject({ status: statusOfHead, body: "" })
    expect(await send("GET", path)).toMatchObject({ status: statusOfHead })
  })
})

it("leaves the answers of other paths to the app", async () => {
  for (const path of ["/open", "/nothing", "/notes/1/2", "/Notes/"]) {
    expect(await send("PROPFIND", path), path).toMatchObject({ status: 404, allow: undefined })
  }
})
