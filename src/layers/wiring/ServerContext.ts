/** The services of one server as a context, for layers that the app merges with `AuthLayer`, such as `AdminApi`. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Services } from "./Services.js"

/** All services of one server. The members may change in any release: apps use the services of `AuthServices`. */
export class ServerContext extends Context.Tag("latchkey/ServerContext")<ServerContext, Context.Context<Services>>() {}

/** Provides a layer with the services of the `AuthLayer` that it is merged with. Apps do not see the types of these. */
export const provideServer = <A, E, R>(layer: Layer.Layer<A, E, R>) =>
  Layer.unwrapEffect(Effect.map(ServerContext, (services) => Layer.provide(layer, Layer.succeedContext(services))))
