/** What a person has ever allowed a client: one row for each pair of them. */
import type * as DateTime from "effect/DateTime"
import type { Subject } from "./Account.js"
import type { ClientId } from "./Client.js"
import * as RedirectUri from "./RedirectUri.js"
import type { ResourceScopes } from "./ResourceScopes.js"

/** A recorded consent. */
export interface Consent {
  readonly subject: Subject
  readonly clientId: ClientId
  /** The scope that the person allowed at each resource; it covers no other resource (ADR 28). */
  readonly granted: ResourceScopes
  /** The redirect targets that the person saw and allowed. */
  readonly redirectUris: ReadonlySet<RedirectUri.RedirectUri>
  readonly updatedAt: DateTime.Utc
  /** Raised when the person takes the consent back. */
  readonly epoch: number
}

/** Whether the user has allowed the client with this redirect URI before, at any port of a loopback address. */
export const includesTarget =
  (redirectUri: RedirectUri.RedirectUri) =>
  (self: Pick<Consent, "redirectUris">): boolean =>
    self.redirectUris.has(RedirectUri.anyPort(redirectUri))
