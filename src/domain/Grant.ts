/**
 * A grant: the access that a user allowed a client. Its whole life is one row (ADR 5):
 *
 *     Approved{code} --redeem--> Active{generation 1} --rotate--> Active{generation n+1} ... --> Revoked{reason}
 *
 * For each verb a store changes that row by one conditional statement. When the statement changes nothing, functions of this
 * file return the reason, so that every store gives the same reason.
 */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Subject } from "./Account.js"
import * as Chain from "./Chain.js"
import type { Client, ClientId } from "./Client.js"
import type { CodeChallenge } from "./CodeChallenge.js"
import type { Digest } from "./Digest.js"
import * as Identifier from "./Identifier.js"
import * as NetworkTag from "./NetworkTag.js"
import type { RedirectUri } from "./RedirectUri.js"
import type { ResourceScopes } from "./ResourceScopes.js"
import type { SessionId } from "./Session.js"
import * as Time from "./Time.js"

/** Identifies a grant in its tokens and in logs. It is no secret. */
export const GrantId = Schema.String.pipe(Schema.pattern(Identifier.pattern), Schema.brand("GrantId"))
export type GrantId = typeof GrantId.Type

/** The epochs at the time of the approval. The grant is revoked as soon as one of them is raised. */
export interface Epochs {
  readonly subject: number
  readonly client: number
  readonly consent: number
}

/**
 * The installation of a client that a grant was made for. The client of a metadata document is the same for everybody who uses
 * it, so a user distinguishes its installations by this.
 */
export interface Installation {
  /** The client's name as the user read it. */
  readonly clientName: string
  /** The method by which the client authenticates. A later document cannot make it a weaker one for this grant. */
  readonly authMethod: string
  /** Name of the browser in which the user allowed it; `None` if it is not known. */
  readonly browser: Option.Option<string>
  /** Network of the login, sealed for its session (ADR 36); `None` if it is not known. */
  readonly sealedNetwork: Option.Option<string>
}

/** The terms of a grant. They are fixed when the user allows it, and never widened. */
export interface Terms {
  readonly id: GrantId
  readonly subject: Subject
  readonly clientId: ClientId
  /** The redirect URI of the authorization request (RFC 6749 §4.1.3). */
  readonly redirectUri: RedirectUri
  /** The scope at each resource. A scope is not granted at a resource that offers it later (ADR 28). */
  readonly granted: ResourceScopes
  readonly sessionId: SessionId
  /** Time at which the user authenticated. */
  readonly authenticatedAt: DateTime.Utc
  readonly approvedAt: DateTime.Utc
  /** The absolute expiry: no token of this grant is valid after it. */
  readonly expiresAt: DateTime.Utc
  readonly epochs: Epochs
  /** `None` for a client that has its own id at each installation. */
  readonly installation: Option.Option<Installation>
}

/** An authorization code that is not redeemed yet (RFC 6749 §4.1.2, RFC 7636 §4.4). */
export interface PendingCode {
  readonly digest: Digest
  readonly challenge: CodeChallenge
  readonly expiresAt: DateTime.Utc
}

/** The reason of a revocation. */
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
  /** `chain` is `None` if no refresh token was issued. */
  Active: {
    readonly terms: Terms
    readonly code: PendingCode
    readonly redeemedAt: DateTime.Utc
    /** Network of the redemption; `None` if it is not known. */
    readonly redeemedFrom: Option.Option<NetworkTag.NetworkTag>
    readonly chain: Option.Option<Chain.Chain>
  }
  /** `redeemedAt` is `None` if the code was never redeemed. */
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
 * Time for which the row of an ended grant is kept, so that `latchkey grant show` can show its history, and so that a page is
 * not decided twice: a form is valid for at most an hour. Replays do not need the row longer: without a row a code or token
 * is refused as well.
 */
export const keptAfterEnd = Duration.weeks(1)

/** A grant with a chain of refresh tokens. */
export type Refreshable = Active & { readonly chain: Option.Some<Chain.Chain> }

/** Whether an app may still use the grant at `now`: it is not revoked, and neither its code nor its refresh token expired. */
export const isAlive = (self: Grant, now: DateTime.Utc): boolean => {
  if (self._tag === "Revoked" || !Time.isBefore(now, self.terms.expiresAt)) return false
  if (self._tag === "Approved") return Time.isBefore(now, self.code.expiresAt)
  return Option.match(self.chain, {
    onNone: () => true,
    onSome: ({ idleExpiresAt }) => Time.isBefore(now, idleExpiresAt)
  })
}

/**
 * Whether an authenticated client is the one that a grant was made for. A metadata document that changed later cannot replace
 * the client's authentication by a weaker one.
 */
export const isFor = ({ clientId, installation }: Terms, { id, metadata }: Client): boolean =>
  clientId === id &&
  Option.match(installation, {
    onNone: () => true,
    onSome: ({ authMethod }) => authMethod === "none" || authMethod === metadata.token_endpoint_auth_method
  })

/** A presentation of an authorization code by an authenticated client (RFC 6749 §4.1.3). */
export interface Redemption {
  readonly grantId: GrantId
  readonly digest: Digest
  readonly clientId: ClientId
  /** `None` if the request has no redirect URI, as in OAuth 2.1 §4.1.3. */
  readonly redirectUri: Option.Option<RedirectUri>
  /** S256 of the presented `code_verifier` (RFC 7636 §4.6). */
  readonly challenge: CodeChallenge
  readonly now: DateTime.Utc
  /** Time after the redemption in which a second presentation is a duplicate and not a replay. */
  readonly duplicateWindow: Duration.Duration
  /** Network of this request; `None` if it is not known. */
  readonly network: Option.Option<NetworkTag.NetworkTag>
  /** Whether a duplicate from another network than the redemption is a replay. */
  readonly fromElsewhere: NetworkTag.FromElsewhere
  /** The first refresh token; `None` if the client gets none. */
  readonly chain: Option.Option<{ readonly digest: Digest; readonly key: string; readonly idleExpiresAt: DateTime.Utc }>
}

/** The result of a redemption. */
export type RedemptionAnswer = Data.TaggedEnum<{
  /** This caller redeemed the code, and no other caller ever did. */
  Redeemed: { readonly grant: Active }
  /** The right client presented a wrong verifier. The code is used up and the grant revoked. */
  WrongVerifier: {}
  /** The same valid request came again within the duplicate window. Nothing changed. */
  Duplicate: { readonly elsewhere: boolean }
  /**
   * The same valid request came again: after the window, or within it from elsewhere if that is a replay. Everything that was
   * issued from the code must be revoked. `elsewhere`: within the window, and from another network than the redemption.
   */
  Replayed: { readonly elsewhere: boolean }
  Expired: {}
  /** There is no such code for this client and redirect URI, or an epoch was raised. Nothing changed. */
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

/** Returns why a redemption changed nothing, from the row as it is now. */
export const whyNotRedeemed = (
  self: Option.Option<Grant>,
  redemption: Redemption
): Exclude<RedemptionAnswer, { readonly _tag: "Redeemed" | "WrongVerifier" }> => {
  if (Option.isNone(self) || !isPresentedBy(self.value, redemption)) return RedemptionAnswer.Unknown()
  const grant = self.value
  if (grant._tag === "Approved") {
    // The code is neither used nor expired, so an epoch was raised.
    return Time.isBefore(redemption.now, grant.code.expiresAt) ? RedemptionAnswer.Unknown() : RedemptionAnswer.Expired()
  }
  // Only a fully correct presentation counts as a replay. Otherwise a stranger could revoke grants.
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

/** A presentation of an authentic refresh token by the client that it was issued to (RFC 6749 §6). */
export interface Rotation extends Chain.Presentation {
  readonly grantId: GrantId
}

/** The result of a rotation. */
export type RotationAnswer = Data.TaggedEnum<{
  /** The presented token was the current one. Its successor is the current one now. */
  Rotated: { readonly grant: Refreshable }
  /** The presented token was superseded a moment ago: the client gets the current one. Nothing changed. */
  Retried: { readonly grant: Refreshable; readonly elsewhere: boolean }
  /**
   * The presented token was superseded long ago, or a moment ago by a request from another network if that is a replay. The
   * grant must be revoked. `elsewhere`: a moment ago, and from another network.
   */
  Replayed: { readonly elsewhere: boolean }
  /** The presented token is newer than the row: the database lost writes. */
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

/** Returns why a rotation changed nothing, from the row as it is now. `epochsMatch`: none of its epochs was raised. */
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

/** The status of a grant. */
export const Status = Schema.Literal("Approved", "Active", "Expired", "Revoked")
export type Status = typeof Status.Type

/** Returns the status of a grant at an instant by its own row. A raised epoch may have revoked it already. */
export const statusAt = (now: DateTime.Utc) =>
  Grant.$match({
    Approved: ({ code }): Status => (Time.isBefore(now, code.expiresAt) ? "Approved" : "Expired"),
    Active: ({ terms }): Status => (Time.isBefore(now, terms.expiresAt) ? "Active" : "Expired"),
    Revoked: (): Status => "Revoked"
  })

/** Returns the time at which its code was redeemed. */
export const redeemedAt = Grant.$match({
  Approved: () => Option.none<DateTime.Utc>(),
  Active: ({ redeemedAt }) => Option.some(redeemedAt),
  Revoked: ({ redeemedAt }) => redeemedAt
})
