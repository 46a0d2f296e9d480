/** The latest time seen, in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { HighWaterMark, Mark } from "../../services/stores/HighWaterMark.js"
import type * as Rows from "./Rows.js"

export const make = (rows: Rows.Rows): Context.Tag.Service<HighWaterMark> => {
  const store = (mark: Mark) => {
    rows.highWaterMark = Option.some(mark)
    return mark
  }
  return {
    note: (now, leap) =>
      Effect.sync(() => {
        const { jumpedAt, seenAt } = Option.getOrElse(rows.highWaterMark, () => ({
          seenAt: now,
          jumpedAt: Option.none<DateTime.Utc>()
        }))
        const isJump = DateTime.greaterThan(now, DateTime.addDuration(seenAt, leap))
        return store({ seenAt: DateTime.max(seenAt, now), jumpedAt: isJump ? Option.some(now) : jumpedAt })
      }),
    accept: (now) => Effect.sync(() => void store({ seenAt: now, jumpedAt: Option.none() }))
  }
}
