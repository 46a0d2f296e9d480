/** What every server of ours has around its routes, whatever it is carried by. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isRouteNotFound } from "../../http/wire/AllowedMethods.js"
import * as NotFound from "../../http/wire/NotFound.js"
import * as Page from "../../http/wire/Page.js"

/** Paths match to the letter: what a proxy in front lets by is what the route is. */
export const routerConfig = { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

/** The answer where there is no route: with the id of the request and the headers of the server that it would be of. */
const answerAt = (rendering: Page.Rendering, request: HttpServerRequest.HttpServerRequest) => {
  const answer = NotFound.answer(request, rendering)
  return Option.match(rendering.edge, {
    onNone: () => Effect.succeed(answer),
    onSome: ({ headers, sign }) => sign(request, HttpServerResponse.setHeaders(answer, headers))
  })
}

/**
 * Answers requests for which there is no route, on the pages of the authorization server on this router. The platform would
 * log the error, whose message is the whole URL.
 */
export const notFound = HttpLayerRouter.middleware(
  Effect.map(
    HttpLayerRouter.HttpRouter,
    (router) => (answer) =>
      Effect.catchAll(answer, (error: unknown) =>
        isRouteNotFound(error)
          ? answerAt(Page.ofRouter(router, error.request.url), error.request)
          : Effect.fail(error as HttpLayerRouter.unhandled)
      )
  ),
  { global: true }
)
