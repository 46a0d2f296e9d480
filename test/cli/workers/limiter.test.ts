/** The limiter of a worker, and the pauses before a worker is replaced, without processes. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import * as Primary from "../../../src/cli/workers/Primary.js"
import * as SharedRateLimiter from "../../../src/cli/workers/SharedRateLimiter.js"
import { defaultLimits } from "../../../src/domain/RateLimit.js"
import { RateLimiter } from "../../../src/services/RateLimiter.js"

describe("the limiter of a worker", () => {
  it("a primary that does not answer makes the limiter unavailable within a second", async () => {
    const silent = SharedRateLimiter.layer({ send: () => {}, onCounted: () => {} })
    const asked = [{ limit: defaultLimits.token, key: "a".repeat(43) }]
    const counted = Effect.flatMap(RateLimiter, (limiter) => Effect.flip(limiter.consume(asked)))
    const before = performance.now()
    const error = await Effect.runPromise(Effect.provide(counted, silent))
    expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreBusy" })
    expect(performance.now() - before).toBeLessThan(3_000)
  })

  it("the requests of one turn of the event loop are one message", async () => {
    const sizes: Array<number> = []
    const silent = SharedRateLimiter.layer({ send: (counts) => sizes.push(counts.length), onCounted: () => {} })
    const asked = [{ limit: defaultLimits.token, key: "a".repeat(43) }]
    const counted = Effect.flatMap(RateLimiter, (limiter) =>
      Effect.ignore(
        Effect.all(
          Array.from({ length: 5 }, () => limiter.consume(asked)),
          { concurrency: "unbounded" }
        )
      )
    )
    await Effect.runPromise(Effect.provide(counted, silent))
    expect(sizes).toEqual([5])
  })
})

it("the pause before a worker is replaced doubles up to 30 seconds", () => {
  const pauses = [0, 1, 2, 9, 1_000].map((lives) => Duration.toMillis(Primary.pauseAfter(lives)))
  expect(pauses).toEqual([100, 200, 400, 30_000, 30_000])
})
