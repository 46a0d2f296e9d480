/**
 * The latest time that the servers of an issuer have seen. The database stores it, so that a server notices at its start
 * that the clock went back, or far forward, while no server ran (design §3, Time; ADR 25).
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** The stored mark. */
export interface Mark {
  /** The latest time that was recorded. */
  readonly seenAt: DateTime.Utc
  /** The time to which the clock last jumped forward, if it ever did. */
  readonly jumpedAt: Option.Option<DateTime.Utc>
}

export class HighWaterMark extends Context.Tag("latchkey/HighWaterMark")<
  HighWaterMark,
  {
    /**
     * Record a time in one step. The mark never goes back: of the times that any number of nodes record, the latest is kept.
     * A time more than `leap` after the mark is a jump to that time. Returns the mark as it is stored from now on.
     */
    readonly note: (now: DateTime.Utc, leap: Duration.Duration) => Effect.Effect<Mark, TemporarilyUnavailable>
    /** Store the time that the operator accepts, whether it is earlier or later than the mark, and forget the last jump. */
    readonly accept: (now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

/** For a storage without a mark: it stores nothing, so no change of the clock is noticed. */
export const noop: Context.Tag.Service<HighWaterMark> = {
  note: (now) => Effect.succeed({ seenAt: now, jumpedAt: Option.none() }),
  accept: () => Effect.void
}
