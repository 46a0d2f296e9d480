/** How passwords are kept and checked: slowly, off the event loop, and never more at once than the machine bears. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"

export class PasswordHasher extends Context.Tag("latchkey/PasswordHasher")<
  PasswordHasher,
  {
    /** The hash to store, with its own salt and parameters in it. Fails when too many are waiting. */
    readonly hash: (password: Redacted.Redacted) => Effect.Effect<Redacted.Redacted, TemporarilyUnavailable>
    /**
     * Whether the hash is of this password. `None` stands for an account that does not exist: it takes as long as any
     * other hash, and is of no password. Fails when too many are waiting.
     */
    readonly verify: (
      hash: Option.Option<Redacted.Redacted>,
      password: Redacted.Redacted
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
