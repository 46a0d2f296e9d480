/** Gives a layer the services of the server that it stands beside, whose types apps do not see. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ServerServices } from "./ServerServices.js"

/** The layer on the services of the `AuthLayer` beside it. */
export const besideServer = <A, E, R>(layer: Layer.Layer<A, E, R>) =>
  Layer.unwrapEffect(Effect.map(ServerServices, (services) => Layer.provide(layer, Layer.succeedContext(services))))
