/** Every method that Node parses, on every kind of route, over a socket: fetch sends no TRACE. */
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
import * as BearerAuth from "../../src/http/guard/BearerAuth.js"
import * as BearerAuthApi from "../../src/http/guard/BearerAuthApi.js"
import * as AdminApi from "../../src/layers/AdminApi.js"
import * as AuthLayer from "../../src/layers/AuthLayer.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import * as NodeServer from "../../src/layers/NodeServer.js"
import { freePort } from "../support/Cli.js"
import { methods, send } from "../support/Methods.js"

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
  const app = Layer.mergeAll(routes, AdminApi.layer).pipe(
    Layer.provideMerge(AuthLayer.layer(settings)),
    Layer.provide(MemoryStorage.layer)
  )
  const served = HttpLayerRouter.serve(app, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(NodeHttpServer.layer(NodeServer.createServer, { host: "127.0.0.1", port }))
  )
  await Effect.runPromise(Scope.extend(Layer.build(served), scope))
})
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const marker = "marker-of-this-request"

const ask = (method: string, path: string) => send(port, method, path, { "x-marker": marker })

describe.each([
  ["/notes", "GET, HEAD, PUT"],
  ["/notes/new", "GET, HEAD, POST"],
  ["/notes/1?of=2", "GET, HEAD"],
  ["/below/notes", "GET, HEAD"],
  ["/api-notes", "GET, HEAD, DELETE"],
  ["/api/account", "GET, HEAD, OPTIONS"],
  ["/api/admin/users", "GET, HEAD, POST"],
  ["/api/docs", "GET, HEAD"],
  ["/api/openapi.json", "GET, HEAD, OPTIONS"],
  ["/health", "GET, HEAD"],
  ["/token", "POST, OPTIONS"],
  ["/register", "POST, OPTIONS"],
  ["/revoke", "POST, OPTIONS"],
  ["/introspect", "POST"],
  ["/authorize", "GET, HEAD, POST"],
  ["/login", "POST"],
  ["/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS"]
])("%s", (path, allow) => {
  // HTTP-04, META-14
  it(`answers each method but ${allow} with 405 and Allow, and echoes nothing (RFC 9110 §15.5.6, §9.3.8)`, async () => {
    for (const method of methods.filter((method) => !allow.split(", ").includes(method))) {
      const answer = await ask(method, path)
      expect(answer, method).toMatchObject({ status: 405, allow })
      expect(answer.body, method).not.toContain(marker)
    }
  })
})

it.each([
  ["/notes", 401],
  ["/api-notes", 401],
  ["/api/account", 401],
  ["/api/docs", 200],
  ["/health", 200]
])("answers HEAD %s as GET (RFC 9110 §9.3.2)", async (path, status) => {
  expect(await ask("HEAD", path)).toMatchObject({ status, body: "" })
  expect(await ask("GET", path)).toMatchObject({ status })
})

it("the app answers requests for other paths", async () => {
  for (const path of ["/open", "/nothing", "/notes/1/2", "/Notes/"]) {
    expect(await ask("PROPFIND", path), path).toMatchObject({ status: 404, allow: undefined })
  }
})
