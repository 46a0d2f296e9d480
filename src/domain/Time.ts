/** Rules of time. Everywhere, a token or row with an end has expired when `now >= end`. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"

/** Whether `now` is before the end, so that a token with this end has not expired. */
export const isBefore = (now: DateTime.Utc, end: DateTime.Utc): boolean => now.epochMillis < end.epochMillis

/**
 * Whether `now` is less than `window` after `start`. A window of zero contains no instant, not even one before `start`: a request
 * that arrived earlier and is served later reads such an instant.
 */
export const isWithin = (now: DateTime.Utc, start: DateTime.Utc, window: Duration.Duration): boolean =>
  Duration.toMillis(window) > 0 && now.epochMillis < start.epochMillis + Duration.toMillis(window)

/** Returns the earlier of `now + ttl` and `atMost`. */
export const endOf = (now: DateTime.Utc, ttl: Duration.Duration, atMost: DateTime.Utc): DateTime.Utc =>
  DateTime.min(DateTime.addDuration(now, ttl), atMost)

const day = Duration.toMillis(Duration.days(1))

/** Whether two instants are on the same day, in UTC. */
export const isSameDay = (one: DateTime.Utc, other: DateTime.Utc): boolean =>
  Math.floor(one.epochMillis / day) === Math.floor(other.epochMillis / day)

/** Returns the seconds since 1970, the form of times in JSON (RFC 7519 §2, NumericDate). */
export const toNumericDate = (time: DateTime.Utc): number => Math.floor(time.epochMillis / 1000)

/** Returns the whole seconds from `now` to `end`, never negative: `expires_in` (RFC 6749 §5.1). */
export const secondsUntil = (now: DateTime.Utc, end: DateTime.Utc): number =>
  Math.max(0, Math.floor((end.epochMillis - now.epochMillis) / 1000))
