/** Each app is asked several times, because a route that was found is remembered. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe } from "vitest"
import * as FoundRoutes from "../../../src/http/wire/FoundRoutes.js"
import * as NodeServer from "../../../src/layers/NodeServer.js"
import { freePort } from "../../support/Cli.js"

/** Serves an app, and returns a function that asks for a path and returns the body. */
const serve = <E>(app: Layer.Layer<never, E, HttpLayerRouter.HttpRouter>) =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    yield* Layer.build(NodeServer.serve(app, { host: "127.0.0.1", port, logAddress: false }))
    return (path: string, method = "GET") =>
      Effect.promise(async () => (await fetch(`http://127.0.0.1:${port}${path}`, { method })).text())
  })

/** Answers with the method, the URL, the parameters and the query of the request. */
const echo = Effect.gen(function* () {
  const { method, url } = yield* HttpServerRequest.HttpServerRequest
  const params = { ...(yield* HttpServerRequest.ParsedSearchParams), ...(yield* HttpLayerRouter.params) }
  return HttpServerResponse.text(`${method} ${url} ${JSON.stringify(params)}`)
})

const echoes = (...paths: ReadonlyArray<HttpLayerRouter.PathInput>) =>
  HttpLayerRouter.addAll(paths.map((path) => HttpLayerRouter.route("*", path, echo)))

describe("a route that was found", () => {
  it.scopedLive("each request has its own parameters, query and method", () =>
    Effect.gen(function* () {
      const ask = yield* serve(echoes("/notes", "/notes/:id", "/files/*"))
      for (let round = 0; round < 3; round++) {
        for (const [path, params] of [
          ["/notes", "{}"],
          [`/notes?page=${round}`, `{"page":"${round}"}`],
          [`/notes/${round}`, `{"id":"${round}"}`],
          ["/notes/:id", '{"id":":id"}'],
          ["/files/*", '{"*":"*"}'],
          ["/files/a/b", '{"*":"a/b"}']
        ] as const) {
          expect(yield* ask(path)).toBe(`GET ${path} ${params}`)
          expect(yield* ask(path, "PUT")).toBe(`PUT ${path} ${params}`)
        }
      }
    })
  )

  it.scopedLive("a middleware of a route sees every request, and may replace it", () =>
    Effect.gen(function* () {
      let seen = 0
      const elsewhere = HttpLayerRouter.middleware((handler) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          seen++
          return Effect.provideService(handler, HttpServerRequest.HttpServerRequest, request.modify({ url: "/b" }))
        })
      )
      const ask = yield* serve(Layer.merge(Layer.provide(echoes("/a"), elsewhere.layer), echoes("/b")))
      for (let round = 0; round < 3; round++) {
        expect(yield* ask("/a")).toBe("GET /b {}")
        expect(yield* ask("/b")).toBe("GET /b {}")
      }
      expect(seen).toBe(3)
    })
  )

  it.scopedLive("a global middleware of the app sees every request", () =>
    Effect.gen(function* () {
      let seen = 0
      const counting = HttpLayerRouter.middleware(
        (handler) =>
          Effect.suspend(() => {
            seen++
            return handler
          }),
        { global: true }
      )
      const ask = yield* serve(Layer.merge(echoes("/notes"), counting))
      for (let round = 0; round < 3; round++) expect(yield* ask("/notes")).toBe("GET /notes {}")
      expect(seen).toBe(3)
    })
  )

  it("a route is forgotten when another one is added", () => {
    const routes = new FoundRoutes.FoundRoutes([])
    const request = { method: "GET", url: "/notes" }
    const route = HttpLayerRouter.route("GET", "/notes", HttpServerResponse.empty())
    const context = { route, params: {} } as unknown as HttpLayerRouter.RouteContext
    routes.add(request, context)
    expect(routes.get(request)).toBeDefined()
    routes.clear()
    expect(routes.get(request)).toBeUndefined()
    routes.close()
    routes.add(request, context)
    expect(routes.get(request)).toBeUndefined()
  })
})
