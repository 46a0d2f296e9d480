/** The events that wait when a process shuts down are stored, for at most a stated time. */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { Event } from "../../../src/domain/Event.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as EventWriter from "../../../src/services/events/EventWriter.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"

const event = (id: number): Event => ({
  id: `${id}`,
  at: DateTime.unsafeMake(0),
  kind: { _tag: "KeyRotated", keyId: `${id}`, change: "Published" }
})

const unavailable = new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })

const logWith = (append: EventLog["Type"]["append"]) =>
  EventLog.of({ append, read: () => Effect.succeed([]), prune: () => Effect.succeed(0) })

/** Writes some events, and ends as the app does that a signal interrupts. */
const writeAndShutDown = (count: number, append: EventLog["Type"]["append"]) =>
  Effect.gen(function* () {
    const written = yield* Deferred.make<void>()
    const app = yield* EventWriter.make.pipe(
      Effect.tap((write) => {
        for (let id = 0; id < count; id++) write(event(id))
      }),
      Effect.zipRight(Deferred.succeed(written, undefined)),
      Effect.zipRight(Effect.never),
      Effect.scoped,
      Effect.provideService(EventLog, logWith(append)),
      Effect.fork
    )
    yield* Deferred.await(written)
    return yield* Effect.fork(Fiber.interrupt(app))
  })

/** Keeps the numbers of lost events that are logged. */
const lostCounts = () => {
  const counts: Array<unknown> = []
  const logger = Logger.make(({ annotations }) =>
    Option.map(HashMap.get(annotations, "count"), (count) => counts.push(count))
  )
  return { counts, layer: Logger.replace(Logger.defaultLogger, logger) }
}

/** Lets time pass, and then the fiber of the writer run: the test's clock does not wait for it. */
const pass = (millis: number) =>
  Effect.zipRight(
    TestClock.adjust(Duration.millis(millis)),
    Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
  )

describe("the writer of events", () => {
  it.effect("stores all waiting events, in order, before it ends", () =>
    Effect.gen(function* () {
      const stored: Array<string> = []
      const shutdown = yield* writeAndShutDown(200, (events) =>
        Effect.sync(() => void stored.push(...events.map(({ id }) => id)))
      )
      yield* Fiber.join(shutdown)
      expect(stored).toEqual(Array.from({ length: 200 }, (_, id) => `${id}`))
    })
  )

  it.effect("ends after the timeout, and logs how many events are lost, when the store never answers", () => {
    const { counts, layer } = lostCounts()
    return Effect.gen(function* () {
      const shutdown = yield* writeAndShutDown(200, () => Effect.uninterruptible(Effect.never))
      yield* TestClock.adjust(Duration.subtract(EventWriter.shutdownTimeout, Duration.millis(1)))
      expect(Option.isNone(yield* Fiber.poll(shutdown))).toBe(true)
      yield* TestClock.adjust(Duration.millis(1))
      yield* Fiber.join(shutdown)
      expect(counts).toEqual([200])
    }).pipe(Effect.provide(layer))
  })

  it.effect("tries a failed write again after a pause, and stores each event once", () =>
    Effect.gen(function* () {
      const stored: Array<string> = []
      let tries = 0
      const shutdown = yield* writeAndShutDown(3, (events) =>
        Effect.suspend(() => {
          tries += 1
          if (tries < 3) return unavailable
          stored.push(...events.map(({ id }) => id))
          return Effect.void
        })
      )
      yield* pass(100)
      expect(tries).toBe(1)
      yield* pass(100)
      expect(tries).toBe(2)
      yield* pass(200)
      yield* Fiber.join(shutdown)
      expect([tries, stored]).toEqual([3, ["0", "1", "2"]])
    })
  )

  it.effect("goes on with later events when the store drops a batch, and logs the number of lost events", () => {
    const { counts, layer } = lostCounts()
    return Effect.gen(function* () {
      const stored: Array<string> = []
      const shutdown = yield* writeAndShutDown(65, (events) =>
        events.length === 64
          ? Effect.die("a fault")
          : Effect.sync(() => void stored.push(...events.map(({ id }) => id)))
      )
      yield* Fiber.join(shutdown)
      expect([counts, stored]).toEqual([[64], ["64"]])
    }).pipe(Effect.provide(layer))
  })
})
