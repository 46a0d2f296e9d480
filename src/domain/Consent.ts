/** The consent of a user to a client: one row for each pair of user and client. */
import type * as DateTime from "effect/DateTime"
import type { Subject } from "./Account.js"
import type { ClientId } from "./Client.js"
import * as RedirectUri from "./RedirectUri.js"
import type { ResourceScopes } from "./ResourceScopes.js"

/** A recorded consent. */
export interface Consent {
  readonly subject: Subject
  readonly clientId: ClientId
  /** The scope that the user allowed at each resource. It covers no other resource (ADR 28). */
  readonly granted: ResourceScopes
  /** The redirect targets that the user saw and allowed. */
  readonly redirectUris: ReadonlySet<RedirectUri.RedirectUri>
  readonly updatedAt: DateTime.Utc
  /** Raised when the user withdraws the consent. */
  readonly epoch: number
}

/** Whether the user has allowed the client with this redirect URI before. A loopback address counts with any port. */
export const includesTarget =
  (redirectUri: RedirectUri.RedirectUri) =>
  (self: Pick<Consent, "redirectUris">): boolean =>
    self.redirectUris.has(RedirectUri.anyPort(redirectUri))
