/** Who calls a guarded route, for whom, and what they may do: there, in a handler's context, once the guard let it by. */
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

/** A person's token, given to a client. */
export interface UserAccess extends Common {
  readonly principal: "User"
  readonly subject: Subject
  readonly grantId: GrantId
}

/** A client's own token (RFC 6749 §4.4). Its subject is the client, which is never a person, whatever its id looks like. */
export interface ClientAccess extends Common {
  readonly principal: "Client"
  readonly subject: Subject
}

/** What an access token gives. */
export type Access = UserAccess | ClientAccess

export class CurrentAccess extends Context.Tag("latchkey/CurrentAccess")<CurrentAccess, Access>() {}
