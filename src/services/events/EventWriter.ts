/**
 * Writes events to the `EventLog` in the background, in order and in batches, so that no request waits for a row (ADR 11).
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import type { Event } from "../../domain/Event.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { EventLog } from "../stores/EventLog.js"

/** Maximum number of events that wait to be stored. While the store is down for longer, the oldest are dropped. */
const capacity = 10_000

/** Maximum number of events in one write. */
const batchSize = 64

/** Pause before a failed write is tried again: long enough for another writer's lock to end. */
const retryPause = Duration.millis(200)

/** A failed write is tried three more times, each after the pause: once, and twice again. */
const retries = Schedule.recurs(2)

/**
 * Maximum time that a shutdown waits for events to be stored. Requests drain for ten seconds before it, and supervisors
 * such as systemd and Kubernetes kill a process 30 to 90 seconds after SIGTERM. A reachable database stores all waiting events in
 * less than this time.
 */
export const shutdownTimeout = Duration.seconds(10)

/** Adds an event to those that wait to be stored; never fails and never waits. */
export type Write = (event: Event) => void

/**
 * Makes the function that stores events in the background. When the scope closes, events that still wait are stored first, for
 * at most `shutdownTimeout`; the number of those that are lost is logged.
 */
export const make = Effect.gen(function* () {
  const log = yield* EventLog
  const runtime = yield* Effect.runtime<never>()
  const waiting: Array<Event> = []
  let inFlight = 0
  let isClosed = false
  /** The fiber that stores events now. There is none while no event waits, so that an event takes few steps. */
  let writer: Fiber.RuntimeFiber<void> | undefined

  const logLost = (events: ReadonlyArray<Event>, cause: Cause.Cause<TemporarilyUnavailable>) =>
    Option.match(Cause.failureOption(cause), {
      // A fault of a store must not end the fiber: later events are still stored.
      onNone: () => Effect.annotateLogs(Effect.logError("events not stored", cause), { count: events.length }),
      onSome: ({ reason }) =>
        Effect.annotateLogs(Effect.logError("events not stored"), { count: events.length, reason })
    })

  // The first attempt runs alone, because a retry policy takes more steps than the write.
  const append = (events: ReadonlyArray<Event>) =>
    Effect.catchAllCause(log.append(events), (cause) =>
      Option.isNone(Cause.failureOption(cause))
        ? logLost(events, cause)
        : Effect.catchAllCause(Effect.retry(Effect.delay(log.append(events), retryPause), retries), (cause) =>
            logLost(events, cause)
          )
    )

  const writeAll: Effect.Effect<void> = Effect.suspend(() => {
    const events = waiting.splice(0, batchSize)
    inFlight = events.length
    return Effect.flatMap(append(events), () => {
      inFlight = 0
      if (waiting.length > 0) return writeAll
      writer = undefined
      return Effect.void
    })
  })

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      isClosed = true
      if (writer === undefined) return
      const stored = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(writer)), shutdownTimeout)
      if (Option.isSome(stored)) return
      const count = inFlight + waiting.length
      yield* Effect.annotateLogs(Effect.logError("events not stored before the shutdown"), { count })
      // Does not wait for the interruption: a store that ignores it must not hold up the shutdown.
      yield* Fiber.interruptFork(writer)
    })
  )

  const write: Write = (event) => {
    if (isClosed) return
    if (waiting.length >= capacity) waiting.shift()
    waiting.push(event)
    // Not at once: the events of one turn of the event loop are stored together.
    writer ??= Runtime.runFork(runtime, writeAll, { immediate: false })
  }
  return write
})
