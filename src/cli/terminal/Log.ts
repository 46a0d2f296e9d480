/**
 * The log: structured lines on standard error, `logfmt` where a person reads them and JSON where a program does. No
 * secret and no query string is ever put into one.
 */
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Setting from "../settings/Setting.js"
import { table } from "../settings/Settings.js"

const level = Effect.map(
  Setting.read(table.logLevel),
  (name) => LogLevel.allLevels.find(({ _tag }) => _tag.toLowerCase() === name) ?? LogLevel.Info
)

const logger = Logger.map(process.stderr.isTTY ? Logger.logfmtLogger : Logger.jsonLogger, (line) => {
  process.stderr.write(`${line}\n`)
})

/** Runs a command with this log. `--log-level` is @effect/cli's own, works inside, and so comes first. */
export const provide = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(level, (level) => Logger.withMinimumLogLevel(self, level)).pipe(
    Effect.provide(Logger.replace(Logger.defaultLogger, logger))
  )
