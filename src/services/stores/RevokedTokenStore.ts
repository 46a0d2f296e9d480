/**
 * Stores the ids of tokens that were revoked one by one, until they expire: access tokens (RFC 7009 §2), and consent forms
 * that the user denied.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { TokenId } from "../../domain/AccessToken.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

export class RevokedTokenStore extends Context.Tag("latchkey/RevokedTokenStore")<
  RevokedTokenStore,
  {
    /**
     * Revoke a token for ever. The one caller whose call revoked it sees `true`. A second revocation is no error, and the later
     * expiry is stored.
     */
    readonly insert: (id: TokenId, expiresAt: DateTime.Utc) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Delete at most `limit` tokens that expired before an instant. Returns their number. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Returns whether a token was revoked. After `insert` has returned, the answer is `true` on every node until `expiresAt`. */
    readonly has: (id: TokenId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
