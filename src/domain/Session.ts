/** A person logged in, in one browser. */
import type * as DateTime from "effect/DateTime"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Subject } from "./Account.js"
import type { Digest } from "./Digest.js"

/** Names a session in rows, forms and logs; it opens nothing. */
export const SessionId = Schema.NonEmptyString.pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/** A login session: new at each login, ended by logging out or at `expiresAt`. */
export interface Session {
  readonly id: SessionId
  /** Digest of the secret that the browser's cookie holds. */
  readonly digest: Digest
  readonly subject: Subject
  readonly authenticatedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  /** The account's epoch when the person logged in; a later epoch ends the session. */
  readonly subjectEpoch: number
  /** The name of the browser that logged in (`BrowserName`); `None` where it is not known. */
  readonly browser: Option.Option<string>
  /** The network of the login, sealed (ADR 36); `None` where it is not known. A store keeps the text as it is. */
  readonly sealedNetwork: Option.Option<string>
}
