/**
 * Runs effects with other services, another clock or other annotations of log lines, as `Effect.provide`, `Effect.withClock` and
 * `Effect.annotateLogs` do. Each of those takes some twenty steps of Effect's run loop, and one function here takes three for
 * all of them together, because every request passes here several times.
 *
 * The values are restored when the effect ends. They are not restored where its fiber is interrupted: then they stay until the
 * fiber has ended.
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import { identity } from "effect/Function"
import * as HashMap from "effect/HashMap"
import * as Fibers from "./Fibers.js"
import { Overlay } from "./Overlay.js"

// The services of the values are taken from the requirements, which the compiler cannot see.
// @effect-diagnostics unsafeEffectTypeAssertion:off

/** A running fiber. The type of Effect leaves out the members that its own functions use. */
interface Settable extends Fibers.Running {
  readonly _fiberRefs?: FiberRefs.FiberRefs
  readonly getFiberRefs: () => FiberRefs.FiberRefs
  readonly setFiberRefs: (refs: FiberRefs.FiberRefs) => void
}

/** Returns the references of a fiber. The method copies them, to add the flags of the runtime. */
const refsOf = (fiber: Settable): FiberRefs.FiberRefs => fiber._fiberRefs ?? fiber.getFiberRefs()

type Locals = FiberRefs.FiberRefs["locals"]

/**
 * Sets the value of a reference, as `FiberRefs.updateAs` does for one reference. That function copies all references each time, and
 * compares the old and the new value, which for services means each of them.
 */
const assign = <A>(locals: Locals, id: FiberId.Single, ref: FiberRef.FiberRef<A>, value: A): void => {
  const [first, ...others] = locals.get(ref) ?? []
  const below = first === undefined || Equal.equals(first[0], id) ? others : [first, ...others]
  locals.set(ref, [[id, value], ...below])
}

/** The values to run with. Values that are left out stay. */
export interface Values<S> {
  /** Services that are added to those of the caller. */
  readonly services?: Context.Context<S> | undefined
  readonly clock?: Clock.Clock | undefined
  /** Annotations that are added to each log line. */
  readonly annotations?: Readonly<Record<string, unknown>> | undefined
  /** Whether the log lines of the platform about the whole request are off from now on. It is not restored. */
  readonly isPlatformLogOff?: boolean
}

/** Returns the references of a fiber with other values. */
const withOthers = <S>(
  fiber: Settable,
  { annotations, clock, isPlatformLogOff, services }: Values<S>
): FiberRefs.FiberRefs => {
  const locals: Locals = new Map(refsOf(fiber).locals)
  const id = fiber.id()
  if (services !== undefined) {
    const all = new Overlay(fiber.currentContext.unsafeMap)
    for (const [key, service] of services.unsafeMap) all.set(key, service)
    assign(locals, id, FiberRef.currentContext, Context.unsafeMake<never>(all))
  }
  if (clock !== undefined) {
    const defaults = Context.add(fiber.currentDefaultServices, Clock.Clock, clock)
    assign(locals, id, DefaultServices.currentServices, defaults)
  }
  if (isPlatformLogOff === true) assign(locals, id, HttpMiddleware.loggerDisabled, true)
  if (annotations !== undefined) {
    let all = fiber.getFiberRef(FiberRef.currentLogAnnotations)
    for (const name in annotations) all = HashMap.set(all, name, annotations[name])
    assign(locals, id, FiberRef.currentLogAnnotations, all)
  }
  return FiberRefs.unsafeMake(locals)
}

/**
 * Runs an effect in its fiber with other values, and maps its result. `recover` answers a failure, after the values have been
 * restored.
 */
export const inFiber = <A, E, R, S, B, E2 = E, R2 = never>(
  current: Fibers.Running,
  values: Values<S>,
  self: Effect.Effect<A, E, R>,
  map: (value: A) => B,
  recover: (cause: Cause.Cause<E>) => Effect.Effect<B, E | E2, R2> = Effect.failCause
): Effect.Effect<B, E | E2, R2 | Exclude<R, S>> => {
  const fiber = current as Settable
  const before = refsOf(fiber)
  const context = fiber.currentContext
  const defaults = fiber.currentDefaultServices
  const annotations = fiber.getFiberRef(FiberRef.currentLogAnnotations)
  const others = withOthers(fiber, values)
  fiber.setFiberRefs(others)
  const restore = () => {
    if (refsOf(fiber) === others && values.isPlatformLogOff !== true) return fiber.setFiberRefs(before)
    // The effect has set other references, and these stay.
    const locals: Locals = new Map(refsOf(fiber).locals)
    const id = fiber.id()
    if (values.services !== undefined) assign(locals, id, FiberRef.currentContext, context)
    if (values.clock !== undefined) assign(locals, id, DefaultServices.currentServices, defaults)
    if (values.annotations !== undefined) assign(locals, id, FiberRef.currentLogAnnotations, annotations)
    fiber.setFiberRefs(FiberRefs.unsafeMake(locals))
  }
  return Effect.matchCauseEffect(self, {
    onFailure: (cause) => {
      restore()
      return recover(cause)
    },
    onSuccess: (value) => {
      restore()
      return Effect.succeed(map(value))
    }
    // The services are those of `values`, which the compiler cannot see.
  }) as Effect.Effect<B, E | E2, R2 | Exclude<R, S>>
}

/** Runs an effect with the values that `valuesOf` returns for the fiber, at the moment when it runs. */
export const withEach = <A, E, R, S = never>(
  self: Effect.Effect<A, E, R>,
  valuesOf: (fiber: Fibers.Running) => Values<S> | undefined
): Effect.Effect<A, E, Exclude<R, S>> =>
  Fibers.withFiber<A, E, Exclude<R, S>>((fiber) => {
    const values = valuesOf(fiber)
    return values === undefined ? (self as Effect.Effect<A, E, Exclude<R, S>>) : inFiber(fiber, values, self, identity)
  })

/** Runs an effect with these values. */
export const withValues = <A, E, R, S = never>(
  self: Effect.Effect<A, E, R>,
  values: Values<S>
): Effect.Effect<A, E, Exclude<R, S>> => withEach(self, () => values)

/** Runs an effect with one more service. */
export const withService = <A, E, R, I, S>(
  self: Effect.Effect<A, E, R>,
  tag: Context.Tag<I, S>,
  service: NoInfer<S>
): Effect.Effect<A, E, Exclude<R, I>> => withValues(self, { services: Context.make(tag, service) })

/** Runs an effect on a clock. It takes one step where the effect runs on this clock already. */
export const withClock = <A, E, R>(self: Effect.Effect<A, E, R>, clock: Clock.Clock): Effect.Effect<A, E, R> =>
  withEach(self, (fiber) => (Fibers.clock(fiber) === clock ? undefined : { clock }))
