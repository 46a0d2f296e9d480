/** What every `LoginCounters` promises. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { buckets } from "../services/LoginCounters.js"
import { at, second } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const longAgo = at(-1000 * second)

export const loginCounterContract = (it: StoreTest) => {
  describe("login counters", () => {
    it.effect("count from none, each bucket by itself, on every node", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        expect((yield* loginCounters.find(7)).failures).toBe(0)
        expect(yield* loginCounters.fail(7, at(1), longAgo)).toEqual({ failures: 1, lastFailureAt: at(1) })
        expect(yield* loginCounters.fail(7, at(2), longAgo)).toEqual({ failures: 2, lastFailureAt: at(2) })
        expect(yield* loginCounters.fail(0, at(3), longAgo)).toEqual({ failures: 1, lastFailureAt: at(3) })
        expect(yield* loginCounters.fail(buckets - 1, at(4), longAgo)).toMatchObject({ failures: 1 })
        for (const node of nodes) {
          expect(yield* node.loginCounters.find(7)).toEqual({ failures: 2, lastFailureAt: at(2) })
          expect((yield* node.loginCounters.find(8)).failures).toBe(0)
        }
      })
    )

    it.effect.each([
      [second, 3],
      [second + 1, 1]
    ] as const)(
      "of failures at one second, when those from before %i ms are forgotten, count %i",
      ([before, expected]) =>
        Effect.gen(function* () {
          const { loginCounters } = yield* fresh
          yield* loginCounters.fail(7, at(second), longAgo)
          yield* loginCounters.fail(7, at(second), longAgo)
          const answer = yield* loginCounters.fail(7, at(10 * second), at(before))
          expect(answer).toEqual({ failures: expected, lastFailureAt: at(10 * second) })
          expect(yield* loginCounters.find(7)).toEqual(answer)
        })
    )

    it.effect("take one failure back, and never more than there are", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        yield* loginCounters.release(7)
        expect((yield* loginCounters.find(7)).failures).toBe(0)
        yield* loginCounters.fail(7, at(1), longAgo)
        yield* loginCounters.fail(7, at(2), longAgo)
        yield* loginCounters.release(7)
        expect((yield* loginCounters.find(7)).failures).toBe(1)
        yield* loginCounters.release(7)
        yield* loginCounters.release(7)
        expect((yield* loginCounters.find(7)).failures).toBe(0)
        expect(yield* loginCounters.fail(7, at(3), longAgo)).toEqual({ failures: 1, lastFailureAt: at(3) })
      })
    )

    it.effect("start again from none, in that bucket", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        yield* loginCounters.reset(7)
        for (const bucket of [7, 7, 8]) yield* loginCounters.fail(bucket, at(1), longAgo)
        yield* loginCounters.reset(7)
        expect((yield* loginCounters.find(7)).failures).toBe(0)
        expect((yield* loginCounters.find(8)).failures).toBe(1)
        expect(yield* loginCounters.fail(7, at(2), longAgo)).toEqual({ failures: 1, lastFailureAt: at(2) })
      })
    )

    it.effect("see nothing of another issuer", () =>
      Effect.gen(function* () {
        const { loginCounters } = yield* fresh
        yield* loginCounters.fail(7, at(1), longAgo)
        const elsewhere = yield* fresh
        expect((yield* elsewhere.loginCounters.find(7)).failures).toBe(0)
        yield* elsewhere.loginCounters.release(7)
        yield* elsewhere.loginCounters.reset(7)
        expect((yield* loginCounters.find(7)).failures).toBe(1)
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("each failure counts, and each is told another number", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        const answers = yield* race(nodes, count, ({ loginCounters }, i) => loginCounters.fail(7, at(i), longAgo))
        const told = answers.map(({ failures }) => failures).sort((a, b) => a - b)
        expect(told).toEqual(Array.from({ length: count }, (_, i) => i + 1))
        expect((yield* loginCounters.find(7)).failures).toBe(count)
      })
    )

    it.effect("half take back what the others count, and nothing is lost", () =>
      Effect.gen(function* () {
        const { loginCounters, nodes } = yield* fresh
        yield* Effect.replicateEffect(loginCounters.fail(7, at(0), longAgo), count, { discard: true })
        yield* race(nodes, count, ({ loginCounters }, i) =>
          i % 2 === 0 ? Effect.asVoid(loginCounters.fail(7, at(i), longAgo)) : loginCounters.release(7)
        )
        expect((yield* loginCounters.find(7)).failures).toBe(count)
      })
    )
  })
}
