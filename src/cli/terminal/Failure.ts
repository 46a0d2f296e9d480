/** Why a command did not do what it was asked: one line for the person at the terminal, and an exit code for scripts. */
import * as Data from "effect/Data"

export class Failure extends Data.TaggedError("Failure")<{
  readonly message: string
  /** 2 for what was typed or set, 1 for what was met. */
  readonly exitCode: 1 | 2
}> {}

/** Something that was typed, or stands in the environment, cannot be used. */
export const badUsage = (message: string) => new Failure({ message, exitCode: 2 })

/** What was asked for cannot be done here and now. */
export const impossible = (message: string) => new Failure({ message, exitCode: 1 })
