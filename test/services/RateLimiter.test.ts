/** The limiter in memory: the requests that a quota allows, and the bounded number of its keys. */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { cost, Decision, decide, defaultLimits, type Limit, objection, owedAt } from "../../src/domain/RateLimit.js"
import { layerMemory, makeTable, RateLimiter } from "../../src/services/RateLimiter.js"

const minute = 60_000

const limitOf = (quota: number, window: Duration.DurationInput, name: Limit["name"] = "token"): Limit => ({
  name,
  quota,
  window: Duration.decode(window),
  whenUnavailable: "Allow"
})

const three = limitOf(3, "1 minute")

/** Counts one request. Returns the decision, and the instant at which the quota is full again. */
const consume = (limit: Limit, replenishedAt: number, now: number) => {
  const owed = owedAt(limit, replenishedAt, now)
  const decision = decide([{ limit, owed }])
  return [decision, now + owed + (Decision.$is("Allowed")(decision) ? cost(limit) : 0)] as const
}

/** Whether one request of a key is allowed. */
const ask = (key: string, limit = three) =>
  Effect.flatMap(RateLimiter, (limiter) => Effect.map(limiter.consume([{ limit, key }]), Decision.$is("Allowed")))

const askTimes = (times: number, key: string, limit = three) => Effect.replicateEffect(ask(key, limit), times)

describe("a quota", () => {
  it.effect("a quota allows its requests at once, and then one by one", () =>
    Effect.gen(function* () {
      expect(yield* askTimes(4, "a")).toEqual([true, true, true, false])
      yield* TestClock.adjust("19999 millis")
      expect(yield* ask("a")).toBe(false)
      yield* TestClock.adjust("1 millis")
      expect(yield* askTimes(2, "a")).toEqual([true, false])
      yield* TestClock.adjust("1 minute")
      expect(yield* askTimes(4, "a")).toEqual([true, true, true, false])
    }).pipe(Effect.provide(layerMemory()))
  )

  it.effect("each key and each limit has its own quota", () =>
    Effect.gen(function* () {
      yield* askTimes(3, "a")
      expect(yield* ask("a")).toBe(false)
      expect(yield* ask("b")).toBe(true)
      expect(yield* ask("a", limitOf(3, "1 minute", "login"))).toBe(true)
    }).pipe(Effect.provide(layerMemory()))
  )

  it.effect("a quota is not larger for concurrent callers", () =>
    Effect.gen(function* () {
      const answers = yield* Effect.all(
        Array.from({ length: 50 }, () => ask("a")),
        { concurrency: "unbounded" }
      )
      expect(answers.filter((allowed) => allowed)).toHaveLength(3)
    }).pipe(Effect.provide(layerMemory()))
  )

  it("a decision has the remaining requests and the time until the quota is full", () => {
    const now = 1_000_000
    const [first, after] = consume(three, 0, now)
    expect(first).toEqual(Decision.Allowed({ quotas: [{ remaining: 2, replenishedAfter: Duration.seconds(20) }] }))
    const [, afterTwo] = consume(three, after, now)
    const [third, afterThree] = consume(three, afterTwo, now + 5_000)
    expect(third).toEqual(Decision.Allowed({ quotas: [{ remaining: 0, replenishedAfter: Duration.seconds(55) }] }))
    const [refused, afterFour] = consume(three, afterThree, now + 5_000)
    expect(refused).toEqual(
      Decision.Refused({
        retryAfter: Duration.seconds(15),
        quotas: [{ remaining: 0, replenishedAfter: Duration.seconds(55) }]
      })
    )
    expect(afterFour).toBe(afterThree)
  })

  it("a quota is never exceeded, whatever the times of the requests and the changes of the clock", () => {
    const step = FastCheck.record({
      move: FastCheck.oneof(FastCheck.integer({ min: 0, max: 5_000 }), FastCheck.integer({ min: -90_000, max: 0 })),
      requests: FastCheck.integer({ min: 1, max: 8 })
    })
    const quotas = FastCheck.integer({ min: 1, max: 7 })
    FastCheck.assert(
      FastCheck.property(quotas, FastCheck.array(step, { maxLength: 60 }), (quota, steps) => {
        const limit = limitOf(quota, "10 seconds")
        // Only time that goes forward replenishes the quota.
        let [now, replenishedAt, forwards, allowed, longest] = [10_000_000, 0, 0, 0, 0]
        for (const { move, requests } of steps) {
          now += move
          forwards += Math.max(move, 0)
          for (let i = 0; i < requests; i++) {
            const [decision, next] = consume(limit, replenishedAt, now)
            replenishedAt = next
            if (Decision.$is("Allowed")(decision)) allowed++
            // No client waits longer than the quota takes to be full again.
            longest = Math.max(longest, replenishedAt - now)
          }
        }
        expect(longest).toBeLessThanOrEqual(10_000 + quota)
        expect(allowed).toBeLessThanOrEqual(quota + Math.floor((forwards * quota) / 10_000))
      })
    )
  })

  it("a quota that does not divide its window is exact", () => {
    for (let quota = 1; quota <= 1_000; quota++) {
      let [replenishedAt, allowed] = [0, 0]
      for (let i = 0; i <= quota; i++) {
        const [decision, next] = consume(limitOf(quota, "1 minute"), replenishedAt, 1_800_000_000_000)
        replenishedAt = next
        if (Decision.$is("Allowed")(decision)) allowed++
      }
      expect(allowed, `${quota}`).toBe(quota)
    }
  })

  it("a quota and its window have bounds", () => {
    for (const limit of Object.values(defaultLimits)) expect(objection(limit), limit.name).toBeUndefined()
    expect(objection(limitOf(1_000, "1 second"))).toBeUndefined()
    for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1_001]) {
      expect(objection(limitOf(bad, "1 second")), `${bad}`).toContain("quota")
    }
    for (const bad of ["999 millis", Duration.infinity] as const) {
      expect(objection(limitOf(1, bad)), `${bad}`).toContain("window")
    }
  })
})

describe("the memory of quotas", () => {
  it("the table of quotas has a maximum size", () => {
    const table = makeTable(1_000)
    let largest = 0
    for (let i = 0; i < 1_000_000; i++) {
      table.set(`key ${i}`, i)
      largest = Math.max(largest, table.size())
    }
    expect(largest).toBe(1_000)
  })

  it("a full table forgets full quotas before used ones", () => {
    const table = makeTable(100)
    const [past, future] = [1, minute]
    for (let i = 0; i < 100; i++) table.set(`${i}`, i % 2 === 0 ? past : future)
    // The table forgets an eighth of its keys at a time, here three times.
    for (let i = 0; i < 39; i++) table.set(`new ${i}`, future)
    for (let i = 1; i < 100; i += 2) expect(table.get(`${i}`), `${i}`).toBe(future)
    expect(table.get("new 38")).toBe(future)
  })

  it.effect("a client that used much of its quota is kept when many clients use little", () =>
    Effect.gen(function* () {
      const limiter = yield* RateLimiter
      const large = limitOf(100, "1 hour")
      const heavy = Array.from({ length: 20 }, (_, i) => `heavy ${i}`)
      for (const key of heavy) yield* askTimes(100, key, large)
      for (let i = 0; i < 10_000; i++) yield* limiter.consume([{ limit: large, key: `light ${i}` }])
      for (const key of heavy) expect(yield* ask(key, large), key).toBe(false)
    }).pipe(Effect.provide(layerMemory(64)))
  )

  it.effect("a flood against one limit does not displace keys of another", () =>
    Effect.gen(function* () {
      yield* askTimes(3, "a")
      const daily = limitOf(1, "1 day", "registerDaily")
      for (let i = 0; i < 1_000; i++) yield* ask(`stranger ${i}`, daily)
      expect(yield* ask("a")).toBe(false)
    }).pipe(Effect.provide(layerMemory(64)))
  )

  it.effect("a new key is counted even if the table is full", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 10; i++) expect(yield* ask(`stranger ${i}`, limitOf(1, "1 day"))).toBe(true)
    }).pipe(Effect.provide(layerMemory(1)))
  )
})
