/** Events as text. */
import * as Effect from "effect/Effect"
import type { Subject } from "../../domain/Account.js"
import { type Actor, type Event, type EventKind, idsOf } from "../../domain/Event.js"
import type { RevocationReason } from "../../domain/Grant.js"
import * as Output from "../terminal/Output.js"

/** Explanations of why a grant was revoked. */
export const reasons: Readonly<Record<RevocationReason, string>> = {
  WrongVerifier: "its code was used with a wrong verifier",
  CodeReplayed: "its code was used twice",
  RefreshTokenReplayed: "an old refresh token was used again: it was copied, or a response was lost",
  Denied: "the user denied it in a second request",
  LostWrites: "its refresh token is newer than the database, which lost writes",
  TokenRevoked: "the client revoked it",
  SubjectRevoked: "the account was disabled or deleted, or its password was changed",
  ClientRevoked: "the client was disabled or deleted, or its secret was rotated",
  ConsentWithdrawn: "the user withdrew the consent",
  OperatorRevoked: "the operator revoked it",
  Restored: "the database was restored from a backup"
}

const accountChanges = {
  Disabled: "account disabled",
  Enabled: "account enabled",
  Deleted: "account deleted",
  PasswordChanged: "password changed",
  Unlocked: "login pauses ended by the operator"
} as const

const clientChanges = {
  Disabled: "client disabled",
  Enabled: "client enabled",
  Deleted: "client deleted",
  SecretRotated: "client secret rotated",
  Updated: "client metadata changed"
} as const

const keyChanges = {
  Published: "the next key",
  Promoted: "the current key",
  Replaced: "replaced after a leak: its tokens are refused",
  Removed: "deleted: all tokens that it encrypted have expired"
} as const

const throttleReasons = {
  DeviceFailures: "too many failures in a known browser, which is treated as unknown for now",
  PairFailures: "too many failures with this name from one network, which must wait",
  NetworkFailures: "too many failures from one network, where unknown browsers must wait",
  NameFailures: "too many failures with this name, for which unknown browsers must wait"
} as const

/** The text of each kind of event, without its account, client and grant. */
const sentences: {
  readonly [Tag in EventKind["_tag"]]: (kind: Extract<EventKind, { readonly _tag: Tag }>) => string
} = {
  ClientRegistered: ({ origin }) => `client registered by ${origin === "Operator" ? "the operator" : "itself"}`,
  RegistrationQuota: ({ atMost, level, unused }) =>
    level === "Met"
      ? `maximum of ${atMost} unused clients reached: each registration now deletes the oldest`
      : `${unused} unused clients of at most ${atMost}`,
  ClientChanged: ({ change }) => clientChanges[change],
  AccountCreated: () => "account created",
  AccountChanged: ({ change }) => accountChanges[change],
  LoggedIn: () => "logged in",
  LoginFailed: ({ subject }) => (subject === undefined ? "login failed: there is no such account" : "login failed"),
  LoginThrottled: ({ reason }) => `logins paused: ${throttleReasons[reason]}`,
  LoggedOut: () => "logged out",
  Allowed: ({ by, scope }) => `allowed${by === "RememberedConsent" ? " as before, without a page" : ""}: ${scope}`,
  Denied: () => "denied",
  Redeemed: () => "code redeemed",
  Duplicate: () => "code used again within moments: accepted as a duplicate",
  DuplicateElsewhere: () => "code used again within moments from another network: it may be stolen",
  Refreshed: ({ generation }) => `refreshed, generation ${generation}`,
  Retried: ({ generation }) => `refresh retried, generation ${generation}`,
  RetriedElsewhere: ({ generation }) =>
    `refresh token of generation ${generation} used again from another network: it may be stolen`,
  Revoked: ({ reason }) => `revoked: ${reasons[reason]}`,
  TokenRevoked: () => "access token revoked by the client",
  ConsentWithdrawn: () => "consent withdrawn",
  GrantMissing: () => "the grant of an access token is not in the database, which lost writes",
  Restored: ({ grants }) =>
    `database restored from a backup: all older tokens and sessions are revoked, ${grants} grants`,
  KeyRotated: ({ change, keyId }) => `key ${keyId} is ${keyChanges[change]}`
}

/** Returns the text of an event. */
export const sentence = (kind: EventKind): string =>
  Output.printable((sentences[kind._tag] as (kind: EventKind) => string)(kind))

/** Returns a function from the subjects of an event to their names, for `origin` and `subjects`. */
export const namesIn = <E, R>(
  { actor, kind }: Event,
  find: (subject: Subject) => Effect.Effect<string, E, R>
): Effect.Effect<(subject: Subject) => string, E, R> => {
  const { subject } = idsOf(kind)
  const subjects = [...(subject === undefined ? [] : [subject]), ...(actor?._tag === "Person" ? [actor.subject] : [])]
  const pairs = Effect.forEach(subjects, (subject) => Effect.map(find(subject), (name) => [subject, name] as const))
  return Effect.map(pairs, (pairs) => {
    const names = new Map(pairs)
    return (subject) => names.get(subject) ?? subject
  })
}

const actorText = (actor: Actor, nameOf: (subject: Subject) => string): string => {
  switch (actor._tag) {
    case "Person":
      return `user ${nameOf(actor.subject)}${actor.clientId === undefined ? "" : ` through client ${actor.clientId}`}`
    case "Client":
      return `client ${actor.clientId}${actor.isAuthenticated ? "" : " (not authenticated)"}`
    case "Operator":
      return `operator ${actor.name}`
    case "Program":
      return `admin API client ${actor.clientId}`
    case "Server":
      return "the server"
    case "Anonymous":
      return "an anonymous request"
  }
}

/** Returns the stored actor, address and request id of an event. */
export const origin = ({ actor, address, requestId }: Event, nameOf: (subject: Subject) => string): string =>
  Output.printable(
    [
      ...(actor === undefined ? [] : [`by ${actorText(actor, nameOf)}`]),
      ...(address === undefined ? [] : [`from ${address}`]),
      ...(requestId === undefined ? [] : [`request=${requestId}`])
    ].join(" ")
  )

/** Returns the account, client and grant of an event, written as the options of `latchkey events` take them. */
export const subjects = (kind: EventKind, nameOf: (subject: Subject) => string): string => {
  const { clientId, grantId, subject } = idsOf(kind)
  return [
    ...(subject === undefined ? [] : [`user=${nameOf(subject)}`]),
    ...(clientId === undefined ? [] : [`client=${clientId}`]),
    ...(grantId === undefined ? [] : [`grant=${grantId}`])
  ].join(" ")
}
