/**
 * Handles each request of a launched server within `http/Edge`, and logs its method, path, status and duration at the level
 * debug. The query is never logged. At other levels our endpoints, which do the same by themselves, are answered before the
 * router.
 */
import * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { HttpRouter } from "@effect/platform/HttpLayerRouter"
import type { HttpServerRequest } from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as DirectRoutes from "../../http/wire/DirectRoutes.js"
import * as Edge from "../../http/wire/Edge.js"
import * as Fibers from "../../services/Fibers.js"

/** Returns at most 200 characters of a path, which an attacker can choose, with tokens of ours masked. */
const shown = (path = "") => path.replaceAll(/\blk_[a-z]{2}_[^/]*/g, "***").slice(0, 200)

type Answer<R> = Effect.Effect<HttpServerResponse.HttpServerResponse, HttpLayerRouter.unhandled, R>

const logging =
  (edge: Edge.Edge) =>
  (answer: Answer<never>): Answer<HttpServerRequest> =>
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
        edge.around(answer)
      )
    )

/** Logs the requests of the app that it is merged into. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter
    const middleware = logging(yield* Edge.edge)
    const isLogged = yield* Fibers.withFiber((fiber) => Effect.succeed(Fibers.isLogged(fiber, LogLevel.Debug)))
    yield* isLogged ? router.addGlobalMiddleware(middleware) : DirectRoutes.addOwnMiddleware(router, middleware)
  })
)
