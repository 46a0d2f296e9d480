/** The bounds of requests at one time. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import * as RequestSlots from "../../../src/layers/outbound/RequestSlots.js"

const turns = Effect.yieldNow().pipe(Effect.repeatN(10))

describe("the slots of requests", () => {
  it.effect("two requests to one host and sixteen in all run at one time", () =>
    Effect.gen(function* () {
      const inSlot = RequestSlots.make()
      let running = 0
      const begin = (host: string) =>
        Effect.fork(
          inSlot(
            host,
            Effect.zipRight(
              Effect.sync(() => running++),
              Effect.never
            )
          )
        )
      for (let i = 0; i < 5; i++) yield* begin("one")
      yield* turns
      expect(running).toBe(2)
      for (let i = 0; i < 20; i++) yield* begin(`host-${i}`)
      yield* turns
      expect(running).toBe(16)
    })
  )

  it.effect("a request waits for its turn, and is refused after a second", () =>
    Effect.gen(function* () {
      const inSlot = RequestSlots.make()
      const first = yield* Effect.fork(inSlot("one", Effect.never))
      yield* Effect.fork(inSlot("one", Effect.never))
      yield* turns
      const refused = yield* Effect.fork(Effect.flip(inSlot("one", Effect.void)))
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(refused)).toMatchObject({ reason: "Busy" })
      const waiting = yield* Effect.fork(inSlot("one", Effect.succeed("done")))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(first)
      expect(yield* Fiber.join(waiting)).toBe("done")
    })
  )

  it.effect("a request that fails or is interrupted, running or waiting, gives its slot back", () =>
    Effect.gen(function* () {
      const inSlot = RequestSlots.make()
      for (let i = 0; i < 5; i++) {
        yield* Effect.exit(inSlot("one", Effect.fail("no")))
        const running = yield* Effect.forEach([1, 2, 3, 4], () => Effect.fork(inSlot("one", Effect.never)))
        yield* turns
        yield* Effect.forEach(running, Fiber.interrupt)
      }
      expect(yield* inSlot("one", inSlot("one", Effect.succeed("both")))).toBe("both")
    })
  )
})
