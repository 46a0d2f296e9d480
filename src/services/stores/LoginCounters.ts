/**
 * Where failed logins are counted: a table of fixed size, so that strangers cannot make it grow. A bucket is chosen by a
 * keyed hash of a name, a network or a device; all that share a bucket share its counter (design §3).
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Counter, Rule } from "../../domain/FailureCounter.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Number of buckets for each kind of thing that is counted: names never share a bucket with networks. */
export const bucketsPerKind = 65_536

/** Number of buckets: names, networks, pairs of the two, and devices. */
export const buckets = 4 * bucketsPerKind

/** What became of an attempt to count. */
export type Counting = Data.TaggedEnum<{
  /** It is counted as a failure, and the counter is now this. */
  Counted: { readonly counter: Counter }
  /** It is not counted, and nothing has changed: the counter is paused until this time, in milliseconds since 1970. */
  Paused: { readonly until: number }
}>
export const Counting = Data.taggedEnum<Counting>()

export class LoginCounters extends Context.Tag("latchkey/LoginCounters")<
  LoginCounters,
  {
    /** The counter of a bucket; `none` where nothing was counted. `bucket` is from 0 to `buckets` - 1. */
    readonly find: (bucket: number) => Effect.Effect<Counter, TemporarilyUnavailable>
    /**
     * Count a failure, unless the counter is paused. Of any number of callers at once exactly as many see `Counted` as
     * would one after the other; the others change nothing. No failure is lost with a restart.
     */
    readonly count: (bucket: number, rule: Rule, now: DateTime.Utc) => Effect.Effect<Counting, TemporarilyUnavailable>
    /**
     * Take back a failure that turned out to be none, with the pause that it began. `counted` is what `count` answered;
     * after a `clear` nothing is taken back.
     */
    readonly release: (bucket: number, rule: Rule, counted: Counter) => Effect.Effect<void, TemporarilyUnavailable>
    /** The buckets from `first` to `last` that are paused at `now`, with the ends of their pauses in milliseconds since 1970. */
    readonly paused: (
      first: number,
      last: number,
      now: DateTime.Utc
    ) => Effect.Effect<ReadonlyMap<number, number>, TemporarilyUnavailable>
    /** Forget all failures and end the pause; the counter begins its next generation. */
    readonly clear: (bucket: number) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
