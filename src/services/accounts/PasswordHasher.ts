/** How passwords are hashed and checked: slowly, off the event loop, and with a fair share of the machine for everybody. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Whom a password is hashed for: what the places in the queue are shared out by. */
export interface Applicant {
  /** The networks that the request comes from, the narrowest first; empty where they are not known. */
  readonly networks: ReadonlyArray<string>
  /** The name of the account. */
  readonly name: string
  /** Whether this person has logged in with this name from this browser before, or is otherwise known: they come first. */
  readonly known: boolean
}

/** An applicant for a person who is logged in, or for whom the operator acts. */
export const knownAs = (name: string): Applicant => ({ networks: [], name, known: true })

export class PasswordHasher extends Context.Tag("latchkey/PasswordHasher")<
  PasswordHasher,
  {
    /** The hash to store, with its own salt and parameters in it. Fails when too many are waiting. */
    readonly hash: (
      password: Redacted.Redacted,
      applicant: Applicant
    ) => Effect.Effect<Redacted.Redacted, TemporarilyUnavailable>
    /**
     * Whether the hash is of this password. `None` stands for an account that does not exist: it takes as long as any
     * other hash, and is of no password. Fails when too many are waiting.
     */
    readonly verify: (
      hash: Option.Option<Redacted.Redacted>,
      password: Redacted.Redacted,
      applicant: Applicant
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
