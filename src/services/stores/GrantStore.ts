/**
 * Stores grants. A code or a refresh token is spent here and nowhere else.
 *
 * Each verb that changes a grant is one conditional statement on one row, and its answer says what happened. No verb reads
 * first and decides later. So the promises hold for any number of callers in any number of processes.
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
import type { Page } from "./Paging.js"

/** Selects the grants of a subject, of a client, of both, or all grants. */
export interface GrantFilter {
  readonly subject?: Subject | undefined
  readonly clientId?: ClientId | undefined
}

/** Selects the grants to revoke: of a subject, of a client, of both, or, only if it says so, of everybody. */
export type RevocationFilter =
  | { readonly subject: Subject; readonly clientId?: ClientId }
  | { readonly subject?: undefined; readonly clientId: ClientId }
  | { readonly subject?: undefined; readonly clientId?: undefined; readonly everybody: true }

/**
 * Whether a filter without a subject and a client says `everybody: true`. A caller without TypeScript may pass an empty
 * filter, such as `{ subject: undefined }`, which must not mean everybody.
 */
export const isEverybody = (filter: object): boolean => "everybody" in filter && filter.everybody === true

/** The defect of a verb that got an empty filter. */
export const emptyFilter = (): TypeError => new TypeError("the filter needs a subject, a client or everybody: true")

/** The grants that one call revoked, and the id after which the next call continues. `None` at the end. */
export interface RevokedPage {
  readonly revoked: ReadonlyArray<Grant.GrantId>
  readonly next: Option.Option<Grant.GrantId>
}

export class GrantStore extends Context.Tag("latchkey/GrantStore")<
  GrantStore,
  {
    /**
     * Store a grant that the user has just allowed. Its id was drawn when the consent page was shown. So a second Allow of the
     * same page makes no second grant and returns the state of the first.
     */
    readonly approve: (
      grant: Grant.Approved
    ) => Effect.Effect<"Approved" | { readonly alreadyDecided: Grant.Grant["_tag"] }, TemporarilyUnavailable>

    /**
     * Spend a code. Exactly one of any number of callers, ever, sees `Redeemed`, and none does after the grant was revoked or
     * one of its epochs was raised. The right client with a wrong verifier also spends the code, and revokes the grant. A
     * wrong client, or another redirect URI, changes nothing.
     */
    readonly redeem: (redemption: Grant.Redemption) => Effect.Effect<Grant.RedemptionAnswer, TemporarilyUnavailable>

    /**
     * Replace the current refresh token by its successor. Exactly one of any number of callers with one token sees `Rotated`.
     * So a grant never has two valid successors. Any other answer has changed nothing.
     */
    readonly rotate: (rotation: Grant.Rotation) => Effect.Effect<Grant.RotationAnswer, TemporarilyUnavailable>

    /** Revoke a grant. The one caller whose call revoked it sees `true`. */
    readonly revoke: (
      id: Grant.GrantId,
      reason: Grant.RevocationReason,
      now: DateTime.Utc
    ) => Effect.Effect<boolean, TemporarilyUnavailable>

    /**
     * Revoke the next `limit` grants that a filter selects, in the order of their ids after `after`. Returns the ids that this
     * call revoked, and where the next call continues. A grant that was approved after `now` and whose epochs are current is
     * not revoked, because the user allowed it after the revocation began. The duration of a call grows only with `limit`, so
     * that writers of other grants wait briefly. Dies, and changes nothing, if the filter is empty (see `isEverybody`).
     */
    readonly revokeAll: (
      filter: RevocationFilter,
      reason: Grant.RevocationReason,
      now: DateTime.Utc,
      page: Page<Grant.GrantId>
    ) => Effect.Effect<RevokedPage, TemporarilyUnavailable>

    /** Returns grants in the order of their ids, which is from the oldest to the newest; only those after `after`. */
    readonly list: (
      filter: GrantFilter,
      page: Page<Grant.GrantId>
    ) => Effect.Effect<ReadonlyArray<Grant.Grant>, TemporarilyUnavailable>

    /**
     * Delete at most `limit` grants that ended before an instant: by their absolute expiry, by the expiry of a code that was
     * never redeemed, or by revocation. Returns the number of deleted grants. The caller chooses the instant early enough
     * that open forms and replays still find their grant.
     */
    readonly prune: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>

    /**
     * Returns grants whose chain key begins with a prefix of 14 characters, which identifies the root key that sealed it. They
     * are in the order of their ids; only those after `after`. The duration does not grow with the number of other grants.
     */
    readonly sealedUnder: (
      prefix: string,
      page: Page<Grant.GrantId>
    ) => Effect.Effect<ReadonlyArray<Grant.Refreshable>, TemporarilyUnavailable>

    /**
     * Replace a sealed chain key by the same key sealed again, and change nothing else. `true` if the row still had the chain
     * key `from`.
     */
    readonly reseal: (id: Grant.GrantId, from: string, to: string) => Effect.Effect<boolean, TemporarilyUnavailable>

    /** Returns the grant in any state. */
    readonly find: (id: Grant.GrantId) => Effect.Effect<Option.Option<Grant.Grant>, TemporarilyUnavailable>

    /**
     * Returns the grant if it is active, `now < expiresAt`, and its epochs are current. If an access token is given, the token
     * must not be revoked either. One query by key.
     */
    readonly findActive: (
      id: Grant.GrantId,
      now: DateTime.Utc,
      token: Option.Option<TokenId>
    ) => Effect.Effect<Option.Option<Grant.Active>, TemporarilyUnavailable>
  }
>() {}
