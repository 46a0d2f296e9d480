/** Stores the assertions by which clients authenticated, so that each of them works once (RFC 7523 §3, `jti`). */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type { Digest } from "../../domain/Digest.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

export class SpentAssertionStore extends Context.Tag("latchkey/SpentAssertionStore")<
  SpentAssertionStore,
  {
    /**
     * Spend an assertion: of any number of callers, on any node, exactly one sees `true`. `id` is the digest of the client's id
     * and the assertion's. The assertion is not valid any more at `expiresAt`, so it is kept until then at least.
     */
    readonly spend: (id: Digest, expiresAt: DateTime.Utc) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Delete at most `limit` assertions that expired before an instant, the first to expire first. Returns their number. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
  }
>() {}
