/** What every server of ours has around its routes, whatever it is carried by. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import { isRouteNotFound } from "../http/AllowedMethods.js"

/** Paths match to the letter: what a proxy in front lets by is what the route is. */
export const routerConfig = { caseSensitive: true, ignoreTrailingSlash: false, ignoreDuplicateSlashes: false }

/** Answers what no route does. Left to the platform, the error would be logged, and its message is the whole URL. */
export const notFound = HttpLayerRouter.middleware(
  (answer) =>
    Effect.catchAll(answer, (error: unknown) =>
      isRouteNotFound(error)
        ? Effect.succeed(HttpServerResponse.empty({ status: 404 }))
        : Effect.fail(error as HttpLayerRouter.unhandled)
    ),
  { global: true }
)
