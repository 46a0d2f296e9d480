/** Limits the scope that a user, or a client for itself, may get (RFC 6749 §3.3). An app can provide its own policy. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { Account, Subject } from "../domain/Account.js"
import type { Client } from "../domain/Client.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import type { Resource } from "../domain/Resource.js"
import * as Scope from "../domain/Scope.js"

/** A request for scope. */
export interface Asked {
  readonly client: Client
  /**
   * The user whose access it is; `None` if a client acts for itself. It is the same subject everywhere: `User.subject` of the
   * app's login (see `ResourceOwner`), and `subject` of `CurrentAccess`.
   */
  readonly subject: Option.Option<Subject>
  /** The user's account on this server. The `username` of an account for a user of the app is `external:` and the subject. */
  readonly account: Option.Option<Account>
  readonly scope: Scope.Scope
  readonly resources: ReadonlyArray<Resource>
}

/** Returns the part of the requested scope that may be granted. */
export type Policy = (asked: Asked) => Effect.Effect<Scope.Scope, TemporarilyUnavailable>

/** The policy in use. By default it permits the whole requested scope. */
export class ScopePolicy extends Context.Reference<ScopePolicy>()("latchkey/ScopePolicy", {
  defaultValue: (): {
    /**
     * Returns the part of the requested scope that may be granted, never more. It runs for the consent page, again at
     * Allow, if consent is remembered, and for `client_credentials`.
     */
    readonly permit: Policy
  } => ({ permit: ({ scope }) => Effect.succeed(scope) })
}) {}

/**
 * Provides the policy of an app. The consent page does not show scope that the policy refuses, and the server drops scope
 * that the policy adds.
 *
 * @example
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Option from "effect/Option"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as Scope from "latchkey/Scope"
 * import * as ScopePolicy from "latchkey/ScopePolicy"
 *
 * const isEditor = (subject: string) => subject.startsWith("editor-")
 * const Policy = ScopePolicy.layer(({ scope, subject }) =>
 *   Effect.succeed(Option.exists(subject, isEditor) ? scope : Scope.difference(scope, Scope.make("notes:write")))
 * )
 *
 * const Auth = AuthLayer.layer({
 *   issuer: "https://notes.example.com",
 *   resources: [{ uri: "https://notes.example.com/notes", scopes: { "notes:read": "Read", "notes:write": "Write" } }]
 * }).pipe(Layer.provide(Policy))
 */
export const layer = (policy: Policy): Layer.Layer<ScopePolicy> =>
  Layer.succeed(ScopePolicy, {
    permit: (asked) => Effect.map(policy(asked), (permitted) => Scope.intersection(asked.scope, permitted))
  })
