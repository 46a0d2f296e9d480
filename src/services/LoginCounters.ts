/**
 * Where failed logins are counted: a table of fixed size, so that strangers cannot make it grow. A bucket is a hash of a
 * name or an address, known or not; whoever shares a bucket shares its counter (design §3).
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"

/** How many buckets there are. */
export const buckets = 65_536

/** What a bucket holds: failures since the last success or since it was last forgotten. */
export interface Counter {
  readonly failures: number
  readonly lastFailureAt: DateTime.Utc
}

/** A bucket in which nothing was counted. */
export const none: Counter = { failures: 0, lastFailureAt: DateTime.unsafeMake(0) }

export class LoginCounters extends Context.Tag("latchkey/LoginCounters")<
  LoginCounters,
  {
    /** What a bucket holds; no failures where nothing was counted. `bucket` is from 0 to `buckets` - 1. */
    readonly find: (bucket: number) => Effect.Effect<Counter, TemporarilyUnavailable>
    /**
     * Count a failure, and answer with the counter as it is then; failures from before `forgottenBefore` do not count any
     * more. No failure is lost among concurrent ones, and none with a restart.
     */
    readonly fail: (
      bucket: number,
      now: DateTime.Utc,
      forgottenBefore: DateTime.Utc
    ) => Effect.Effect<Counter, TemporarilyUnavailable>
    /** Take back one failure that turned out to be none. */
    readonly release: (bucket: number) => Effect.Effect<void, TemporarilyUnavailable>
    /** Start again from none. */
    readonly reset: (bucket: number) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
