/**
 * A grant: what a person allowed a client. Its whole life is one row (ADR 5):
 *
 *     Approved{code} --redeem--> Active{generation 1} --rotate--> Active{generation n+1} ... --> Revoked{reason}
 *
 * A store changes that row by one conditional statement a verb. When the statement changed nothing, the functions
 * here say why, so that every store gives the same reason.
 */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Subject } from "./Account.js"
import * as Chain from "./Chain.js"
import type { ClientId } from "./Client.js"
import type { CodeChallenge } from "./CodeChallenge.js"
import type { Digest } from "./Digest.js"
import * as Identifier from "./Identifier.js"
import * as NetworkTag from "./NetworkTag.js"
import type { RedirectUri } from "./RedirectUri.js"
import type { ResourceScopes } from "./ResourceScopes.js"
import type { SessionId } from "./Session.js"
import * as Time from "./Time.js"

/** Names a grant in its tokens and in logs; it opens nothing. */
export const GrantId = Schema.String.pipe(Schema.pattern(Identifier.pattern), Schema.brand("GrantId"))
export type GrantId = typeof GrantId.Type

/** The epochs that a grant was made under. When one of them has moved on, the grant is dead. */
export interface Epochs {
  readonly subject: number
  readonly client: number
  readonly consent: number
}

/** The terms of a grant: fixed when the person allows it, and never widened. */
export interface Terms {
  readonly id: GrantId
  readonly subject: Subject
  readonly clientId: ClientId
  /** The redirect URI of the authorization request (RFC 6749 §4.1.3). */
  readonly redirectUri: RedirectUri
  /** The scope at each resource. A scope is granted at no other resource, even if one offers it later (ADR 28). */
  readonly granted: ResourceScopes
  readonly sessionId: SessionId
  /** When the person proved who they are. */
  readonly authenticatedAt: DateTime.Utc
  readonly approvedAt: DateTime.Utc
  /** The absolute end: nothing of this grant outlives it. */
  readonly expiresAt: DateTime.Utc
  readonly epochs: Epochs
}

/** An authorization code that waits to be redeemed (RFC 6749 §4.1.2, RFC 7636 §4.4). */
export interface PendingCode {
  readonly digest: Digest
  readonly challenge: CodeChallenge
  readonly expiresAt: DateTime.Utc
}

/** Why a grant was taken back. */
export const RevocationReason = Schema.Literal(
  "WrongVerifier",
  "CodeReplayed",
  "RefreshTokenReplayed",
  "Denied",
  "LostWrites",
  "TokenRevoked",
  "SubjectRevoked",
  "ClientRevoked",
  "ConsentWithdrawn",
  "OperatorRevoked",
  "Restored"
)
export type RevocationReason = typeof RevocationReason.Type

/** The life of a grant. */
export type Grant = Data.TaggedEnum<{
  Approved: { readonly terms: Terms; readonly code: PendingCode }
  /** `chain` is `None` when no refresh token was issued. */
  Active: {
    readonly terms: Terms
    readonly code: PendingCode
    readonly redeemedAt: DateTime.Utc
    /** The network of the redemption; `None` where it is not known. */
    readonly redeemedFrom: Option.Option<NetworkTag.NetworkTag>
    readonly chain: Option.Option<Chain.Chain>
  }
  /** `redeemedAt` is `None` when the code was never redeemed. */
  Revoked: {
    readonly terms: Terms
    readonly code: PendingCode
    readonly redeemedAt: Option.Option<DateTime.Utc>
    readonly revokedAt: DateTime.Utc
    readonly reason: RevocationReason
  }
}>
export const Grant = Data.taggedEnum<Grant>()
export type Approved = Data.TaggedEnum.Value<Grant, "Approved">
export type Active = Data.TaggedEnum.Value<Grant, "Active">
export type Revoked = Data.TaggedEnum.Value<Grant, "Revoked">

/**
 * So long a grant's row is kept when it has ended, so that `latchkey grant show` still tells its story, and a page that was
 * decided is not decided again: a form lives for an hour at most. A replay needs no more: what is gone is refused as well.
 */
export const keptAfterEnd = Duration.weeks(1)

/** A grant with a chain of refresh tokens. */
export type Refreshable = Active & { readonly chain: Option.Some<Chain.Chain> }

/** A presentation of an authorization code, by a client that has proved who it is (RFC 6749 §4.1.3). */
export interface Redemption {
  readonly grantId: GrantId
  readonly digest: Digest
  readonly clientId: ClientId
  /** `None` when the request names none, as OAuth 2.1 §4.1.3 has it. */
  readonly redirectUri: Option.Option<RedirectUri>
  /** S256 of the presented `code_verifier` (RFC 7636 §4.6). */
  readonly challenge: CodeChallenge
  readonly now: DateTime.Utc
  /** How long after the redemption a second presentation is a duplicate and not a replay. */
  readonly duplicateWindow: Duration.Duration
  /** The network of this request; `None` where it is not known. */
  readonly network: Option.Option<NetworkTag.NetworkTag>
  /** Whether a duplicate from another network than the redemption is a replay. */
  readonly fromElsewhere: NetworkTag.FromElsewhere
  /** The first refresh token, where the client is to have one. */
  readonly chain: Option.Option<{ readonly digest: Digest; readonly key: string; readonly idleExpiresAt: DateTime.Utc }>
}

/** How a redemption ends. */
export type RedemptionAnswer = Data.TaggedEnum<{
  /** This caller, and no other ever, spent the code. */
  Redeemed: { readonly grant: Active }
  /** The right client came with a wrong verifier: the code is spent, the grant revoked. */
  WrongVerifier: {}
  /** The same valid request again, within the duplicate window: nothing was changed. */
  Duplicate: { readonly elsewhere: boolean }
  /**
   * A valid request again, after the window, or within it from elsewhere where that is a replay: everything issued from
   * the code must be revoked. `elsewhere`: within the window, and from another network than the redemption.
   */
  Replayed: { readonly elsewhere: boolean }
  Expired: {}
  /** No such code for this client and redirect URI, or a dead epoch: nothing was changed. */
  Unknown: {}
}>
export const RedemptionAnswer = Data.taggedEnum<RedemptionAnswer>()

const isPresentedBy = (self: Grant, redemption: Redemption): boolean =>
  self.code.digest === redemption.digest &&
  self.terms.clientId === redemption.clientId &&
  Option.match(redemption.redirectUri, { onNone: () => true, onSome: (uri) => uri === self.terms.redirectUri })

/** Whether a redemption changes this grant: the condition of the statement, for stores that hold grants as values. */
export const isRedeemable = (self: Grant, redemption: Redemption): self is Approved =>
  self._tag === "Approved" && isPresentedBy(self, redemption) && Time.isBefore(redemption.now, self.code.expiresAt)

/** Why a redemption changed nothing, read off the row as it is now. */
export const whyNotRedeemed = (
  self: Option.Option<Grant>,
  redemption: Redemption
): Exclude<RedemptionAnswer, { readonly _tag: "Redeemed" | "WrongVerifier" }> => {
  if (Option.isNone(self) || !isPresentedBy(self.value, redemption)) return RedemptionAnswer.Unknown()
  const grant = self.value
  if (grant._tag === "Approved") {
    // Still open and not expired: then it was an epoch that moved on.
    return Time.isBefore(redemption.now, grant.code.expiresAt) ? RedemptionAnswer.Unknown() : RedemptionAnswer.Expired()
  }
  // A presentation counts as a replay only when all of it is right, or it would be a lever for strangers.
  const redeemedAt = grant._tag === "Active" ? Option.some(grant.redeemedAt) : grant.redeemedAt
  if (Option.isNone(redeemedAt) || grant.code.challenge !== redemption.challenge) return RedemptionAnswer.Unknown()
  if (!Time.isWithin(redemption.now, redeemedAt.value, redemption.duplicateWindow)) {
    return RedemptionAnswer.Replayed({ elsewhere: false })
  }
  const elsewhere = grant._tag === "Active" && NetworkTag.isElsewhere(redemption.network, [grant.redeemedFrom])
  return elsewhere && redemption.fromElsewhere === "Replay"
    ? RedemptionAnswer.Replayed({ elsewhere })
    : RedemptionAnswer.Duplicate({ elsewhere })
}

/** A presentation of an authentic refresh token, by the client it was issued to (RFC 6749 §6). */
export interface Rotation extends Chain.Presentation {
  readonly grantId: GrantId
}

/** How a rotation ends. */
export type RotationAnswer = Data.TaggedEnum<{
  /** The presented token was the current one; its successor is now. */
  Rotated: { readonly grant: Refreshable }
  /** The presented token was superseded a moment ago: the current one is due to its bearer too. Nothing was changed. */
  Retried: { readonly grant: Refreshable; readonly elsewhere: boolean }
  /**
   * The presented token was superseded long ago, or a moment ago by a request from another network where that is a replay:
   * the grant must be revoked. `elsewhere`: a moment ago, and from another network.
   */
  Replayed: { readonly elsewhere: boolean }
  /** The presented token is newer than the row: writes were lost. */
  Ahead: {}
  Revoked: {}
  Expired: {}
  Unknown: {}
}>
export const RotationAnswer = Data.taggedEnum<RotationAnswer>()

/** Whether the grant is active and has a chain. */
export const isRefreshable = (self: Grant): self is Refreshable => self._tag === "Active" && Option.isSome(self.chain)

const isExpired = (self: Refreshable, now: DateTime.Utc): boolean =>
  !Time.isBefore(now, self.terms.expiresAt) || !Time.isBefore(now, self.chain.value.idleExpiresAt)

/** Whether a rotation changes this grant: the condition of the statement, for stores that hold grants as values. */
export const isRotatable = (self: Grant, rotation: Rotation): self is Refreshable =>
  isRefreshable(self) &&
  self.chain.value.generation === rotation.generation &&
  self.chain.value.digest === rotation.digest &&
  !isExpired(self, rotation.now)

/** Why a rotation changed nothing, read off the row as it is now; `epochsMatch` says whether its epochs still stand. */
export const whyNotRotated = (
  self: Option.Option<Grant>,
  epochsMatch: boolean,
  rotation: Rotation
): Exclude<RotationAnswer, { readonly _tag: "Rotated" }> => {
  if (Option.isNone(self)) return RotationAnswer.Unknown()
  const grant = self.value
  if (grant._tag === "Revoked" || !epochsMatch) return RotationAnswer.Revoked()
  if (!isRefreshable(grant)) return RotationAnswer.Unknown()
  if (isExpired(grant, rotation.now)) return RotationAnswer.Expired()
  const chain = grant.chain.value
  if (rotation.generation > chain.generation) return RotationAnswer.Ahead()
  if (rotation.generation === chain.generation) return RotationAnswer.Unknown()
  if (!Chain.isRetry(chain, rotation)) return RotationAnswer.Replayed({ elsewhere: false })
  const elsewhere = Chain.isFromElsewhere(chain, rotation)
  return elsewhere && rotation.fromElsewhere === "Replay"
    ? RotationAnswer.Replayed({ elsewhere })
    : RotationAnswer.Retried({ grant, elsewhere })
}

/** How a grant stands at an instant. */
export const Standing = Schema.Literal("Approved", "Active", "Expired", "Revoked")
export type Standing = typeof Standing.Type

/** How a grant's own row says that it stands; an epoch that has moved on may have ended it before. */
export const standingAt = (now: DateTime.Utc) =>
  Grant.$match({
    Approved: ({ code }): Standing => (Time.isBefore(now, code.expiresAt) ? "Approved" : "Expired"),
    Active: ({ terms }): Standing => (Time.isBefore(now, terms.expiresAt) ? "Active" : "Expired"),
    Revoked: (): Standing => "Revoked"
  })

/** When its code was redeemed. */
export const redeemedAt = Grant.$match({
  Approved: () => Option.none<DateTime.Utc>(),
  Active: ({ redeemedAt }) => Option.some(redeemedAt),
  Revoked: ({ redeemedAt }) => redeemedAt
})
