/** The app's own rules for the scope that may be granted to a client (RFC 6749 §3.3). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { Account, Subject } from "../domain/Account.js"
import type { Client } from "../domain/Client.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { Resource } from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"

/** A request for a scope. */
export interface ScopeRequest {
  readonly client: Client
  /**
   * The user whose access it is; `None` if a client acts for itself. It is the same as `User.subject` of the app's own login
   * (see `ResourceOwner`) and `subject` of `CurrentAccess`.
   */
  readonly subject: Option.Option<Subject>
  /** The account of the user. For a user of an app's own login its `username` is `external:` and the subject. */
  readonly account: Option.Option<Account>
  /** The requested scope, with everything that it implies. */
  readonly scope: Scope.Scope
  /** The resource that the scope is for. */
  readonly resource: Resource
}

/** Returns the part of the requested scope that may be granted. */
export type Policy = (request: ScopeRequest) => Effect.Effect<Scope.Scope, TemporarilyUnavailable>

/** The policy of the server. By default it permits the whole requested scope. */
export class ScopePolicy extends Context.Reference<ScopePolicy>()("latchkey/ScopePolicy", {
  defaultValue: (): {
    /**
     * Returns the part of the requested scope that may be granted, and never more. It runs for each resource of a request:
     * for the consent page, again at Allow, for a remembered consent, and for `client_credentials`.
     */
    readonly permit: Policy
  } => ({ permit: ({ scope }) => Effect.succeed(scope) })
}) {}

/**
 * Uses a policy of the app. The consent page does not show a scope that the policy refuses. A scope that the policy adds is
 * ignored.
 *
 * @example
 * import { Effect, Layer, Option } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as Scope from "latchkey/Scope"
 * import * as ScopePolicy from "latchkey/ScopePolicy"
 *
 * const editors = new Set<string>()
 * const Policy = ScopePolicy.layer(({ scope, subject }) =>
 *   Effect.succeed(
 *     Option.exists(subject, (id) => editors.has(id)) ? scope : Scope.difference(scope, Scope.make("notes:write"))
 *   )
 * )
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(Layer.provide(Policy))
 */
export const layer = (policy: Policy): Layer.Layer<ScopePolicy> =>
  Layer.succeed(ScopePolicy, {
    permit: (request) => Effect.map(policy(request), (permitted) => Scope.intersection(request.scope, permitted))
  })
