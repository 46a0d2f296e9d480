/**
 * Routes whose paths answer every other method with 405 and `Allow` (RFC 9110 §15.5.6), and preflights where scripts of other
 * origins may call them. The platform's router answers such a request 404, and runs no middleware of a route for it.
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type { RouteNotFound } from "@effect/platform/HttpServerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Settings } from "../../domain/Settings.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Cors from "./Cors.js"
import * as DirectRoutes from "./DirectRoutes.js"
import * as Edge from "./Edge.js"
import { wantsPage } from "./OpenedInBrowser.js"
import * as Page from "./Page.js"
import * as Refusals from "./Refusals.js"
import * as Wire from "./Wire.js"

/** Whether a request failed because the router has no route for it. */
export const isRouteNotFound = (error: unknown): error is RouteNotFound =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "RouteNotFound"

/** The methods that a router takes by name; `*` means all of them. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** Whether scripts of any origin may call a path. Where they may, no cookie counts. */
type IsShared = (path: string) => boolean

/** A route that was added. Its path matches exactly, as the paths of all our endpoints do. */
interface Added {
  readonly isShared: boolean
}

const makeRecord = () =>
  HttpLayerRouter.FindMyWay.make<Added>({
    caseSensitive: true,
    ignoreTrailingSlash: false,
    ignoreDuplicateSlashes: false
  })

/** A router, and the routes that were added to it. */
interface Recording {
  readonly router: HttpLayerRouter.HttpRouter
  readonly added: ReturnType<typeof makeRecord>
}

const record = ({ added }: Recording, method: string, path: HttpLayerRouter.PathInput, isShared: IsShared): void => {
  if (method === "*") added.all(path, { isShared: isShared(path) })
  else added.on(method as "GET", path, { isShared: isShared(path) })
}

/** The methods of a URL's path, and whether scripts of any origin may call it. */
const methodsAt = ({ added }: Recording, url: string) => {
  const found = (method: string) => added.find(method, url) ?? (method === "HEAD" ? added.find("GET", url) : undefined)
  const here = methods.filter((method) => found(method) !== undefined)
  const isShared = here.some((method) => found(method)?.handler.isShared === true)
  return { allow: isShared ? [...here, "OPTIONS"] : here, isShared }
}

/** The same router, which also records what is added to it. */
const recordingOf = (
  recording: Recording,
  isShared: IsShared,
  router: HttpLayerRouter.HttpRouter = recording.router,
  at: (path: HttpLayerRouter.PathInput) => HttpLayerRouter.PathInput = (path) => path
): HttpLayerRouter.HttpRouter => ({
  ...router,
  add: (method, path, handler, options) => {
    record(recording, method, at(path), isShared)
    return router.add(method, path, handler, options)
  },
  addAll: (routes) => {
    for (const { method, path } of routes) record(recording, method, at(path), isShared)
    return router.addAll(routes)
  },
  prefixed: (prefix) =>
    recordingOf(recording, isShared, router.prefixed(prefix), (path) =>
      at(HttpLayerRouter.prefixPath(path, prefix) as typeof path)
    )
})

/** The recording of an app's router. Each router that records for it is a key too. */
const recordings = new WeakMap<HttpLayerRouter.HttpRouter, Recording>()

/** Returns the recording of a router. The first call makes the router answer other methods with 405. */
const recordingFor = (router: HttpLayerRouter.HttpRouter, settings: Settings) =>
  Effect.gen(function* () {
    const before = recordings.get(router)
    if (before !== undefined) return before
    const recording: Recording = { router, added: makeRecord() }
    recordings.set(router, recording)
    const edge = Edge.make(settings)
    const refuse = (
      request: HttpServerRequest.HttpServerRequest,
      { allow, isShared }: ReturnType<typeof methodsAt>
    ) => {
      if (isShared && request.method === "OPTIONS") return Cors.preflight(request, allow.join(", "))
      const response = wantsPage(request)
        ? Page.error(Page.ofRouter(router, request.url), Refusals.notAllowed)
        : Wire.toJson(Refusals.notAllowed, settings.issuer)
      return HttpServerResponse.setHeaders(response, { allow: allow.join(", "), ...(isShared ? Cors.headers : {}) })
    }
    yield* DirectRoutes.addOwnMiddleware(router, (answer) =>
      Edge.follow<
        HttpServerResponse.HttpServerResponse,
        HttpLayerRouter.unhandled,
        HttpServerRequest.HttpServerRequest
      >(answer, (cause) => {
        const error: unknown = Option.getOrUndefined(Cause.failureOption(cause))
        const request = isRouteNotFound(error) ? error.request : undefined
        const here = request === undefined ? undefined : methodsAt(recording, request.url)
        return request === undefined || here === undefined || here.allow.length === 0
          ? Effect.failCause(cause)
          : edge.around(Effect.succeed(HttpServerResponse.setHeaders(refuse(request, here), edge.headers)))
      })
    )
    return recording
  })

/**
 * Provide this layer to routes. Then their paths answer other methods with 405. `Allow` names the methods of all such routes
 * at a path, and not of a route without this layer. `isShared` returns true for paths that scripts of any origin may call: no
 * path if not given.
 *
 * Each call returns a new layer. Effect builds a shared layer once, so two servers of a process would use the router of the
 * first.
 */
export const layer = (isShared: IsShared = () => false) =>
  Layer.effect(
    HttpLayerRouter.HttpRouter,
    Effect.gen(function* () {
      const router = yield* HttpLayerRouter.HttpRouter
      const recording = yield* recordingFor(router, yield* ServerSettings)
      const recordingRouter = recordingOf(recording, isShared)
      recordings.set(recordingRouter, recording)
      return recordingRouter
    })
  )
