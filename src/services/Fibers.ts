/** Reads the values of a running fiber, without an effect. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as LogLevel from "effect/LogLevel"

/** A running fiber, whatever its result. */
export type Running = Fiber.RuntimeFiber<unknown, unknown>

/** Makes an effect from the fiber that runs it, by one step. */
export const withFiber = <A, E = never, R = never>(
  use: (fiber: Running) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.withFiberRuntime<A, E, R>((fiber) => use(fiber as unknown as Running))

/** Returns a service that the fiber has; throws if it has none. */
export const service = <I, S>(fiber: Running, tag: Context.Tag<I, S>): S =>
  Context.unsafeGet(fiber.currentContext as Context.Context<I>, tag)

/** Returns the clock of the fiber. */
export const clock = (fiber: Running): Clock.Clock => Context.get(fiber.currentDefaultServices, Clock.Clock)

/** Returns whether the fiber logs lines of a level. A line that is not logged still takes some twenty steps. */
export const isLogged = (fiber: Running, level: LogLevel.LogLevel): boolean =>
  LogLevel.greaterThanEqual(level, fiber.getFiberRef(FiberRef.currentMinimumLogLevel))

/** Returns the time of the fiber's clock, in milliseconds since 1970. */
export const millis = (fiber: Running): number => clock(fiber).unsafeCurrentTimeMillis()
