/**
 * Counts requests against limits. The standard limiter counts in the memory of one process; an app with several gives one
 * that they share: `AuthLayer.layer(…).pipe(Layer.provide(MyRateLimiter))`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as RateLimit from "../domain/RateLimit.js"
import { RateLimitTable } from "./RateLimitTable.js"

export class RateLimiter extends Context.Tag("latchkey/RateLimiter")<
  RateLimiter,
  {
    /**
     * Counts one request against all of these quotas: it takes one from each of them if each has one left, and else
     * nothing from any. Of concurrent callers, on all nodes together, no more are allowed than a quota has: deciding and
     * taking are one step. Each pair of a limit's name and a key has a quota of its own; no pair is asked twice at once.
     *
     * Quotas that are whole again may be forgotten, and nothing need outlive a restart. Strangers choose how many keys there
     * are: an implementation keeps a bounded number of them, or lets each end by itself when its quota is whole.
     *
     * A store that is down or slow is a failure, and soon: every request waits for this. What then becomes of the request is
     * the limit's to say (`whenUnavailable`), not the implementation's.
     */
    readonly consume: (
      asked: ReadonlyArray<RateLimit.Asked>
    ) => Effect.Effect<RateLimit.Decision, TemporarilyUnavailable>
  }
>() {}

/** How long a request waits to be counted elsewhere, in milliseconds; longer than that is a failure. */
export const patience = 1_000

/** Fails when counting takes longer than a request may wait for it. */
export const within = <A>(
  counting: Effect.Effect<A, TemporarilyUnavailable>
): Effect.Effect<A, TemporarilyUnavailable> =>
  Effect.timeoutFail(counting, {
    duration: patience,
    onTimeout: () => new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })
  })

/** How many keys of each limit are remembered: some megabytes in all. */
export const defaultCapacity = 16_384

const make = (capacity: number) =>
  Effect.sync(() => {
    // A table for each limit, or a flood of one would make the others forget.
    const tables = new Map<RateLimit.LimitName, RateLimitTable>()
    return RateLimiter.of({
      consume: (asked) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const before = asked.map(({ key, limit }) => {
            const table = tables.get(limit.name) ?? new RateLimitTable(capacity)
            tables.set(limit.name, table)
            return { key, limit, table, owed: RateLimit.owedAt(limit, table.get(key), now) }
          })
          const decision = RateLimit.decide(before)
          const isAllowed = RateLimit.Decision.$is("Allowed")(decision)
          for (const { key, limit, owed, table } of before) {
            table.set(key, now + owed + (isAllowed ? RateLimit.cost(limit) : 0))
          }
          return decision
        })
    })
  })

/** Counts in the memory of this process, and forgets with it; `capacity` is how many keys of each limit are kept. */
export const layerMemory = (capacity: number = defaultCapacity): Layer.Layer<RateLimiter> =>
  Layer.effect(RateLimiter, make(capacity))
