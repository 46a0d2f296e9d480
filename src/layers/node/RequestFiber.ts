/**
 * Starts the fibers of requests. `Runtime.runFork` copies and compares every value of the runtime for each fiber; here they are
 * compared once, and a fiber begins with its own services, clock and log annotations, so that no step has to set them.
 */
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as GlobalValue from "effect/GlobalValue"
import * as HashMap from "effect/HashMap"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Scheduler from "effect/Scheduler"

/** What a fiber begins with. */
export interface Values {
  /** All services of the fiber. */
  readonly services: Map<string, unknown>
  /** Annotations of its log lines, beside those of the runtime. */
  readonly annotations?: Readonly<Record<string, unknown>> | undefined
  /** Whether the router makes its handlers interruptible, so that the rest of the fiber is not. */
  readonly isRouted: boolean
}

/**
 * The fibers of `Fiber.roots`. A waiting request is not one of them: it is a set that grows and shrinks, which keeps ended requests
 * in memory (see `OpenResponses`).
 */
const { roots } = GlobalValue.globalValue(Symbol.for("effect/FiberScope/Global"), () => ({ roots: new Set<unknown>() }))

/** Effect's scheduler with one queue for all fibers. It would make a queue for each fiber that resumes. */
const oneQueue: Scheduler.Scheduler = {
  shouldYield: (fiber) => Scheduler.defaultScheduler.shouldYield(fiber),
  scheduleTask: (task, priority) => Scheduler.defaultScheduler.scheduleTask(task, priority)
}

/** Starts a fiber, which runs until its effect ends or waits. */
export type Start = <A>(effect: Effect.Effect<A>, values: Values) => Fiber.RuntimeFiber<A>

/** Returns a function that starts fibers on a runtime, and on a clock if one is given. */
export const starter = (from: Runtime.Runtime<never>, clock: Clock.Clock | undefined): Start => {
  const forked = FiberRefs.forkAs(from.fiberRefs, FiberId.none)
  const services = FiberRefs.getOrDefault(forked, DefaultServices.currentServices)
  const onClock =
    clock === undefined
      ? forked
      : FiberRefs.updateAs(forked, {
          fiberId: FiberId.none,
          fiberRef: DefaultServices.currentServices,
          value: Context.add(services, Clock.Clock, clock)
        })
  const annotated = FiberRefs.getOrDefault(onClock, FiberRef.currentLogAnnotations)
  const runtimeOf = (flags: RuntimeFlags.RuntimeFlags) =>
    Runtime.make<never>({
      context: Context.empty(),
      fiberRefs: FiberRefs.empty(),
      runtimeFlags: RuntimeFlags.disable(flags, RuntimeFlags.RuntimeMetrics)
    })
  const direct = runtimeOf(from.runtimeFlags)
  const routed = runtimeOf(RuntimeFlags.disable(from.runtimeFlags, RuntimeFlags.Interruption))

  return (effect, { annotations, isRouted, services }) => {
    const fiber = Runtime.runFork(isRouted ? routed : direct, effect, {
      updateRefs: (_, id) => {
        const locals = new Map(onClock.locals)
        locals.set(FiberRef.currentContext, [[id, Context.unsafeMake<never>(services)]])
        if (annotations !== undefined) {
          let all = annotated
          for (const name in annotations) all = HashMap.set(all, name, annotations[name])
          locals.set(FiberRef.currentLogAnnotations, [[id, all]])
        }
        // The platform would log whole URLs, which hold codes. The routes of the app decide for themselves.
        if (!isRouted) {
          locals.set(HttpMiddleware.loggerDisabled, [[id, true]])
          locals.set(FiberRef.currentScheduler, [[id, oneQueue]])
        }
        return FiberRefs.unsafeMake(locals)
      }
    })
    if (fiber.unsafePoll() === null) roots.delete(fiber)
    return fiber
  }
}
