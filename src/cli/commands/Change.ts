/** Commands that change one account or client: disable, enable, unlock, delete. */
import type * as Args from "@effect/cli/Args"
import * as Effect from "effect/Effect"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Failure } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import * as WithServices from "./WithServices.js"

interface Change<Id, R1, R2> {
  readonly verb: string
  readonly description: string
  readonly argument: Args.Args<string>
  /** Finds the row that the argument names. */
  readonly find: (
    text: string
  ) => Effect.Effect<{ readonly id: Id; readonly name: string }, Failure | TemporarilyUnavailable, R1>
  /** Changes the row. Returns `false` if it was deleted meanwhile. */
  readonly apply: (id: Id) => Effect.Effect<boolean, TemporarilyUnavailable, R2>
  /** The error if there is no such row. */
  readonly missing: (text: string) => Failure
  /** The output, without the name. */
  readonly done: readonly [kind: string, predicate: string]
}

/** Makes a command that changes one row and prints what it did. */
export const make = <Id, R1, R2>({ apply, argument, description, done, find, missing, verb }: Change<Id, R1, R2>) =>
  WithServices.command(verb, description, { text: argument }, ({ text }) =>
    Effect.gen(function* () {
      const { id, name } = yield* find(text)
      if (!(yield* apply(id))) return yield* missing(text)
      const [kind, predicate] = done
      yield* Output.print(`The ${kind} ${name} ${predicate}`)
    })
  )
