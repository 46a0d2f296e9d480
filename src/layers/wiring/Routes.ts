/** The router settings and the 404 response of every server, on Node or in a `WebHandler`. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { isRouteNotFound } from "../../http/wire/AllowedMethods.js"
import * as DirectRoutes from "../../http/wire/DirectRoutes.js"
import * as NotFound from "../../http/wire/NotFound.js"
import * as Page from "../../http/wire/Page.js"

/** Paths match exactly. So a proxy and the router agree on the route of a request. */
export const routerConfig = { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

/** Answers a request without a route, with the id of the request and the headers of its server. */
const answerAt = (rendering: Page.Rendering, request: HttpServerRequest.HttpServerRequest) => {
  const answer = NotFound.answer(request, rendering)
  return Option.match(rendering.edge, {
    onNone: () => Effect.succeed(answer),
    onSome: ({ headers, sign }) => sign(request, HttpServerResponse.setHeaders(answer, headers))
  })
}

/**
 * Answers requests without a route, with a page of the authorization server on this router. The platform would log the error,
 * and its message contains the whole URL.
 */
export const notFound: Layer.Layer<never, never, HttpLayerRouter.HttpRouter> = Layer.effectDiscard(
  Effect.flatMap(HttpLayerRouter.HttpRouter, (router) =>
    DirectRoutes.addOwnMiddleware(router, (answer) =>
      // `catchAll` would take one more step of each request that succeeds.
      Effect.catchAllCause(answer, (cause) => {
        const error: unknown = Option.getOrUndefined(Cause.failureOption(cause))
        return isRouteNotFound(error)
          ? answerAt(Page.ofRouter(router, error.request.url), error.request)
          : Effect.failCause(cause)
      })
    )
  )
)
