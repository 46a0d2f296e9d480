/**
 * How often somebody may try to log in: by the name that is tried, and by the address it is tried from. It slows guessing
 * down, and never locks anybody out for good. A name that nobody has is counted like any other.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { TooManyRequests } from "../domain/OAuthError.js"
import { deriveKey, hmac } from "./Crypto.js"
import * as LoginCounters from "./LoginCounters.js"
import { ServerSettings } from "./ServerSettings.js"
import { Storage } from "./Storage.js"

/** Whose attempts are counted. */
export interface Attempt {
  /** The name, in its one form. */
  readonly username: string
  /** The client address, or the network of it that counts as one; `undefined` where it is not known. */
  readonly address: string | undefined
}

export class LoginThrottle extends Context.Tag("latchkey/LoginThrottle")<
  LoginThrottle,
  {
    /**
     * Lets a login be tried: `verify` gives somebody, or nobody. It is not tried when there have been too many failures of
     * late; however many come at once, no more are tried than would be one after the other.
     */
    readonly guard: <A, E, R>(
      attempt: Attempt,
      verify: Effect.Effect<Option.Option<A>, E, R>
    ) => Effect.Effect<Option.Option<A>, E | TooManyRequests | TemporarilyUnavailable, R>
  }
>() {}

/** Failures that cost nothing but themselves. An address may be many people's. */
const free = { username: 8, address: 50 }

/** Failures older than this are forgotten. */
const remembered = Duration.hours(1)

/** The pause after the n-th failure beyond the free ones: it doubles from a second to a quarter of an hour. */
const pause = (beyond: number): Duration.Duration =>
  Duration.min(Duration.seconds(2 ** Math.min(beyond - 1, 20)), Duration.minutes(15))

const make = Effect.gen(function* () {
  const counters = yield* LoginCounters.LoginCounters
  const { issuer } = yield* ServerSettings
  const { masterKey } = yield* Storage
  const key = deriveKey(Redacted.value(masterKey), JSON.stringify(["login", issuer]))

  const bucketOf = (kind: keyof typeof free, value: string): number => {
    const [high = 0, low = 0] = hmac(key, kind, value)
    return (high * 256 + low) % LoginCounters.buckets
  }

  const counted = ({ address, username }: Attempt) => [
    { kind: "username" as const, bucket: bucketOf("username", username) },
    ...(address === undefined ? [] : [{ kind: "address" as const, bucket: bucketOf("address", address) }])
  ]

  const refuseWhile = (waitMillis: number) =>
    waitMillis <= 0
      ? Effect.void
      : new TooManyRequests({
          reason: "LoginThrottled",
          description: "too many attempts; try again later",
          retryAfter: Math.ceil(waitMillis / 1000)
        })

  /** How long it is until another attempt is heard, in milliseconds. */
  const waitOf = (kind: keyof typeof free, counter: LoginCounters.Counter | undefined, now: DateTime.Utc): number => {
    if (counter === undefined) return 0
    const beyond = counter.failures - free[kind]
    return beyond <= 0 ? 0 : counter.lastFailureAt.epochMillis + Duration.toMillis(pause(beyond)) - now.epochMillis
  }

  return LoginThrottle.of({
    guard: Effect.fn("LoginThrottle.guard")(function* (attempt, verify) {
      const now = yield* DateTime.now
      const forgottenBefore = DateTime.subtractDuration(now, remembered)
      const places = counted(attempt)
      const seen = yield* Effect.forEach(places, ({ bucket }) =>
        // What is too old counts for nothing, or a burst could hide behind it.
        Effect.map(counters.find(bucket), (counter) =>
          DateTime.lessThan(counter.lastFailureAt, forgottenBefore) ? LoginCounters.none : counter
        )
      )
      for (const [i, { kind }] of places.entries()) yield* refuseWhile(waitOf(kind, seen[i], now))
      // Counted as a failure before it is known for one, or a burst would be over before its first is counted.
      for (const [i, { bucket, kind }] of places.entries()) {
        const counter = yield* counters.fail(bucket, now, forgottenBefore)
        const others = counter.failures - 1
        if (others > free[kind] && others > (seen[i]?.failures ?? 0)) yield* refuseWhile(1000)
      }
      const release = Effect.forEach(places, ({ bucket }) => counters.release(bucket), { discard: true })
      // Whoever was not heard has not failed.
      const found = yield* Effect.tapError(verify, () => Effect.ignore(release))
      if (Option.isSome(found)) {
        yield* Effect.forEach(
          places,
          ({ bucket, kind }) => (kind === "username" ? counters.reset(bucket) : counters.release(bucket)),
          { discard: true }
        )
      }
      return found
    })
  })
})

export const layer = Layer.effect(LoginThrottle, make)
