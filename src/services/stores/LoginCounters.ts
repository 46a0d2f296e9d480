/**
 * Counts failed logins in a table of fixed size, so that strangers cannot make it grow. A keyed hash of a name, a network or a
 * device selects the bucket. Everything that shares a bucket shares its counter (design §3).
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Counter, Rule } from "../../domain/FailureCounter.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Number of buckets for each kind of counted thing. So names never share a bucket with networks. */
export const bucketsPerKind = 65_536

/** Number of all buckets: for names, networks, pairs of the two, and devices. */
export const buckets = 4 * bucketsPerKind

/** The result of an attempt to count. */
export type Counting = Data.TaggedEnum<{
  /** The attempt was counted as a failure. The counter now has this value. */
  Counted: { readonly counter: Counter }
  /** Nothing was counted or changed: the counter is paused until this time, in milliseconds since 1970. */
  Paused: { readonly until: number }
}>
export const Counting = Data.taggedEnum<Counting>()

export class LoginCounters extends Context.Tag("latchkey/LoginCounters")<
  LoginCounters,
  {
    /** Returns the counter of a bucket; `none` if nothing was counted. `bucket` is from 0 to `buckets` - 1. */
    readonly find: (bucket: number) => Effect.Effect<Counter, TemporarilyUnavailable>
    /**
     * Count a failure, unless the counter is paused. As many concurrent callers see `Counted` as would one after the
     * other; the others change nothing. A restart loses no failure.
     */
    readonly count: (bucket: number, rule: Rule, now: DateTime.Utc) => Effect.Effect<Counting, TemporarilyUnavailable>
    /**
     * Undo a count that turned out to be no failure, and the pause that it began. `counted` is the answer of `count`. Changes
     * nothing after a `clear`.
     */
    readonly release: (bucket: number, rule: Rule, counted: Counter) => Effect.Effect<void, TemporarilyUnavailable>
    /** Returns the buckets from `first` to `last` that are paused at `now`, with the end of each pause in milliseconds since 1970. */
    readonly paused: (
      first: number,
      last: number,
      now: DateTime.Utc
    ) => Effect.Effect<ReadonlyMap<number, number>, TemporarilyUnavailable>
    /** Delete all failures and end the pause. The counter begins its next generation. */
    readonly clear: (bucket: number) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
