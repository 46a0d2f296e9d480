/** The access that the token of a request gives. The guard puts it into the context of the handler. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type { TokenId } from "../../domain/AccessToken.js"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type { GrantId } from "../../domain/Grant.js"
import type { ResourceIndicator } from "../../domain/Resource.js"
import type { Scope } from "../../domain/Scope.js"

interface Common {
  readonly clientId: ClientId
  readonly scope: Scope
  /** The resource that the request is for. */
  readonly resource: ResourceIndicator
  readonly tokenId: TokenId
  readonly issuedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
}

/** The access of a client for a user. */
export interface UserAccess extends Common {
  readonly principal: "User"
  readonly subject: Subject
  readonly grantId: GrantId
}

/** The access of a client for itself (RFC 6749 §4.4). Its subject is the client and never a user, even if an id looks alike. */
export interface ClientAccess extends Common {
  readonly principal: "Client"
  readonly subject: Subject
}

/** The access that an access token gives. */
export type Access = UserAccess | ClientAccess

export class CurrentAccess extends Context.Tag("latchkey/CurrentAccess")<CurrentAccess, Access>() {}
