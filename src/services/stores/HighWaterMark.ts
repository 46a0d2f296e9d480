/**
 * The greatest time that the servers of an issuer have seen, as their database remembers it: by it a server knows at its
 * start that the clock went back, or far forward, while it did not run (design §3, Time; ADR 25).
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** What is remembered. */
export interface Mark {
  /** The greatest time that was noted. */
  readonly seenAt: DateTime.Utc
  /** To when the last jump forward led, if there was any. */
  readonly jumpedAt: Option.Option<DateTime.Utc>
}

export class HighWaterMark extends Context.Tag("latchkey/HighWaterMark")<
  HighWaterMark,
  {
    /**
     * Note a time, in one step. The mark never goes back: of any number of nodes the greatest time stands. A time that is
     * more than `leap` after the mark is a jump to that time. Answers with what is remembered from now on.
     */
    readonly note: (now: DateTime.Utc, leap: Duration.Duration) => Effect.Effect<Mark, TemporarilyUnavailable>
    /** The operator says that this is the time: the mark is it, earlier or later than it was, and no jump is known. */
    readonly accept: (now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

/** A mark in the memory of the process. */
export const makeMemory = (): Context.Tag.Service<HighWaterMark> => {
  let mark: Mark | undefined
  const remember = (next: Mark) => {
    mark = next
    return next
  }
  return {
    note: (now, leap) =>
      Effect.sync(() => {
        const { jumpedAt, seenAt } = mark ?? { seenAt: now, jumpedAt: Option.none() }
        const isJump = DateTime.greaterThan(now, DateTime.addDuration(seenAt, leap))
        return remember({ seenAt: DateTime.max(seenAt, now), jumpedAt: isJump ? Option.some(now) : jumpedAt })
      }),
    accept: (now) => Effect.sync(() => void remember({ seenAt: now, jumpedAt: Option.none() }))
  }
}
