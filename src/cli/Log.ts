/**
 * The log: structured lines on standard error, `logfmt` where a person reads them and JSON where a program does. No
 * secret and no query string is ever put into one.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { badUsage } from "./Failure.js"

const variable = "LATCHKEY_LOG_LEVEL"

const names = LogLevel.allLevels.map((level) => level._tag.toLowerCase())

const level = Effect.gen(function* () {
  const text = yield* Effect.orDie(Config.option(Config.string(variable)))
  if (Option.isNone(text)) return LogLevel.Info
  const found = LogLevel.allLevels.find(({ _tag }) => _tag.toLowerCase() === text.value.toLowerCase())
  return found ?? (yield* badUsage(`${variable} is one of ${names.join(", ")}`))
})

const logger = Logger.map(process.stderr.isTTY ? Logger.logfmtLogger : Logger.jsonLogger, (line) => {
  process.stderr.write(`${line}\n`)
})

/** Runs a command with this log. `--log-level` is @effect/cli's own, works inside, and so comes first. */
export const provide = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(level, (level) => Logger.withMinimumLogLevel(self, level)).pipe(
    Effect.provide(Logger.replace(Logger.defaultLogger, logger))
  )
