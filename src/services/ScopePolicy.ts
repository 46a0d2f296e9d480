/** What a person, or a client for itself, may get of what is asked (RFC 6749 §3.3): a seam for the app's own rules. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { Account, Subject } from "../domain/Account.js"
import type { Client } from "../domain/Client.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { Resource } from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"

/** What is asked. */
export interface Asked {
  readonly client: Client
  /**
   * The person whose access it is; `None` where a client acts for itself. It is the name that a person has everywhere:
   * `User.subject` of the app's own login (see `ResourceOwner`), and `subject` of `CurrentAccess`.
   */
  readonly subject: Option.Option<Subject>
  /** The person's account here. The `username` of one that stands for a person of the app's own is `external:` and the subject. */
  readonly account: Option.Option<Account>
  readonly scope: Scope.Scope
  readonly resources: ReadonlyArray<Resource>
}

/** What of it may be granted. */
export type Policy = (asked: Asked) => Effect.Effect<Scope.Scope, TemporarilyUnavailable>

/** The policy at work. By default it permits the whole requested scope. */
export class ScopePolicy extends Context.Reference<ScopePolicy>()("latchkey/ScopePolicy", {
  defaultValue: (): {
    /**
     * Returns the part of the requested scope that may be granted, never more. It runs for the consent page, again at
     * Allow, where consent is remembered, and for `client_credentials`.
     */
    readonly permit: Policy
  } => ({ permit: ({ scope }) => Effect.succeed(scope) })
}) {}

/**
 * A policy of the app's own. What it refuses does not stand on the consent page; what it adds is left out.
 *
 * @example
 * const Policy = ScopePolicy.layer(({ scope, subject }) =>
 *   Effect.succeed(Option.exists(subject, isEditor) ? scope : Scope.difference(scope, Scope.make("notes:write")))
 * )
 * AuthLayer.layer(options).pipe(Layer.provide(Policy))
 */
export const layer = (policy: Policy): Layer.Layer<ScopePolicy> =>
  Layer.succeed(ScopePolicy, {
    permit: (asked) => Effect.map(policy(asked), (permitted) => Scope.intersection(asked.scope, permitted))
  })
