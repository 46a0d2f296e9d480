/** What every server of ours has around its routes, whatever it is carried by. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Effect from "effect/Effect"
import { isRouteNotFound } from "../http/AllowedMethods.js"
import * as NotFound from "../http/NotFound.js"
import * as Page from "../http/Page.js"

/** Paths match to the letter: what a proxy in front lets by is what the route is. */
export const routerConfig = { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

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
          ? Effect.succeed(NotFound.answer(error.request, Page.ofRouter(router, error.request.url)))
          : Effect.fail(error as HttpLayerRouter.unhandled)
      )
  ),
  { global: true }
)
