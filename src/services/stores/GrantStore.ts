/**
 * Where grants are kept, and the only place where a code or a refresh token is spent.
 *
 * Every verb that changes a grant is one conditional statement on one row, whose answer says what happened. Nothing is
 * read first and decided later, so the promises hold for any number of callers in any number of processes.
 */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { TokenId } from "../../domain/AccessToken.js"
import type { Subject } from "../../domain/Account.js"
import type { ClientId } from "../../domain/Client.js"
import type * as Grant from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** Whose grants are revoked: all of a person's, of a client's, of one pair of them, or, where it says so, everybody's. */
export type Whose =
  | { readonly subject: Subject; readonly clientId?: ClientId }
  | { readonly subject?: undefined; readonly clientId: ClientId }
  | { readonly subject?: undefined; readonly clientId?: undefined; readonly everybody: true }

/**
 * Whether a filter that names no person and no client says `everybody: true`. Callers without TypeScript may pass one that is
 * empty, such as `{ subject: undefined }`, and it must not be taken for everybody.
 */
export const isEverybody = (whose: object): boolean => "everybody" in whose && whose.everybody === true

/** The defect of a verb whose filter names nobody. */
export const namesNobody = (): TypeError => new TypeError("name a subject, a client or everybody")

/** The grants that one call revoked, and the id after which the next call continues: `None` at the end. */
export interface RevokedPage {
  readonly revoked: ReadonlyArray<Grant.GrantId>
  readonly next: Option.Option<Grant.GrantId>
}

/** Which grants are listed: all, or those of a person, a client, or both. */
export interface Which {
  readonly subject?: Subject | undefined
  readonly clientId?: ClientId | undefined
}

export class GrantStore extends Context.Tag("latchkey/GrantStore")<
  GrantStore,
  {
    /**
     * Keep a grant that a person has just allowed. Its id was drawn when the page was shown: a second Allow of the same
     * page makes no second grant, and is told what became of the first.
     */
    readonly approve: (
      grant: Grant.Approved
    ) => Effect.Effect<"Approved" | { readonly alreadyDecided: Grant.Grant["_tag"] }, TemporarilyUnavailable>

    /**
     * Spend a code: of any number of callers, ever, exactly one sees `Redeemed`, and none after the grant was revoked or
     * one of its epochs moved on. The right client with a wrong verifier spends it too, and revokes the grant. Whoever
     * is not the right client, or names another redirect URI, changes nothing.
     */
    readonly redeem: (redemption: Grant.Redemption) => Effect.Effect<Grant.RedemptionAnswer, TemporarilyUnavailable>

    /**
     * Put the successor in the place of the current refresh token: of any number of callers with one token, exactly one
     * sees `Rotated`, so a grant never has two living successors. Any other answer has changed nothing.
     */
    readonly rotate: (rotation: Grant.Rotation) => Effect.Effect<Grant.RotationAnswer, TemporarilyUnavailable>

    /** Take a grant back. `true` for the one caller whose call did it. */
    readonly revoke: (
      id: Grant.GrantId,
      reason: Grant.RevocationReason,
      now: DateTime.Utc
    ) => Effect.Effect<boolean, TemporarilyUnavailable>

    /**
     * Look at the next `limit` grants of a person, a client, both, or everybody, in the order of their ids after `after`, and
     * revoke them. Answers with the ids that this call revoked, and where the next call continues. A grant that was approved
     * after `now` and whose epochs are current is not revoked: the person allowed it after the revocation began. The time of
     * a call grows with `limit` only, so that writers of other grants wait briefly. Dies, and changes nothing, where `whose`
     * names nobody (see `isEverybody`).
     */
    readonly revokeAll: (
      whose: Whose,
      reason: Grant.RevocationReason,
      now: DateTime.Utc,
      page: { readonly after?: Grant.GrantId; readonly limit: number }
    ) => Effect.Effect<RevokedPage, TemporarilyUnavailable>

    /** Grants, the oldest first, by their ids; only those after `after`. */
    readonly list: (
      which: Which,
      page: { readonly after?: Grant.GrantId; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<Grant.Grant>, TemporarilyUnavailable>

    /**
     * Delete at most `limit` grants whose absolute end, or whose code where it was never redeemed, or whose revocation,
     * was before an instant; how many it were. The caller leaves time enough for forms and replays.
     */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>

    /**
     * Grants with a chain key that begins with these 14 characters, which say under which root key it is sealed: the
     * oldest first, by their ids; only those after `after`. The time it takes does not grow with the other grants.
     */
    readonly sealedUnder: (
      prefix: string,
      page: { readonly after?: Grant.GrantId; readonly limit: number }
    ) => Effect.Effect<ReadonlyArray<Grant.Refreshable>, TemporarilyUnavailable>

    /**
     * Put a chain key that is sealed anew in the place of the one it was opened from, and change nothing else. `true` if
     * the row still held that one.
     */
    readonly reseal: (id: Grant.GrantId, from: string, to: string) => Effect.Effect<boolean, TemporarilyUnavailable>

    /** The grant, in whatever state. */
    readonly find: (id: Grant.GrantId) => Effect.Effect<Option.Option<Grant.Grant>, TemporarilyUnavailable>

    /**
     * The grant, if it is active, `now < expiresAt`, and its epochs are as they were; asked for an access token, also only
     * if that token was not revoked by itself. One query, by key.
     */
    readonly findActive: (
      id: Grant.GrantId,
      now: DateTime.Utc,
      token: Option.Option<TokenId>
    ) => Effect.Effect<Option.Option<Grant.Active>, TemporarilyUnavailable>
  }
>() {}
