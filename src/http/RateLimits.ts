/**
 * How a request is counted, and what its answer says of that: `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers-10 §3, §4), and 429 with `Retry-After` where the quota is used up (RFC 6585 §4).
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type TemporarilyUnavailable, TooManyRequests } from "../domain/OAuthError.js"
import { Decision, type Limit, type LimitName } from "../domain/RateLimit.js"
import { digestOf } from "../services/Crypto.js"
import { RateLimiter } from "../services/RateLimiter.js"
import { ServerSettings } from "../services/ServerSettings.js"
import * as ClientAddress from "./ClientAddress.js"

type Refusal = TooManyRequests | TemporarilyUnavailable

/** The limits that one request meets: its answer tells of them. */
export class Meter extends Context.Tag("latchkey/http/Meter")<
  Meter,
  {
    /** Counts the request against a limit of whoever `key` names; where the limit is off, nothing is counted. */
    readonly consume: (name: LimitName, key: string) => Effect.Effect<void, Refusal>
    /** Counts the request against a limit of the client's address; where that is not known, nothing is counted. */
    readonly consumeByAddress: (name: LimitName) => Effect.Effect<void, Refusal>
  }
>() {}

/** One request, as it is counted. */
export interface Counted {
  /** Comes first: nothing is read or written for whom it refuses. */
  readonly admit: Effect.Effect<void, Refusal>
  /** For what only the handler knows. */
  readonly meter: Context.Tag.Service<Meter>
  /** What the answer says. */
  readonly headers: () => Readonly<Record<string, string>>
}

/** Begins to count a request. */
export type Counting = (request: HttpServerRequest.HttpServerRequest) => Counted

/** For endpoints that have no limits. */
export const uncounted: Counting = () => ({
  admit: Effect.void,
  meter: { consume: () => Effect.void, consumeByAddress: () => Effect.void },
  headers: () => ({})
})

/**
 * Counts requests by the client's address. Where that is not known, as in a handler of web requests, nothing is counted:
 * one quota for all would let anybody lock everybody out.
 */
export const byAddress = (
  names: ReadonlyArray<LimitName>
): Effect.Effect<Counting, never, RateLimiter | ServerSettings> =>
  Effect.gen(function* () {
    const limiter = yield* RateLimiter
    const { issuer, rateLimits, trustedProxies } = yield* ServerSettings

    /** What becomes of a request; `None` where that cannot be found out, and need not be. */
    const decide = (limit: Limit, key: string): Effect.Effect<Option.Option<Decision>, TemporarilyUnavailable> =>
      // Issuers that share a limiter share no quota, and a key is as long as another.
      Effect.asSome(limiter.consume(limit, digestOf(JSON.stringify([issuer, key])))).pipe(
        Effect.catchAll((error) =>
          limit.whenUnavailable === "Refuse"
            ? Effect.fail(error)
            : Effect.as(
                Effect.annotateLogs(Effect.logWarning("not counted"), { limit: limit.name, reason: error.reason }),
                Option.none()
              )
        )
      )

    return (request) => {
      const met: Array<readonly [Limit, Decision]> = []
      const consume = Effect.fnUntraced(function* (name: LimitName, key: string) {
        const limit = rateLimits[name]
        if (limit === undefined) return
        const decision = yield* decide(limit, key)
        if (Option.isNone(decision)) return
        met.push([limit, decision.value])
        if (Decision.$is("Refused")(decision.value)) {
          return yield* new TooManyRequests({
            reason: "RateLimited",
            description: "too many requests; try again later",
            retryAfter: Math.max(1, seconds(decision.value.retryAfter))
          })
        }
      })
      const address = ClientAddress.of(request, trustedProxies)
      const consumeByAddress = (name: LimitName) => (address === undefined ? Effect.void : consume(name, address))
      return {
        admit: Effect.forEach(names, consumeByAddress, { discard: true }),
        meter: { consume, consumeByAddress },
        headers: () => (met.length === 0 ? {} : headersOf(met))
      }
    }
  })

/** Whole ones, rounded up. */
const seconds = (duration: Duration.Duration): number => Math.ceil(Duration.toSeconds(duration))

const headersOf = (met: ReadonlyArray<readonly [Limit, Decision]>) => ({
  "ratelimit-policy": met.map(([{ name, quota, window }]) => `"${name}";q=${quota};w=${seconds(window)}`).join(", "),
  ratelimit: met
    .map(([{ name }, decision]) => {
      const remaining = Decision.$is("Allowed")(decision) ? decision.remaining : 0
      return `"${name}";r=${remaining};t=${seconds(decision.replenishedAfter)}`
    })
    .join(", ")
})
