/** Every user may let a client read, and only editors may let it write. */
import { Effect, Option } from "effect"
import { Scope, ScopePolicy } from "latchkey"

const editors = new Set<string>(["user-1"]) // your own database

export const Policy = ScopePolicy.layer(({ scope, subject }) =>
  Effect.succeed(
    Option.exists(subject, (id) => editors.has(id)) ? scope : Scope.difference(scope, Scope.make("notes:write"))
  )
)
