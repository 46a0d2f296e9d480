/** The one rule of time: what ends at an instant is over at that instant. `expired` means `now >= end`, everywhere. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/** Whether `now` is before the end, that is, whether what ends there still lives. */
export const isBefore = (now: DateTime.Utc, end: DateTime.Utc): boolean => now.epochMillis < end.epochMillis

/**
 * Whether `now` is less than `window` after `start`. A window of zero holds no instant, not even one before `start`,
 * which is what a request reads that came earlier and is served later.
 */
export const isWithin = (now: DateTime.Utc, start: DateTime.Utc, window: Duration.Duration): boolean =>
  Duration.toMillis(window) > 0 && now.epochMillis < start.epochMillis + Duration.toMillis(window)

/** The earlier of `now + ttl` and an end that nothing outlives. */
export const endOf = (now: DateTime.Utc, ttl: Duration.Duration, atMost: DateTime.Utc): DateTime.Utc =>
  DateTime.min(DateTime.addDuration(now, ttl), atMost)

const day = Duration.toMillis(Duration.days(1))

/** Whether two instants are of one day, in UTC. */
export const isSameDay = (one: DateTime.Utc, other: DateTime.Utc): boolean =>
  Math.floor(one.epochMillis / day) === Math.floor(other.epochMillis / day)

/** Seconds since 1970, as JSON has times (RFC 7519 §2, NumericDate). */
export const toNumericDate = (time: DateTime.Utc): number => Math.floor(time.epochMillis / 1000)

/** Whole seconds from `now` to `end`, never negative: `expires_in` (RFC 6749 §5.1). */
export const secondsUntil = (now: DateTime.Utc, end: DateTime.Utc): number =>
  Math.max(0, Math.floor((end.epochMillis - now.epochMillis) / 1000))
