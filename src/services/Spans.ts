/**
 * Spans of service calls, and their attributes. They cost one step while the app has installed no tracer: Effect makes spans
 * also then, and each takes some twenty steps.
 */
import * as Context from "effect/Context"
import type * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { YieldWrap } from "effect/Utils"
import * as Fibers from "./Fibers.js"

/** The tracer that Effect uses when the app has installed none. Nothing reads its spans. */
const standard = Effect.runSync(Effect.tracer)

/** Whether the app has installed a tracer in these services. */
export const isInstalled = (services: Context.Context<DefaultServices.DefaultServices>): boolean =>
  Context.get(services, Tracer.Tracer) !== standard

/** Whether the app has installed a tracer. */
export const isTraced = (fiber: Fibers.Running): boolean => isInstalled(fiber.currentDefaultServices)

/** Runs `traced` where the app has installed a tracer, and `plain` elsewhere. */
export const whereTraced = <A, E, R>(
  traced: () => Effect.Effect<A, E, R>,
  plain: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Fibers.withFiber((fiber) => (isTraced(fiber) ? traced() : plain()))

/** Runs an effect under a span of this name, where the app has installed a tracer. */
export const traced = <A, E, R>(name: string, run: () => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  whereTraced(() => Effect.withSpan(Effect.suspend(run), name, { captureStackTrace: false }), run)

/** As `Effect.fn`: a function whose calls have a span of this name. */
export const fn =
  (name: string) =>
  <Eff extends YieldWrap<Effect.Effect<unknown, unknown, unknown>>, A, Args extends Array<unknown>>(
    body: (...args: Args) => Generator<Eff, A, never>
  ) => {
    const traced = Effect.fn(name)(body)
    const plain = Effect.fnUntraced(body)
    return (...args: Args): ReturnType<typeof plain> =>
      whereTraced(
        () => traced(...args),
        () => plain(...args)
      ) as ReturnType<typeof plain>
  }

/** Adds attributes to the span of the running fiber, if there is one. It is no effect, because it runs on every request. */
export const annotate = (attributes: Readonly<Record<string, unknown>>): void => {
  const span = Option.getOrUndefined(Fiber.getCurrentFiber())?.currentContext.unsafeMap.get(Tracer.ParentSpan.key) as
    | Tracer.AnySpan
    | undefined
  if (span?._tag === "Span") for (const name in attributes) span.attribute(name, attributes[name])
}
