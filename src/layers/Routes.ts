/** What every server of ours has around its routes, whatever it is carried by. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Settings } from "../domain/Settings.js"
import { isRouteNotFound } from "../http/AllowedMethods.js"
import * as Edge from "../http/Edge.js"
import * as NotFound from "../http/NotFound.js"
import * as Page from "../http/Page.js"
import { ServerSettings } from "../services/ServerSettings.js"

/** Paths match to the letter: what a proxy in front lets by is what the route is. */
export const routerConfig = { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

/** How requests without a route are answered: with the headers of the server that the app holds, if it holds one. */
const answerOf = (router: HttpLayerRouter.HttpRouter, settings: Option.Option<Settings>) => {
  const answer = (request: HttpServerRequest.HttpServerRequest) =>
    NotFound.answer(request, Page.ofRouter(router, request.url))
  return Option.match(settings, {
    onNone: () => (request: HttpServerRequest.HttpServerRequest) => Effect.succeed(answer(request)),
    onSome: (settings) => {
      const edge = Edge.of(settings)
      return (request: HttpServerRequest.HttpServerRequest) =>
        edge.sign(request, HttpServerResponse.setHeaders(answer(request), edge.headers))
    }
  })
}

/**
 * Answers requests for which there is no route, on the pages of the authorization server on this router. The platform would
 * log the error, whose message is the whole URL.
 */
export const notFound = HttpLayerRouter.middleware(
  Effect.gen(function* () {
    const notFound = answerOf(yield* HttpLayerRouter.HttpRouter, yield* Effect.serviceOption(ServerSettings))
    return (answer) =>
      Effect.catchAll(answer, (error: unknown) =>
        isRouteNotFound(error) ? notFound(error.request) : Effect.fail(error as HttpLayerRouter.unhandled)
      )
  }),
  { global: true }
)
