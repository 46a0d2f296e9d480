/**
 * Counts requests against limits. The default limiter counts in the memory of one process. An app with several processes
 * provides one that they share.
 *
 * @example
 * import * as Layer from "effect/Layer"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as RateLimiter from "latchkey/RateLimiter"
 *
 * const Auth = AuthLayer.layer({
 *   issuer: "https://notes.example.com",
 *   resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read your notes" } }]
 * }).pipe(Layer.provide(RateLimiter.layerMemory(1_000)))
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as RateLimit from "../domain/RateLimit.js"

export class RateLimiter extends Context.Tag("latchkey/RateLimiter")<
  RateLimiter,
  {
    /**
     * Counts one request against all of these quotas: takes one from each quota if each has one left, and otherwise takes
     * nothing from any. Concurrent callers, on all nodes together, get no more than a quota has: deciding and taking are one
     * step. Each pair of a limit's name and a key has its own quota; one call never has the same pair twice.
     *
     * A quota that is whole again may be forgotten, and no quota has to survive a restart. Strangers choose the number of
     * keys, so an implementation keeps a bounded number of them, or has each expire when its quota is whole.
     *
     * A store that is down or slow is a failure, and soon, because every request waits for this. The limit
     * (`whenUnavailable`), and not the implementation, decides whether the request is then answered.
     */
    readonly consume: (
      asked: ReadonlyArray<RateLimit.QuotaRequest>
    ) => Effect.Effect<RateLimit.Decision, TemporarilyUnavailable>
  }
>() {}

/** Maximum time that a request waits to be counted by another process, in milliseconds. */
export const patience = 1_000

/** Fails when counting takes longer than `patience`. */
export const within = <A>(
  counting: Effect.Effect<A, TemporarilyUnavailable>
): Effect.Effect<A, TemporarilyUnavailable> =>
  Effect.timeoutFail(counting, {
    duration: patience,
    onTimeout: () => new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })
  })

/** Maximum number of keys of each limit that the limiter in memory keeps: some megabytes in all. */
export const defaultCapacity = 16_384

/** The times at which the quotas of keys are whole again, in epoch milliseconds; 0 for an unknown key. */
export interface Table {
  readonly size: () => number
  readonly get: (key: string) => number
  readonly set: (key: string, replenishedAt: number) => void
}

/**
 * Makes a table of at most `capacity` keys. A full table forgets an eighth of its keys: first those whose quota is whole, for
 * which forgetting changes least. So a client with many addresses displaces the little that each of them used, and not a key
 * that used much.
 */
export const makeTable = (capacity: number): Table => {
  const replenishedAt = new Map<string, number>()
  // Many at once, because forgetting sorts all keys: some milliseconds, once in thousands of new keys.
  const forget = () => {
    const soonest = Array.from(replenishedAt).sort(([, left], [, right]) => left - right)
    for (const [key] of soonest.slice(0, Math.ceil(capacity / 8))) replenishedAt.delete(key)
  }
  return {
    size: () => replenishedAt.size,
    get: (key) => replenishedAt.get(key) ?? 0,
    set: (key, at) => {
      if (replenishedAt.size >= capacity && !replenishedAt.has(key)) forget()
      replenishedAt.set(key, at)
    }
  }
}

/** A quota with the name of its limit: everything that counting needs of a limit. */
export type NamedQuota = Pick<RateLimit.Limit, "name" | "quota" | "window">

/**
 * Counts one request at `now`, in milliseconds since 1970. Returns the milliseconds of each quota that were used before the
 * request, in its order; `RateLimit.decide` decides by them.
 */
export type Counter = (asked: ReadonlyArray<RateLimit.QuotaRequest<NamedQuota>>, now: number) => ReadonlyArray<number>

/** Makes a counter in the memory of this process. `capacity` is the maximum number of keys of each limit. */
export const makeCounter = (capacity: number = defaultCapacity): Counter => {
  // One table for each limit: otherwise a flood of one limit would make the others forget.
  const tables = new Map<RateLimit.LimitName, Table>()
  return (asked, now) => {
    const before = asked.map(({ key, limit }) => {
      const table = tables.get(limit.name) ?? makeTable(capacity)
      tables.set(limit.name, table)
      return { key, limit, table, owed: RateLimit.owedAt(limit, table.get(key), now) }
    })
    const isAllowed = RateLimit.Decision.$is("Allowed")(RateLimit.decide(before))
    for (const { key, limit, owed, table } of before) {
      table.set(key, now + owed + (isAllowed ? RateLimit.cost(limit) : 0))
    }
    return before.map(({ owed }) => owed)
  }
}

/** Returns the decision on a request from the used milliseconds of its quotas. An absent number counts as an empty quota. */
export const decide = (
  asked: ReadonlyArray<RateLimit.QuotaRequest>,
  owed: ReadonlyArray<number | undefined>
): RateLimit.Decision =>
  RateLimit.decide(asked.map(({ limit }, i) => ({ limit, owed: owed[i] ?? RateLimit.span(limit) })))

const make = (capacity: number) =>
  Effect.sync(() => {
    const count = makeCounter(capacity)
    return RateLimiter.of({
      consume: (asked) => Effect.map(Clock.currentTimeMillis, (now) => decide(asked, count(asked, now)))
    })
  })

/** Counts in the memory of this process. `capacity` is the maximum number of keys of each limit. */
export const layerMemory = (capacity: number = defaultCapacity): Layer.Layer<RateLimiter> =>
  Layer.effect(RateLimiter, make(capacity))
