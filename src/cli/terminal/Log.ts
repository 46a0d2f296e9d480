/**
 * The log: structured lines on standard error, `logfmt` on a terminal and JSON elsewhere. No line holds a secret or a query
 * string.
 */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"

const logger = Logger.map(process.stderr.isTTY ? Logger.logfmtLogger : Logger.jsonLogger, (line) => {
  process.stderr.write(`${line}\n`)
})

/** Runs a command with this log. `--log-level` of @effect/cli is applied inside, and wins. */
export const provide =
  (level: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Logger.withMinimumLogLevel(
      self,
      LogLevel.allLevels.find(({ _tag }) => _tag.toLowerCase() === level) ?? LogLevel.Info
    ).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
