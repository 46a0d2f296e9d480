/**
 * Handles each request of a launched server within `http/Edge`, and logs its method, path, status and duration at the level
 * debug. The query is never logged.
 */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Edge from "../../http/wire/Edge.js"

/** Returns at most 200 characters of a path, which an attacker can choose, with tokens of ours masked. */
const shown = (path = "") => path.replaceAll(/\blk_[a-z]{2}_[^/]*/g, "***").slice(0, 200)

/** Logs the requests of the app that it is merged into. */
export const layer = HttpLayerRouter.middleware(
  Effect.map(
    Edge.edge,
    (edge) => (handler) =>
      Effect.flatMap(Clock.currentTimeMillis, (start) =>
        Effect.zipRight(
          HttpApp.appendPreResponseHandler((request, response) =>
            Effect.gen(function* () {
              const annotations = {
                ...(yield* edge.annotations(request)),
                method: request.method,
                path: shown(request.url.split("?", 1)[0]),
                status: response.status,
                ms: (yield* Clock.currentTimeMillis) - start
              }
              yield* Effect.annotateLogs(Effect.logDebug("request answered"), annotations)
              return yield* edge.sign(request, HttpServerResponse.setHeaders(response, edge.headers))
            })
          ),
          edge.around(handler)
        )
      )
  ),
  { global: true }
)
