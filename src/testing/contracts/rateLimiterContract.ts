/** The promises of every `RateLimiter`, wherever it counts. */
import { expect, layer } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import * as RateLimit from "../../domain/RateLimit.js"
import { RateLimiter } from "../../services/RateLimiter.js"

/** The limiters of nodes that share one count. */
export class Limiters extends Context.Tag("latchkey/test/Limiters")<
  Limiters,
  Arr.NonEmptyReadonlyArray<RateLimiter["Type"]>
>() {}

const limitOf = (
  quota: number,
  window: Duration.DurationInput,
  name: RateLimit.LimitName = "token"
): RateLimit.Limit => ({
  name,
  quota,
  window: Duration.decode(window),
  whenUnavailable: "Allow"
})

const three = limitOf(3, "1 minute")

let keys = 0

/** A key that no other test uses, with the length of real keys. */
const freshKey = Effect.sync(() => `key-${++keys}`.padEnd(43, "_"))

const isAllowed = RateLimit.Decision.$is("Allowed")

/** The node that is next in turn. */
const nodeOf = (nodes: Limiters["Type"], turn: number) => nodes[turn % nodes.length] ?? nodes[0]

/** Whether requests of a key are allowed. They go to the nodes in turn, one after the other. */
const ask = (key: string, times: number, limit = three) =>
  Effect.flatMap(Limiters, (nodes) =>
    Effect.forEach(Arr.range(0, times - 1), (i) => Effect.map(nodeOf(nodes, i).consume([{ limit, key }]), isAllowed))
  )

/** Makes nodes, each with its own limiter. */
export const nodes = <E, R>(count: 1 | 2, limiter: Layer.Layer<RateLimiter, E, R>): Layer.Layer<Limiters, E, R> => {
  const node = Effect.map(Layer.build(Layer.fresh(limiter)), Context.get(RateLimiter))
  return Layer.scoped(Limiters, count === 1 ? Effect.map(node, Arr.of) : Effect.all([node, node]))
}

/** Runs the contract over the limiters of nodes. */
export const rateLimiterContract = <E>(name: string, limiters: Layer.Layer<Limiters, E>) =>
  layer(limiters)(name, (it) => {
    it.effect("a quota is available at once and is refilled one by one, to the millisecond", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1000 days")
        const key = yield* freshKey
        expect(yield* ask(key, 4)).toEqual([true, true, true, false])
        yield* TestClock.adjust("19999 millis")
        expect(yield* ask(key, 1)).toEqual([false])
        yield* TestClock.adjust("1 millis")
        expect(yield* ask(key, 2)).toEqual([true, false])
        yield* TestClock.adjust("1 minute")
        expect(yield* ask(key, 4)).toEqual([true, true, true, false])
      })
    )

    it.effect("each key and each limit has its own quota", () =>
      Effect.gen(function* () {
        const [key, other] = [yield* freshKey, yield* freshKey]
        expect(yield* ask(key, 4)).toEqual([true, true, true, false])
        expect(yield* ask(other, 1)).toEqual([true])
        expect(yield* ask(key, 1, limitOf(3, "1 minute", "login"))).toEqual([true])
      })
    )

    it.effect.each([2, 8, 64])("a quota allows as many of %i concurrent callers as it has", (count) =>
      Effect.gen(function* () {
        const nodes = yield* Limiters
        const quota = Math.ceil(count / 3)
        const key = yield* freshKey
        const answers = yield* Effect.forEach(
          Arr.range(0, count - 1),
          (i) => nodeOf(nodes, i).consume([{ limit: limitOf(quota, "1 day"), key }]),
          { concurrency: "unbounded" }
        )
        expect(answers.filter(isAllowed)).toHaveLength(quota)
        // Each took one, so the remaining numbers in the answers are all different.
        const left = answers.filter(isAllowed).map(({ quotas }) => quotas[0]?.remaining ?? -1)
        expect(left.sort((a, b) => a - b)).toEqual(Arr.range(0, quota - 1))
      })
    )

    it.effect("a request with several quotas takes from all of them or from none", () =>
      Effect.gen(function* () {
        const nodes = yield* Limiters
        yield* TestClock.adjust("1000 days")
        const [narrow, wide, unused] = [yield* freshKey, yield* freshKey, yield* freshKey]
        const asked = [
          { limit: three, key: narrow },
          { limit: limitOf(2, "1 hour"), key: wide },
          { limit: limitOf(9, "1 minute", "login"), key: unused }
        ]
        const answers = yield* Effect.forEach(Arr.range(0, 3), (i) => nodeOf(nodes, i).consume(asked))
        expect(answers.map(isAllowed)).toEqual([true, true, false, false])
        for (const refused of answers.slice(2)) {
          expect(refused).toEqual(
            RateLimit.Decision.Refused({
              retryAfter: Duration.minutes(30),
              quotas: [
                { remaining: 1, replenishedAfter: Duration.seconds(40) },
                { remaining: 0, replenishedAfter: Duration.hours(1) },
                { remaining: 7, replenishedAfter: Duration.millis(2 * 6_667) }
              ]
            })
          )
        }
        expect(yield* ask(narrow, 2)).toEqual([true, false])
        yield* TestClock.adjust("1799999 millis")
        expect(isAllowed(yield* nodes[0].consume(asked))).toBe(false)
        yield* TestClock.adjust("1 millis")
        expect(isAllowed(yield* nodes[0].consume(asked))).toBe(true)
      })
    )

    it.effect.each([2, 8, 64])("none of %i concurrent callers with quotas in any order takes from one alone", (count) =>
      Effect.gen(function* () {
        const nodes = yield* Limiters
        const quota = Math.ceil(count / 3)
        const [narrow, wide] = [yield* freshKey, yield* freshKey]
        const asked = [
          { limit: limitOf(quota, "1 day"), key: wide },
          { limit: limitOf(count, "1 day"), key: narrow }
        ]
        const answers = yield* Effect.forEach(
          Arr.range(0, count - 1),
          (i) => nodeOf(nodes, i).consume(i % 2 === 0 ? asked : Arr.reverse(asked)),
          { concurrency: "unbounded" }
        )
        expect(answers.filter(isAllowed)).toHaveLength(quota)
        const { quotas } = yield* nodes[0].consume([{ limit: limitOf(count, "1 day"), key: narrow }])
        expect(quotas.map(({ remaining }) => remaining)).toEqual([count - quota - 1])
      })
    )

    it.effect.prop(
      "a limiter decides as the rule does for any requests and any clock",
      {
        quota: FastCheck.integer({ min: 1, max: 7 }),
        moves: FastCheck.array(FastCheck.integer({ min: -20_000, max: 20_000 }), { maxLength: 25 })
      },
      ({ moves, quota }) =>
        Effect.gen(function* () {
          const nodes = yield* Limiters
          const limit = limitOf(quota, "10 seconds")
          const key = yield* freshKey
          let [now, replenishedAt] = [2_000_000_000_000, 0]
          for (const [i, move] of moves.entries()) {
            now += move
            yield* TestClock.setTime(now)
            const owed = RateLimit.owedAt(limit, replenishedAt, now)
            const decision = RateLimit.decide([{ limit, owed }])
            replenishedAt = now + owed + (isAllowed(decision) ? RateLimit.cost(limit) : 0)
            expect(yield* nodeOf(nodes, i).consume([{ limit, key }])).toEqual(decision)
          }
        }),
      { fastCheck: { numRuns: 30 } }
    )
  })
