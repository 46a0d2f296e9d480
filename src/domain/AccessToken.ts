/**
 * The access token (RFC 6749 §1.4). Its claims are sealed in the token, not stored (ADR 4). They can only narrow the access
 * that the row of its grant, or of its client, allows.
 */
import * as Schema from "effect/Schema"
import { ClientId } from "./Client.js"
import { GrantId } from "./Grant.js"
import { ResourceIndicator } from "./Resource.js"
import * as Scope from "./Scope.js"

export const prefix = "lk_at_"

/** Maximum length of a token, in characters. A request for a longer token is refused. */
export const maxLength = 2048

/** Identifies one token in revocations and events (RFC 7519 §4.1.7). */
export const TokenId = Schema.NonEmptyString.pipe(Schema.brand("TokenId"))
export type TokenId = typeof TokenId.Type

// Names have one letter, because every request of every client sends these bytes.
const common = {
  /** The resources that the token is for (RFC 8707 §2). */
  audience: Schema.propertySignature(Schema.NonEmptyArray(ResourceIndicator)).pipe(Schema.fromKey("a")),
  issuedAt: Schema.propertySignature(Schema.DateTimeUtcFromNumber).pipe(Schema.fromKey("i")),
  expiresAt: Schema.propertySignature(Schema.DateTimeUtcFromNumber).pipe(Schema.fromKey("e")),
  id: Schema.propertySignature(TokenId).pipe(Schema.fromKey("j"))
}

/** The claims of a token that belongs to a grant. */
export const GrantClaims = Schema.Struct({
  ...common,
  grantId: Schema.propertySignature(GrantId).pipe(Schema.fromKey("g")),
  /** Present when it is narrower than the scope of the grant. */
  scope: Schema.optional(Scope.FromString).pipe(Schema.fromKey("s"))
})
export type GrantClaims = typeof GrantClaims.Type

/** The claims of a token that a client got for itself (RFC 6749 §4.4). Its only row is that of the client. */
export const ClientClaims = Schema.Struct({
  ...common,
  clientId: Schema.propertySignature(ClientId).pipe(Schema.fromKey("c")),
  /** The epoch of the client. The token is revoked when the client has a later epoch. */
  epoch: Schema.propertySignature(Schema.Number).pipe(Schema.fromKey("n")),
  scope: Schema.propertySignature(Scope.FromString).pipe(Schema.fromKey("s"))
})
export type ClientClaims = typeof ClientClaims.Type

/** The claims of an access token. */
export const AccessTokenClaims = Schema.Union(GrantClaims, ClientClaims)
export type AccessTokenClaims = typeof AccessTokenClaims.Type

/** Whether the token belongs to a grant. */
export const isOfGrant = (self: AccessTokenClaims): self is GrantClaims => "grantId" in self
