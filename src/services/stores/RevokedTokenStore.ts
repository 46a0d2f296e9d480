/**
 * Ids of what was revoked one by one before its expiry, kept until then: access tokens (RFC 7009 §2), and consent forms that
 * the person denied.
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
     * Revoke a token for good. `true` for the one caller whose call did it; revoking it again is no error, and the later
     * expiry is kept.
     */
    readonly insert: (id: TokenId, expiresAt: DateTime.Utc) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Forget at most `limit` tokens that ended before an instant; how many it were. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Whether a token was revoked. Once `insert` has returned, the answer is `true` on every node until `expiresAt`. */
    readonly has: (id: TokenId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
