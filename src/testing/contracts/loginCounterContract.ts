/** The promises of every `LoginCounters`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import * as FailureCounter from "../../domain/FailureCounter.js"
import { buckets, Counting } from "../../services/stores/LoginCounters.js"
import { at, second } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

/** Pauses of 1, 2, 4, 8 and then 10 seconds. */
const rule: FailureCounter.Rule = { free: 3, firstPause: second, forgetsEvery: 10 * second }

const millis = (offset: number) => at(offset).epochMillis
const isCounted = Counting.$is("Counted")

/** The counter of a bucket after `failures` at one time. */
const counterOf = (failures: number, now: number) =>
  Array.from({ length: failures }).reduce(
    (counter: FailureCounter.Counter) => FailureCounter.count(counter, rule, millis(now)),
    FailureCounter.none
  )

export const loginCounterContract = (it: StoreTest) => {
  describe("login counters", () => {
    it.effect("each bucket counts alone, from none, on every node", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        expect(yield* loginCounters.find(7)).toEqual(FailureCounter.none)
        const one = { forgottenAt: millis(10 * second), pausedUntil: 0, generation: 0 }
        expect(yield* loginCounters.count(7, rule, at(0))).toEqual(Counting.Counted({ counter: one }))
        const two = { ...one, forgottenAt: millis(20 * second) }
        expect(yield* loginCounters.count(7, rule, at(1))).toEqual(Counting.Counted({ counter: two }))
        expect(yield* loginCounters.count(0, rule, at(0))).toEqual(Counting.Counted({ counter: one }))
        expect(yield* loginCounters.count(buckets - 1, rule, at(0))).toEqual(Counting.Counted({ counter: one }))
        for (const node of nodes) {
          expect(yield* node.loginCounters.find(7)).toEqual(two)
          expect(yield* node.loginCounters.find(8)).toEqual(FailureCounter.none)
        }
      })
    )

    it.effect("each failure after the free ones doubles the pause, up to the time in which one is forgotten", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        let now = 0
        for (let i = 0; i < rule.free; i++) yield* loginCounters.count(7, rule, at(now))
        // After the third pause one failure is forgotten now and then.
        for (const pause of [1, 2, 4, 8, 8, 8, 8, 10, 10, 10]) {
          const counted = yield* loginCounters.count(7, rule, at(now))
          expect(counted).toMatchObject({ _tag: "Counted", counter: { pausedUntil: millis(now + pause * second) } })
          now += pause * second
        }
      })
    )

    it.effect("paused returns the paused buckets and the ends of their pauses, on every node", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        for (const [bucket, failures] of [
          [0, 4],
          [6, 4],
          [7, 5],
          [8, 3],
          [9, 4],
          [10, 4]
        ] as const) {
          for (let i = 0; i < failures; i++) yield* loginCounters.count(bucket, rule, at(i < 4 ? 0 : second))
        }
        yield* loginCounters.clear(9)
        for (const { loginCounters } of nodes) {
          const paused = (now: number, first = 6, last = 9) =>
            Effect.map(loginCounters.paused(first, last, at(now)), (paused) =>
              Array.from(paused).sort(([left], [right]) => left - right)
            )
          expect(yield* paused(0)).toEqual([
            [6, millis(second)],
            [7, millis(3 * second)]
          ])
          expect(yield* paused(second)).toEqual([[7, millis(3 * second)]])
          expect(yield* paused(3 * second)).toEqual([])
          expect((yield* paused(0, 0, buckets - 1)).map(([bucket]) => bucket)).toEqual([0, 6, 7, 10])
        }
      })
    )

    it.effect("count changes nothing during a pause and counts again at its end", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        for (let i = 0; i <= rule.free; i++) yield* loginCounters.count(7, rule, at(0))
        const before = yield* loginCounters.find(7)
        expect(before).toEqual(counterOf(4, 0))
        for (const now of [0, 1, second - 1]) {
          const until = millis(second)
          expect(yield* loginCounters.count(7, rule, at(now))).toEqual(Counting.Paused({ until }))
        }
        expect(yield* loginCounters.find(7)).toEqual(before)
        expect(isCounted(yield* loginCounters.count(7, rule, at(second)))).toBe(true)
      })
    )

    it.effect.each([
      [0, 4],
      [1, 4],
      [10 * second - 1, 4],
      [10 * second, 3],
      [25 * second, 2],
      [30 * second, 1],
      [1_000 * second, 1]
    ] as const)(
      "failures are forgotten one by one: %i ms after three failures the next makes %i",
      ([later, expected]) =>
        Effect.gen(function* () {
          const { loginCounters } = yield* fresh
          for (let i = 0; i < 3; i++) yield* loginCounters.count(7, rule, at(0))
          yield* loginCounters.count(7, rule, at(later))
          expect(FailureCounter.failures(yield* loginCounters.find(7), rule, millis(later))).toBe(expected)
        })
    )

    it.effect("release undoes a failure and the pause that it began", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        for (let i = 0; i < 3; i++) yield* loginCounters.count(7, rule, at(0))
        const before = yield* loginCounters.find(7)
        const counted = yield* loginCounters.count(7, rule, at(0))
        if (!isCounted(counted)) throw new Error("paused too early")
        expect(counted.counter.pausedUntil).toBe(millis(second))
        yield* loginCounters.release(7, rule, counted.counter)
        expect(yield* loginCounters.find(7)).toEqual(before)
      })
    )

    it.effect("release undoes a failure and keeps the pause that another failure began", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        const first = yield* loginCounters.count(7, rule, at(0))
        for (let i = 0; i < 3; i++) yield* loginCounters.count(7, rule, at(0))
        if (!isCounted(first)) throw new Error("paused too early")
        yield* loginCounters.release(7, rule, first.counter)
        expect(yield* loginCounters.find(7)).toEqual({ ...counterOf(3, 0), pausedUntil: millis(second) })
      })
    )

    it.effect("clear begins the next generation of one bucket", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        yield* loginCounters.clear(9)
        expect(yield* loginCounters.find(9)).toEqual({ ...FailureCounter.none, generation: 1 })
        const counted = yield* loginCounters.count(7, rule, at(0))
        if (!isCounted(counted)) throw new Error("paused too early")
        for (let i = 0; i < 3; i++) yield* loginCounters.count(7, rule, at(0))
        yield* loginCounters.count(8, rule, at(0))
        yield* loginCounters.clear(7)
        expect(yield* loginCounters.find(7)).toEqual({ ...FailureCounter.none, generation: 1 })
        expect(yield* loginCounters.find(8)).toEqual(counterOf(1, 0))
        yield* loginCounters.count(7, rule, at(0))
        // The clear has deleted this failure.
        yield* loginCounters.release(7, rule, counted.counter)
        expect(yield* loginCounters.find(7)).toEqual({ ...counterOf(1, 0), generation: 1 })
      })
    )

    it.effect("login counters see nothing of another issuer", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        yield* loginCounters.count(7, rule, at(0))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.loginCounters.find(7)).toEqual(FailureCounter.none)
        yield* elsewhere.loginCounters.release(7, rule, counterOf(1, 0))
        yield* elsewhere.loginCounters.clear(7)
        expect(yield* loginCounters.find(7)).toEqual(counterOf(1, 0))
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("concurrent callers count as many failures as they would one after the other", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ loginCounters }) => loginCounters.count(7, rule, at(0)))
        const counted = Math.min(count, rule.free + 1)
        expect(answers.filter(isCounted)).toHaveLength(counted)
        expect(yield* loginCounters.find(7)).toEqual(counterOf(counted, 0))
        if (count > counted) expect(answers).toContainEqual(Counting.Paused({ until: millis(second) }))
      })
    )

    it.effect("one of many callers is counted at the end of a pause", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        for (let i = 0; i <= rule.free; i++) yield* loginCounters.count(7, rule, at(0))
        const answers = yield* race(nodes, count, ({ loginCounters }) => loginCounters.count(7, rule, at(second)))
        expect(answers.filter(isCounted)).toHaveLength(1)
      })
    )

    it.effect("no failure is lost while half of the callers release what they counted", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        const patient = { ...rule, free: 1_000 }
        const counted = yield* Effect.replicateEffect(loginCounters.count(7, patient, at(0)), count)
        yield* race(nodes, count, ({ loginCounters }, i) => {
          const own = counted[i]
          return i % 2 === 0 || own === undefined || !isCounted(own)
            ? Effect.asVoid(loginCounters.count(7, patient, at(0)))
            : loginCounters.release(7, patient, own.counter)
        })
        expect(FailureCounter.failures(yield* loginCounters.find(7), patient, millis(0))).toBe(count)
      })
    )
  })
}
