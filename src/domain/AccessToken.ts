/**
 * The access token (RFC 6749 §1.4): its claims are sealed, not stored (ADR 4). What stands in it can only narrow what
 * the row of its grant, or of its client, allows.
 */
import * as Schema from "effect/Schema"
import { ClientId } from "./Client.js"
import { GrantId } from "./Grant.js"
import { ResourceIndicator } from "./Resource.js"
import * as Scope from "./Scope.js"

export const prefix = "lk_at_"

/** A token is at most this long; a request for one that would be longer is refused. */
export const maxLength = 2048

/** Names one token where it is revoked or audited (RFC 7519 §4.1.7). */
export const TokenId = Schema.NonEmptyString.pipe(Schema.brand("TokenId"))
export type TokenId = typeof TokenId.Type

// Names of one letter: every byte here is sent with every request of every client.
const common = {
  /** The resources that the token is for (RFC 8707 §2). */
  audience: Schema.propertySignature(Schema.NonEmptyArray(ResourceIndicator)).pipe(Schema.fromKey("a")),
  issuedAt: Schema.propertySignature(Schema.DateTimeUtcFromNumber).pipe(Schema.fromKey("i")),
  expiresAt: Schema.propertySignature(Schema.DateTimeUtcFromNumber).pipe(Schema.fromKey("e")),
  id: Schema.propertySignature(TokenId).pipe(Schema.fromKey("j"))
}

/** The claims of a token that a person's grant gave. */
export const GrantClaims = Schema.Struct({
  ...common,
  grantId: Schema.propertySignature(GrantId).pipe(Schema.fromKey("g")),
  /** Present when narrower than the grant's. */
  scope: Schema.optional(Scope.FromString).pipe(Schema.fromKey("s"))
})
export type GrantClaims = typeof GrantClaims.Type

/** The claims of a token that a client got for itself (RFC 6749 §4.4): there is no row of it but the client's. */
export const ClientClaims = Schema.Struct({
  ...common,
  clientId: Schema.propertySignature(ClientId).pipe(Schema.fromKey("c")),
  /** The client's epoch: when it has moved on, the token is dead. */
  epoch: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("n")),
  scope: Schema.propertySignature(Scope.FromString).pipe(Schema.fromKey("s"))
})
export type ClientClaims = typeof ClientClaims.Type

/** The claims of an access token. */
export const AccessTokenClaims = Schema.Union(GrantClaims, ClientClaims)
export type AccessTokenClaims = typeof AccessTokenClaims.Type

/** Whether the token is of a person's grant. */
export const isOfGrant = (self: AccessTokenClaims): self is GrantClaims => "grantId" in self
