/** Who runs a command: what it does is told of as this operator's act. */
import * as Os from "node:os"
import * as Effect from "effect/Effect"
import { actingAs } from "../services/Origin.js"

/** The user name of the operating system; a container may have none for its user id. */
const name = (): string => {
  try {
    return Os.userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`
  }
}

/** Runs a command as an act of the operator. */
export const acting = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => actingAs({ _tag: "Operator", name: name() })(self))
