/**
 * Routes whose paths answer every other method with 405 and `Allow` (RFC 9110 §15.5.6): guarded routes, with or without a
 * token. The platform's router answers such a request 404, and runs no middleware of a route for it.
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type { RouteNotFound } from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Edge from "./Edge.js"
import { wantsPage } from "./OpenedInBrowser.js"
import * as Page from "./Page.js"
import * as Refusals from "./Refusals.js"
import * as Wire from "./Wire.js"

/** Whether a request failed because the router has no route for it. */
export const isRouteNotFound = (error: unknown): error is RouteNotFound =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "RouteNotFound"

/** The methods that a router takes by name; `*` stands for all of them. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** Paths match to the letter, as those of all our endpoints. */
const makeRecord = () =>
  HttpLayerRouter.FindMyWay.make<true>({
    caseSensitive: true,
    ignoreTrailingSlash: false,
    ignoreDuplicateSlashes: false
  })

type Recorded = ReturnType<typeof makeRecord>

const record = (recorded: Recorded, method: string, path: HttpLayerRouter.PathInput): void => {
  if (method === "*") recorded.all(path, true)
  else recorded.on(method as "GET", path, true)
}

const allowed = (recorded: Recorded, url: string): ReadonlyArray<string> => {
  const has = (method: string) => recorded.find(method, url) !== undefined
  return methods.filter((method) => has(method) || (method === "HEAD" && has("GET")))
}

/** The same router, which also records what is added to it. */
const recordingOf = (
  router: HttpLayerRouter.HttpRouter,
  recorded: Recorded,
  at: (path: HttpLayerRouter.PathInput) => HttpLayerRouter.PathInput = (path) => path
): HttpLayerRouter.HttpRouter => ({
  ...router,
  add: (method, path, handler, options) => {
    record(recorded, method, at(path))
    return router.add(method, path, handler, options)
  },
  addAll: (routes) => {
    for (const { method, path } of routes) record(recorded, method, at(path))
    return router.addAll(routes)
  },
  prefixed: (prefix) =>
    recordingOf(router.prefixed(prefix), recorded, (path) =>
      at(HttpLayerRouter.prefixPath(path, prefix) as typeof path)
    )
})

/** A middleware that an `HttpApi` knows wraps no handler, so the origin of a request comes from further out. */
const followed = <A, E, R>(answer: Effect.Effect<A, E, R>) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => Edge.follow(request, answer))

/** By the app's router, and by itself. */
const recordings = new WeakMap<HttpLayerRouter.HttpRouter, HttpLayerRouter.HttpRouter>()

const recording = Effect.gen(function* () {
  const router = yield* HttpLayerRouter.HttpRouter
  const settings = yield* ServerSettings
  const { issuer } = settings
  const edge = Edge.of(settings)
  const before = recordings.get(router)
  if (before !== undefined) return before

  const recorded = makeRecord()
  const recordingRouter = recordingOf(router, recorded)
  recordings.set(router, recordingRouter).set(recordingRouter, recordingRouter)
  yield* router.addGlobalMiddleware((answer) =>
    Effect.catchAll(followed(answer), (error: unknown) => {
      const request = isRouteNotFound(error) ? error.request : undefined
      const allow = request === undefined ? [] : allowed(recorded, request.url)
      if (request === undefined || allow.length === 0) return Effect.fail(error as HttpLayerRouter.unhandled)
      const response = wantsPage(request)
        ? Page.error(Page.ofRouter(router, request.url), Refusals.notAllowed)
        : Wire.toJson(Refusals.notAllowed, issuer)
      return edge.around(
        Effect.succeed(HttpServerResponse.setHeaders(response, { ...edge.headers, allow: allow.join(", ") }))
      )
    })
  )
  return recordingRouter
})

/**
 * Provided to routes, has their paths answer 405. `Allow` names the methods of all such routes at a path; it does not know
 * a route of the same path to which this is not provided. Each call makes a layer of its own: one that two servers of a
 * process shared would be built once, and give both the router of the first.
 */
export const layer = () => Layer.effect(HttpLayerRouter.HttpRouter, recording)
