/** The error of a command: one line for the operator, and an exit code for scripts. */
import * as Data from "effect/Data"

export class Failure extends Data.TaggedError("Failure")<{
  readonly message: string
  /** 2 for an invalid option or setting, 1 for any other error. */
  readonly exitCode: 1 | 2
}> {}

/** An option, argument or setting is invalid. */
export const badUsage = (message: string) => new Failure({ message, exitCode: 2 })

/** The command is valid, but failed. */
export const impossible = (message: string) => new Failure({ message, exitCode: 1 })
