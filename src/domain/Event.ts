/**
 * What an auditor asks for, and what answers "why was I logged out?": one record for each thing that happened to an
 * account, a client, a grant or a key. Events hold ids, never secrets.
 */
import * as Schema from "effect/Schema"
import { Subject } from "./Account.js"
import { ClientId } from "./Client.js"
import { GrantId, RevocationReason } from "./Grant.js"
import { SessionId } from "./Session.js"

const grant = { grantId: GrantId, subject: Subject, clientId: ClientId }

/** What a grant was made by: the person, on a page, or what the person allowed there before (RFC 6749 §10.2). */
export const AllowedBy = Schema.Literal("Person", "RememberedConsent")
export type AllowedBy = typeof AllowedBy.Type

/** Whose failed logins began a pause: one device's, one network's with one name, one network's, or one name's. */
export const ThrottleReason = Schema.Literal("DeviceFailures", "PairFailures", "NetworkFailures", "NameFailures")
export type ThrottleReason = typeof ThrottleReason.Type

/** What happened. */
export const EventKind = Schema.Union(
  Schema.TaggedStruct("ClientRegistered", { clientId: ClientId, origin: Schema.Literal("Operator", "Dynamic") }),
  /** The self-registered clients that were never used are near their maximum, or have reached it. */
  Schema.TaggedStruct("RegistrationQuota", {
    level: Schema.Literal("Near", "Met"),
    unused: Schema.Number,
    atMost: Schema.Number
  }),
  Schema.TaggedStruct("ClientChanged", {
    clientId: ClientId,
    change: Schema.Literal("Disabled", "Enabled", "Deleted", "SecretRotated", "Updated")
  }),
  Schema.TaggedStruct("AccountCreated", { subject: Subject }),
  Schema.TaggedStruct("AccountChanged", {
    subject: Subject,
    change: Schema.Literal("Disabled", "Enabled", "Deleted", "PasswordChanged", "Unlocked")
  }),
  Schema.TaggedStruct("LoggedIn", { subject: Subject, sessionId: SessionId }),
  /** `subject` is missing where there is no such account: the name that was tried is nobody's business. */
  Schema.TaggedStruct("LoginFailed", { subject: Schema.optional(Subject) }),
  /** A pause began, because of too many failed logins. `subject` is missing where there is no such account. */
  Schema.TaggedStruct("LoginThrottled", { subject: Schema.optional(Subject), reason: ThrottleReason }),
  Schema.TaggedStruct("LoggedOut", { subject: Subject, sessionId: SessionId }),
  Schema.TaggedStruct("Allowed", {
    ...grant,
    scope: Schema.String,
    /** Missing where it was not kept. */
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
  /** An authentic access token names a grant that was never deleted, and is not there: the database lost writes. */
  Schema.TaggedStruct("GrantMissing", { grantId: GrantId }),
  /** The database was put back to an earlier time, and everything given out until then ended: so many grants. */
  Schema.TaggedStruct("Restored", { grants: Schema.Number }),
  Schema.TaggedStruct("KeyRotated", {
    keyId: Schema.String,
    change: Schema.Literal("Published", "Promoted", "Replaced", "Removed")
  })
)
export type EventKind = typeof EventKind.Type

/** Whom and what it happened to, as far as it was a person, a client or a grant: by these events are found. */
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
 * Who did it. A `Person` acts in a login session, or through a client that holds an access token of theirs. A `Client` has
 * proved who it is, or has only been named, as public clients are. An `Operator` runs a command, and a `Program` of the
 * operator's calls the admin API. The `Server` does its upkeep, and `Anonymous` is a request that proved nothing.
 */
export const Actor = Schema.Union(
  Schema.TaggedStruct("Person", {
    subject: Subject,
    sessionId: Schema.optional(SessionId),
    clientId: Schema.optional(ClientId)
  }),
  Schema.TaggedStruct("Client", { clientId: ClientId, isAuthenticated: Schema.Boolean }),
  /** `name` is the user name of the operating system. */
  Schema.TaggedStruct("Operator", { name: Schema.String }),
  Schema.TaggedStruct("Program", { clientId: ClientId }),
  Schema.TaggedStruct("Server", {}),
  Schema.TaggedStruct("Anonymous", {})
)
export type Actor = typeof Actor.Type

/** Where an event comes from. Events that were stored by earlier versions have none of it. */
const origin = {
  actor: Schema.optional(Actor),
  /** Id of the HTTP request in which it happened. */
  requestId: Schema.optional(Schema.String),
  /** The client's address or its network, where the settings have it kept. */
  address: Schema.optional(Schema.String)
}

/** An event: what happened, when, and by whom. Ids grow with time. */
export const Event = Schema.Struct({
  id: Schema.String,
  at: Schema.DateTimeUtcFromNumber,
  kind: EventKind,
  ...origin
})
export type Event = typeof Event.Type
