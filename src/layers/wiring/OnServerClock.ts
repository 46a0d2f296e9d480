/**
 * Sets the server's clock: once for all requests, and once for the work in the background. So every endpoint, every guard
 * and all maintenance agree on what has expired, and no new endpoint can forget it.
 */
import { HttpRouter } from "@effect/platform/HttpLayerRouter"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as DirectRoutes from "../../http/wire/DirectRoutes.js"
import * as Locally from "../../services/Locally.js"
import { ServerClock } from "../../services/ServerClock.js"

/** Answers every request of the router on the server's clock, those for routes of the app included. */
export const requests: Layer.Layer<never, never, HttpRouter | ServerClock> = Layer.effectDiscard(
  Effect.gen(function* () {
    const router = yield* HttpRouter
    const clock = yield* ServerClock
    DirectRoutes.setClock(router, clock)
    yield* DirectRoutes.addOwnMiddleware(router, (answer) => Locally.withClock(answer, clock))
  })
)

/** Builds a layer on the server's clock, so that the fibers that it starts run on it. */
export const background = <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R | ServerClock> =>
  Layer.scopedContext(Effect.flatMap(ServerClock, (clock) => Effect.withClock(Layer.build(layer), clock)))
