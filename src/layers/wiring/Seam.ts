/** A seam: a service with an implementation of ours, which an app changes by giving its own. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

/**
 * The service as the app gives it, or else the standard one. The app need not give it, so it stands in no type.
 *
 * @example
 * AuthLayer.layer(options).pipe(Layer.provide(MyScopePolicy))
 */
export const layer = <I, S, E, R>(tag: Context.Tag<I, S>, standard: Layer.Layer<I, E, R>): Layer.Layer<I, E, R> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.serviceOption(tag),
      Option.match({
        onNone: () => standard,
        onSome: (given): Layer.Layer<I, E, R> => Layer.succeed(tag, given)
      })
    )
  )
