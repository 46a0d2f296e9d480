/**
 * Hashes and verifies passwords: slowly, outside the event loop, and with a fair share of the machine for each applicant. The
 * implementation is `layers/passwords/Argon2`.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** The origin of a request to hash. The queue shares out its places by it. */
export interface Applicant {
  /** The networks of the request, the narrowest first; empty if they are not known. */
  readonly networks: ReadonlyArray<string>
  /** The username. */
  readonly name: string
  /**
   * Whether this browser has logged in with this username before, or the user is known otherwise. The queue serves
   * these applicants first.
   */
  readonly known: boolean
}

/** Returns the applicant for a user who is logged in, or for whom the operator acts. */
export const knownAs = (name: string): Applicant => ({ networks: [], name, known: true })

export class PasswordHasher extends Context.Tag("latchkey/PasswordHasher")<
  PasswordHasher,
  {
    /** Returns the hash to store, with its salt and parameters. Fails when too many applicants wait. */
    readonly hash: (
      password: Redacted.Redacted,
      applicant: Applicant
    ) => Effect.Effect<Redacted.Redacted, TemporarilyUnavailable>
    /**
     * Returns whether the hash is of this password. `None` is for an account that does not exist: it takes as long as any
     * other hash, and matches no password. Fails when too many applicants wait.
     */
    readonly verify: (
      hash: Option.Option<Redacted.Redacted>,
      password: Redacted.Redacted,
      applicant: Applicant
    ) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
