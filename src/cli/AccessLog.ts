/** A line for each request, at the level debug: how, where, with what answer, and how long it took. Never a query. */
import * as HttpApp from "@effect/platform/HttpApp"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** At most this much of a path, which may be a stranger's own invention. */
const shown = 200

/** Logs the requests of the app that it is merged into. */
export const layer = HttpLayerRouter.middleware(
  (handler) =>
    Effect.flatMap(Clock.currentTimeMillis, (start) =>
      Effect.zipRight(
        HttpApp.appendPreResponseHandler((request, response) =>
          Effect.gen(function* () {
            const annotations = {
              method: request.method,
              path: request.url.split("?", 1)[0]?.slice(0, shown),
              status: response.status,
              ms: (yield* Clock.currentTimeMillis) - start
            }
            yield* Effect.annotateLogs(Effect.logDebug("answered"), annotations)
            return response
          })
        ),
        handler
      )
    ),
  { global: true }
)
