/** Revocations that run to their end also when the caller is interrupted, for example because a client closes its connection. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

/** Runs an effect in a fiber of its service's layer, and waits for it. */
export type RunToEnd = <A, E>(self: Effect.Effect<A, E>) => Effect.Effect<A, E>

/** Returns a function whose effects are interrupted only when the scope closes. */
export const make: Effect.Effect<RunToEnd, never, Scope.Scope> = Effect.map(
  Effect.scope,
  (scope): RunToEnd =>
    (self) =>
      Effect.flatMap(Effect.forkIn(self, scope), Fiber.join)
)

/** Runs `next` where `change` found something to change. */
export const thenIfFound = <E>(
  change: Effect.Effect<boolean, E>,
  next: Effect.Effect<unknown, E>
): Effect.Effect<boolean, E> => Effect.tap(change, (found) => (found ? next : Effect.void))
