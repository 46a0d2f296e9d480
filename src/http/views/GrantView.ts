/** A grant as JSON. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Subject } from "../../domain/Account.js"
import { ClientId } from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import { RedirectUri } from "../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"

/** The scope at each resource, by its indicator. */
export const ResourceScopesView = Schema.Record({ key: Schema.String, value: Schema.String }).annotations({
  description: "The scope at each resource, by its indicator; empty for a resource without scopes."
})

const fields = {
  id: Grant.GrantId,
  state: Grant.Status,
  subject: Subject,
  username: Schema.String.annotations({ description: "The name of the account; its id if the account was deleted." }),
  client_id: ClientId,
  redirect_uri: RedirectUri.annotations({ description: "The redirect URI of the authorization request." }),
  scope: Schema.String,
  resources: Schema.Array(ResourceIndicator),
  granted: ResourceScopesView,
  approved_at: Schema.String,
  expires_at: Schema.String,
  redeemed_at: Schema.optional(Schema.String),
  generation: Schema.optional(Schema.Number),
  refresh_token_expires_at: Schema.optional(Schema.String),
  revoked_at: Schema.optional(Schema.String),
  reason: Schema.optional(Grant.RevocationReason)
}

export const GrantView = Schema.Struct(fields).annotations({
  identifier: "Grant",
  description: "An authorization that a user gave a client, and its status."
})
export type GrantView = typeof GrantView.Type

/** Renders a grant. `username` is the name of its account. */
export const fromGrant = (grant: Grant.Grant, state: Grant.Status, username: string): GrantView => {
  const { terms } = grant
  return {
    id: terms.id,
    state,
    subject: terms.subject,
    username,
    client_id: terms.clientId,
    redirect_uri: terms.redirectUri,
    scope: Scope.format(ResourceScopes.scope(terms.granted)),
    resources: ResourceScopes.resources(terms.granted),
    granted: ResourceScopes.toRecord(terms.granted),
    approved_at: DateTime.formatIso(terms.approvedAt),
    expires_at: DateTime.formatIso(terms.expiresAt),
    ...Option.match(Grant.redeemedAt(grant), {
      onNone: () => ({}),
      onSome: (at) => ({ redeemed_at: DateTime.formatIso(at) })
    }),
    ...(Grant.isRefreshable(grant)
      ? {
          generation: grant.chain.value.generation,
          refresh_token_expires_at: DateTime.formatIso(grant.chain.value.idleExpiresAt)
        }
      : {}),
    ...(grant._tag === "Revoked" ? { revoked_at: DateTime.formatIso(grant.revokedAt), reason: grant.reason } : {})
  }
}
