/** Who calls a guarded route, for whom, and what they may do: there, in a handler's context, once the guard let it by. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type { Subject } from "../domain/Account.js"
import type { ClientId } from "../domain/Client.js"
import type { GrantId } from "../domain/Grant.js"
import type { ResourceIndicator } from "../domain/Resource.js"
import type { Scope } from "../domain/Scope.js"

/** What an access token gives. */
export interface Access {
  /** The token is a person's, given to a client. */
  readonly principal: "User"
  readonly subject: Subject
  readonly clientId: ClientId
  readonly grantId: GrantId
  readonly scope: Scope
  /** The resource that the request is for. */
  readonly resource: ResourceIndicator
  readonly expiresAt: DateTime.Utc
}

export class CurrentAccess extends Context.Tag("latchkey/CurrentAccess")<CurrentAccess, Access>() {}
