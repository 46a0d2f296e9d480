/**
 * The access token (RFC 6749 §1.4): its claims are sealed, not stored (ADR 4). What stands in it can only narrow what
 * the grant's row allows.
 */
import * as Schema from "effect/Schema"
import { GrantId } from "./Grant.js"
import { ResourceIndicator } from "./Resource.js"
import * as Scope from "./Scope.js"

export const prefix = "lk_at_"

/** A token is at most this long; a request for one that would be longer is refused. */
export const maxLength = 2048

/** The claims, under names of one letter: every byte here is sent with every request of every client. */
export const AccessTokenClaims = Schema.Struct({
  grantId: Schema.propertySignature(GrantId).pipe(Schema.fromKey("g")),
  /** Present when narrower than the grant's. */
  scope: Schema.optional(Scope.FromString).pipe(Schema.fromKey("s")),
  /** The resources that the token is for (RFC 8707 §2). */
  audience: Schema.propertySignature(Schema.NonEmptyArray(ResourceIndicator)).pipe(Schema.fromKey("a")),
  issuedAt: Schema.propertySignature(Schema.DateTimeUtcFromNumber).pipe(Schema.fromKey("i")),
  expiresAt: Schema.propertySignature(Schema.DateTimeUtcFromNumber).pipe(Schema.fromKey("e")),
  /** Names the token where it is revoked or audited (RFC 7519 §4.1.7). */
  id: Schema.propertySignature(Schema.NonEmptyString).pipe(Schema.fromKey("j"))
})
export type AccessTokenClaims = typeof AccessTokenClaims.Type
