/** The time for which an HTTP response may be reused (RFC 9111 §4.2). */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** Bounds for the time that a response names. */
export interface Bounds {
  readonly atLeast: Duration.Duration
  readonly atMost: Duration.Duration
  /** Used if the response names no time. */
  readonly otherwise: Duration.Duration
}

/** Response headers; the names are lower case. */
type Headers = Readonly<Record<string, string | undefined>>

const seconds = (text: string | undefined): number | undefined => {
  const value = /^\s*"?(\d{1,10})"?\s*$/.exec(text ?? "")?.[1]
  return value === undefined ? undefined : Number(value)
}

/** Returns the value of a directive of Cache-Control: `""` for one without a value, `undefined` for one that is missing. */
const directive = (headers: Headers, name: string): string | undefined => {
  for (const part of (headers["cache-control"] ?? "").split(",")) {
    const [key = "", value = ""] = part.trim().split("=", 2)
    if (key.toLowerCase() === name) return value
  }
  return undefined
}

/** Parses an HTTP date (RFC 9110 §5.6.7). `DateTime` takes a text without a zone as one in UTC, and does not know GMT. */
const parseDate = (text = ""): Option.Option<DateTime.Utc> => DateTime.make(text.replace(/ GMT$/, ""))

/** Returns the time that the response names in milliseconds; `undefined` if it names none. */
const named = (headers: Headers): number | undefined => {
  if (directive(headers, "no-store") !== undefined || directive(headers, "no-cache") !== undefined) return 0
  const age = (seconds(headers.age) ?? 0) * 1000
  const maxAge = seconds(directive(headers, "max-age"))
  if (maxAge !== undefined) return maxAge * 1000 - age
  if (headers.expires === undefined) return undefined
  // An invalid date is in the past (RFC 9111 §5.3).
  return Option.match(Option.all([parseDate(headers.expires), parseDate(headers.date)]), {
    onNone: () => 0,
    onSome: ([expires, date]) => DateTime.distance(date, expires) - age
  })
}

/** Returns the time for which the response may be reused from now on, within the bounds. */
export const lifetime = (headers: Headers, { atLeast, atMost, otherwise }: Bounds): Duration.Duration => {
  const millis = named(headers)
  return millis === undefined
    ? otherwise
    : Duration.clamp(Duration.millis(Math.max(0, millis)), { minimum: atLeast, maximum: atMost })
}
