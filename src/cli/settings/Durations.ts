/** Durations as an operator writes them: `30 seconds`, `12 hours`. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** A duration, written with its unit. */
export const DurationText = Schema.transformOrFail(
  Schema.String.annotations({ examples: ["30 seconds", "10 minutes", "12 hours", "30 days"] }),
  Schema.DurationFromSelf,
  {
    strict: true,
    decode: (text, _, ast) =>
      Option.match(text.startsWith("-") ? Option.none() : Duration.decodeUnknown(text), {
        onNone: () => ParseResult.fail(new ParseResult.Type(ast, text)),
        onSome: (duration) => ParseResult.succeed(duration)
      }),
    encode: (duration) => ParseResult.succeed(format(duration))
  }
)

/** Formats a duration in the largest unit that gives a whole number of at least 2. */
export const format = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  const units = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1000 }
  const [unit, size] =
    Object.entries(units).find(([, size]) => millis >= 2 * size && millis % size === 0) ??
    (millis % 1000 === 0 ? ["seconds", 1000] : ["millis", 1])
  return `${millis / size} ${unit}`
}

/** A timeout of a connection. Zero is invalid, because Node takes it for no timeout at all. */
export const TimeoutText = DurationText.pipe(
  Schema.filter((duration) => Duration.between(duration, { minimum: "1 second", maximum: "1 hour" }))
)

export const hint = 'give a duration, such as "30 seconds" or "12 hours"'

export const timeoutHint = 'give a duration from "1 second" to "1 hour"'
