/** A login session of a user, in one browser. */
import type * as DateTime from "effect/DateTime"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Subject } from "./Account.js"
import type { Digest } from "./Digest.js"

/** Identifies a session in rows, forms and logs. It is no secret. */
export const SessionId = Schema.NonEmptyString.pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/** A login session. Each login begins a new one; it ends with the logout or at `expiresAt`. */
export interface Session {
  readonly id: SessionId
  /** Digest of the secret in the cookie of the browser. */
  readonly digest: Digest
  readonly subject: Subject
  readonly authenticatedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** Epoch of the account at the login. A later epoch ends the session. */
  readonly subjectEpoch: number
  /** Name of the browser (`BrowserName`); `None` if it is not known. */
  readonly browser: Option.Option<string>
  /** Sealed network of the login (ADR 36); `None` if it is not known. A store keeps the text unchanged. */
  readonly sealedNetwork: Option.Option<string>
}
