/** Access tokens that were revoked one by one, kept until each would have ended anyway (RFC 7009 §2). */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { TokenId } from "../domain/AccessToken.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"

export class RevokedTokenStore extends Context.Tag("latchkey/RevokedTokenStore")<
  RevokedTokenStore,
  {
    /** Revoke a token for good. Revoking it again is no error. */
    readonly insert: (id: TokenId, expiresAt: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
    /** Forget at most `limit` tokens that ended before an instant; how many it were. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Whether a token was revoked. Once `insert` has returned, the answer is `true` on every node until `expiresAt`. */
    readonly has: (id: TokenId) => Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}
