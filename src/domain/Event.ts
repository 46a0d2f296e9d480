/**
 * Events: one record for each change of an account, a client, a grant or a key. They are for auditors, and they answer "why
 * was I logged out?". Events hold ids, never secrets.
 */
import * as Schema from "effect/Schema"
import { Subject } from "./Account.js"
import { ClientId } from "./Client.js"
import { Problem } from "./ClientDocument.js"
import { GrantId, RevocationReason } from "./Grant.js"
import { InitialAccessTokenId } from "./InitialAccessToken.js"
import { SessionId } from "./Session.js"

const grant = { grantId: GrantId, subject: Subject, clientId: ClientId }

/**
 * The decision behind a grant: the user allowed it on the page, or had allowed the same before (RFC 6749 §10.2), or the
 * operator approved the client for the resource.
 */
export const AllowedBy = Schema.Literal("Person", "RememberedConsent", "OperatorApproval")
export type AllowedBy = typeof AllowedBy.Type

/** The counter of failed logins that began a pause: by device, by network and name, by network, or by name. */
export const ThrottleReason = Schema.Literal("DeviceFailures", "PairFailures", "NetworkFailures", "NameFailures")
export type ThrottleReason = typeof ThrottleReason.Type

/** The kind of an event, with its fields. */
export const EventKind = Schema.Union(
  Schema.TaggedStruct("ClientRegistered", {
    clientId: ClientId,
    origin: Schema.Literal("Operator", "Dynamic"),
    /** The initial access token that the client presented. */
    initialAccessTokenId: Schema.optional(InitialAccessTokenId)
  }),
  /** A client asked a user for access, and the operator has to approve it first. */
  Schema.TaggedStruct("ClientAwaitsApproval", { clientId: ClientId, subject: Subject }),
  /** The metadata document of a client cannot be used. */
  Schema.TaggedStruct("ClientDocumentRefused", { clientId: ClientId, problem: Problem }),
  /** The operator created an initial access token, or revoked one. */
  Schema.TaggedStruct("InitialAccessTokenChanged", {
    initialAccessTokenId: InitialAccessTokenId,
    change: Schema.Literal("Created", "Revoked")
  }),
  /** The number of self-registered clients that were never used is near its maximum, or has reached it. */
  Schema.TaggedStruct("RegistrationQuota", {
    level: Schema.Literal("Near", "Met"),
    unused: Schema.Number,
    atMost: Schema.Number
  }),
  Schema.TaggedStruct("ClientChanged", {
    clientId: ClientId,
    change: Schema.Literal("Approved", "Deleted", "Disabled", "Enabled", "SecretRotated", "Unapproved", "Updated")
  }),
  Schema.TaggedStruct("AccountCreated", { subject: Subject }),
  Schema.TaggedStruct("AccountChanged", {
    subject: Subject,
    change: Schema.Literal("Disabled", "Enabled", "Deleted", "PasswordChanged", "Unlocked")
  }),
  Schema.TaggedStruct("LoggedIn", { subject: Subject, sessionId: SessionId }),
  /** `subject` is missing if there is no such account. The typed name is not stored, because it may be a password. */
  Schema.TaggedStruct("LoginFailed", { subject: Schema.optional(Subject) }),
  /** A pause began after too many failed logins. `subject` is missing if there is no such account. */
  Schema.TaggedStruct("LoginThrottled", { subject: Schema.optional(Subject), reason: ThrottleReason }),
  Schema.TaggedStruct("LoggedOut", { subject: Subject, sessionId: SessionId }),
  Schema.TaggedStruct("Allowed", {
    ...grant,
    scope: Schema.String,
    /** Missing in events of earlier versions, which did not store it. */
    by: Schema.optional(AllowedBy)
  }),
  Schema.TaggedStruct("Denied", { subject: Subject, clientId: ClientId }),
  Schema.TaggedStruct("Redeemed", grant),
  Schema.TaggedStruct("Duplicate", grant),
  /** A duplicate from another network than the redemption. */
  Schema.TaggedStruct("DuplicateElsewhere", grant),
  Schema.TaggedStruct("Refreshed", { ...grant, generation: Schema.Number }),
  Schema.TaggedStruct("Retried", { ...grant, generation: Schema.Number }),
  /** A retry from another network than the rotation that it repeats; `generation` is that of the presented token. */
  Schema.TaggedStruct("RetriedElsewhere", { ...grant, generation: Schema.Number }),
  Schema.TaggedStruct("Revoked", { ...grant, reason: RevocationReason }),
  Schema.TaggedStruct("TokenRevoked", { clientId: ClientId, grantId: Schema.optional(GrantId) }),
  Schema.TaggedStruct("ConsentWithdrawn", { subject: Subject, clientId: ClientId }),
  /** An authentic access token names a grant that is missing but was never deleted: the database lost writes. */
  Schema.TaggedStruct("GrantMissing", { grantId: GrantId }),
  /** The database was restored from a backup, and everything issued before was revoked. `grants` is the number of grants. */
  Schema.TaggedStruct("Restored", { grants: Schema.Number }),
  Schema.TaggedStruct("KeyRotated", {
    keyId: Schema.String,
    change: Schema.Literal("Published", "Promoted", "Replaced", "Removed")
  })
)
export type EventKind = typeof EventKind.Type

/** Returns the ids of the user, client and grant of an event. Events can be searched by them. */
export const idsOf = (
  kind: EventKind
): {
  readonly subject?: Subject | undefined
  readonly clientId?: ClientId | undefined
  readonly grantId?: GrantId | undefined
} => ({
  subject: "subject" in kind ? kind.subject : undefined,
  clientId: "clientId" in kind ? kind.clientId : undefined,
  grantId: "grantId" in kind ? kind.grantId : undefined
})

/**
 * The actor of an event. A `Person` is a user in a login session, or behind a client with an access token of the user. A
 * `Client` is authenticated, or only named, as public clients are. An `Operator` runs a command, and a `Program` of the
 * operator calls the admin API. The `Server` does maintenance. `Anonymous` is a request without any proof of identity.
 */
export const Actor = Schema.Union(
  Schema.TaggedStruct("Person", {
    subject: Subject,
    sessionId: Schema.optional(SessionId),
    clientId: Schema.optional(ClientId)
  }),
  Schema.TaggedStruct("Client", { clientId: ClientId, isAuthenticated: Schema.Boolean }),
  /** `name` is the user name in the operating system. */
  Schema.TaggedStruct("Operator", { name: Schema.String }),
  Schema.TaggedStruct("Program", { clientId: ClientId }),
  Schema.TaggedStruct("Server", {}),
  Schema.TaggedStruct("Anonymous", {})
)
export type Actor = typeof Actor.Type

/** The origin of an event. Events of earlier versions have no origin. */
const origin = {
  actor: Schema.optional(Actor),
  /** Id of the HTTP request that caused the event. */
  requestId: Schema.optional(Schema.String),
  /** Address or network of the client, if the setting `logAddresses` says so. */
  address: Schema.optional(Schema.String)
}

/** An event, with its time and origin. Ids grow with time. */
export const Event = Schema.Struct({
  id: Schema.String,
  at: Schema.DateTimeUtcFromNumber,
  kind: EventKind,
  ...origin
})
export type Event = typeof Event.Type
