/**
 * Writes events to the `EventLog` in the background, in order and in batches, so that no request waits for a row (ADR 11).
 */
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Mailbox from "effect/Mailbox"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { Event } from "../../domain/Event.js"
import { EventLog } from "../stores/EventLog.js"

/** Maximum number of events that wait to be stored. While the store is down for longer, the oldest are dropped. */
const capacity = 10_000

/** Maximum number of events in one write. */
const batchSize = 64

/** A failed write is tried three more times, with this pause: long enough for another writer's lock to end. */
const retries = Schedule.intersect(Schedule.spaced(Duration.millis(200)), Schedule.recurs(3))

/**
 * Maximum time that a shutdown waits for events to be stored. Requests drain for ten seconds before it, and supervisors
 * such as systemd and Kubernetes kill a process 30 to 90 seconds after SIGTERM. A reachable database stores all waiting events in
 * less than this time.
 */
export const shutdownTimeout = Duration.seconds(10)

/** Adds an event to those that wait to be stored; never fails and never waits. */
export type Write = (event: Event) => Effect.Effect<void>

/**
 * Starts the fiber that stores events. When the scope closes, events that still wait are stored first, for at most
 * `shutdownTimeout`; the number of those that are lost is logged.
 */
export const make = Effect.gen(function* () {
  const log = yield* EventLog
  const waiting = yield* Mailbox.make<Event>({ capacity, strategy: "sliding" })
  let inFlight = 0

  const numberWaiting = () => Option.getOrElse(waiting.unsafeSize(), () => 0)

  const append = (events: Chunk.Chunk<Event>) =>
    log.append(Chunk.toReadonlyArray(events)).pipe(
      Effect.retry(retries),
      Effect.catchAll((error) =>
        Effect.annotateLogs(Effect.logError("events not stored"), { count: events.length, reason: error.reason })
      ),
      // A fault of a store must not end the fiber: later events are still stored.
      Effect.catchAllDefect((defect) =>
        Effect.annotateLogs(Effect.logError("events not stored", Cause.die(defect)), { count: events.length })
      )
    )

  const writeBatch = Effect.gen(function* () {
    // `takeN` waits for as many as it is asked for, so it is asked for those that are there.
    const [events, isDone] = yield* Effect.suspend(() =>
      waiting.takeN(Math.min(Math.max(numberWaiting(), 1), batchSize))
    )
    inFlight = events.length
    if (events.length > 0) yield* append(events)
    inFlight = 0
    return isDone
  })

  const writer = yield* Effect.forkDaemon(Effect.repeat(writeBatch, { until: (isDone) => isDone }))

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      yield* waiting.end
      const stored = yield* Effect.timeoutOption(Effect.interruptible(Fiber.await(writer)), shutdownTimeout)
      if (Option.isSome(stored)) return
      const count = inFlight + numberWaiting()
      yield* Effect.annotateLogs(Effect.logError("events not stored before the shutdown"), { count })
      // Does not wait for the interruption: a store that ignores it must not hold up the shutdown.
      yield* Fiber.interruptFork(writer)
    })
  )

  const write: Write = (event) => Effect.asVoid(waiting.offer(event))
  return write
})
