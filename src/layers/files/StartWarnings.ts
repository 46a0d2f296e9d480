/** Warnings about the files and settings of a server, at its start. One of several processes with the same files logs them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Whether this process logs the warnings of its start. */
export class StartWarnings extends Context.Reference<StartWarnings>()("latchkey/StartWarnings", {
  defaultValue: () => true
}) {}

/** Runs an effect that logs such a warning, unless another process logs it. */
export const warn = <E, R>(warning: Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(StartWarnings, (isOn) => (isOn ? warning : Effect.void))
