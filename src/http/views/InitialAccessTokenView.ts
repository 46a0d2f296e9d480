/** An initial access token as JSON. Only the response that created it has its secret. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type InitialAccessToken, InitialAccessTokenId } from "../../domain/InitialAccessToken.js"

export const InitialAccessTokenView = Schema.Struct({
  id: InitialAccessTokenId,
  label: Schema.optional(Schema.String),
  created_at: Schema.String,
  expires_at: Schema.optional(Schema.String.annotations({ description: "Missing if the token does not expire." })),
  max_uses: Schema.optional(
    Schema.Number.annotations({ description: "Missing if the token may be used any number of times." })
  ),
  uses: Schema.Number,
  used_at: Schema.optional(Schema.String.annotations({ description: "The time of the last registration with it." })),
  initial_access_token: Schema.optional(
    Schema.String.annotations({ description: "Present only in the response that created it." })
  )
}).annotations({
  identifier: "InitialAccessToken",
  description: "A token with which clients register (RFC 7591 §3)."
})
export type InitialAccessTokenView = typeof InitialAccessTokenView.Type

/** Renders a token. `secret` is given only if it is new. */
export const fromToken = (
  { createdAt, expiresAt, id, label, maxUses, usedAt, uses }: InitialAccessToken,
  secret: Option.Option<Redacted.Redacted> = Option.none()
): InitialAccessTokenView => ({
  id,
  ...Option.match(label, { onNone: () => ({}), onSome: (label) => ({ label }) }),
  created_at: DateTime.formatIso(createdAt),
  ...Option.match(expiresAt, { onNone: () => ({}), onSome: (at) => ({ expires_at: DateTime.formatIso(at) }) }),
  ...Option.match(maxUses, { onNone: () => ({}), onSome: (max_uses) => ({ max_uses }) }),
  uses,
  ...Option.match(usedAt, { onNone: () => ({}), onSome: (at) => ({ used_at: DateTime.formatIso(at) }) }),
  ...Option.match(secret, {
    onNone: () => ({}),
    onSome: (secret) => ({ initial_access_token: Redacted.value(secret) })
  })
})
