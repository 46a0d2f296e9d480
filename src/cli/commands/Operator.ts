/** The operator who runs a command. Events of the command name this operator as the actor. */
import * as Os from "node:os"
import * as Effect from "effect/Effect"
import { actingAs } from "../../services/events/Origin.js"

/** The user name of the operating system; a container may have none for its user id. */
const name = (): string => {
  try {
    return Os.userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

/** Runs a command whose events name the operator as the actor. */
export const acting = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => actingAs({ _tag: "Operator", name: name() })(self))
