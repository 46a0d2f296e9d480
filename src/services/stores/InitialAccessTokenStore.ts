/** Stores initial access tokens (RFC 7591 §3). */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Digest } from "../../domain/Digest.js"
import type { InitialAccessToken, InitialAccessTokenId } from "../../domain/InitialAccessToken.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Page } from "./Paging.js"

export class InitialAccessTokenStore extends Context.Tag("latchkey/InitialAccessTokenStore")<
  InitialAccessTokenStore,
  {
    /** Store a new token and the digest of its secret. When this returns, every node finds it. */
    readonly insert: (token: InitialAccessToken, digest: Digest) => Effect.Effect<void, TemporarilyUnavailable>
    /** Returns the token of a secret, expired and used-up tokens included. */
    readonly find: (digest: Digest) => Effect.Effect<Option.Option<InitialAccessToken>, TemporarilyUnavailable>
    /**
     * Count one use of the token. `false` if nothing was counted: the token is deleted, expired, or used up. At most as
     * many callers see `true` as the token has uses left, however many call at once and on however many nodes.
     */
    readonly spend: (id: InitialAccessTokenId, now: DateTime.Utc) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Returns tokens from the oldest to the newest: ids grow with time. */
    readonly list: (
      page: Page<InitialAccessTokenId>
    ) => Effect.Effect<ReadonlyArray<InitialAccessToken>, TemporarilyUnavailable>
    /** Delete the token. `false` if there is no such token. */
    readonly remove: (id: InitialAccessTokenId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Delete at most `limit` tokens that expired, or were used up, before an instant. Returns their number. */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
  }
>() {}
