/** What happened, in words: events as a person reads them. */
import * as Effect from "effect/Effect"
import type { Subject } from "../../domain/Account.js"
import { type Actor, type Event, type EventKind, idsOf } from "../../domain/Event.js"
import type { RevocationReason } from "../../domain/Grant.js"
import * as Output from "../terminal/Output.js"

/** Why a grant was taken back. */
export const reasons: Readonly<Record<RevocationReason, string>> = {
  WrongVerifier: "its code was presented with a wrong verifier",
  CodeReplayed: "its code was presented twice",
  RefreshTokenReplayed: "an old refresh token was presented again: it was copied, or an answer was lost",
  Denied: "the person denied it after all",
  LostWrites: "its refresh token is newer than the database, which lost writes",
  TokenRevoked: "the client gave it back",
  SubjectRevoked: "the account was disabled or deleted, or its password was changed",
  ClientRevoked: "the client was disabled or deleted, or its secret was rotated",
  ConsentWithdrawn: "the person withdrew the consent",
  OperatorRevoked: "the operator revoked it",
  Restored: "the database was put back to an earlier time"
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
  Published: "published: it seals next",
  Promoted: "the current one",
  Replaced: "replaced at once: what it sealed is refused",
  Removed: "removed: nothing sealed under it lives any more"
} as const

const throttleReasons = {
  DeviceFailures: "too many failures in a known browser, which counts as an unknown one meanwhile",
  PairFailures: "too many failures with this name from one network, which waits",
  NetworkFailures: "too many failures from one network, where unknown browsers wait",
  NameFailures: "too many failures with this name, for which unknown browsers wait"
} as const

/** One sentence for each thing that can happen, without whom it happened to. */
const sentences: {
  readonly [Tag in EventKind["_tag"]]: (kind: Extract<EventKind, { readonly _tag: Tag }>) => string
} = {
  ClientRegistered: ({ origin }) => `client registered by ${origin === "Operator" ? "the operator" : "itself"}`,
  RegistrationQuota: ({ atMost, level, unused }) =>
    level === "Met"
      ? `maximum of ${atMost} unused clients reached: each registration now removes the oldest`
      : `${unused} unused clients of at most ${atMost}`,
  ClientChanged: ({ change }) => clientChanges[change],
  AccountCreated: () => "account made",
  AccountChanged: ({ change }) => accountChanges[change],
  LoggedIn: () => "logged in",
  LoginFailed: ({ subject }) => (subject === undefined ? "login failed: there is no such account" : "login failed"),
  LoginThrottled: ({ reason }) => `logins paused: ${throttleReasons[reason]}`,
  LoggedOut: () => "logged out",
  Allowed: ({ by, scope }) => `allowed${by === "RememberedConsent" ? " as before, without a page" : ""}: ${scope}`,
  Denied: () => "denied",
  Redeemed: () => "code redeemed",
  Duplicate: () => "code presented again within moments, and taken for a duplicate",
  DuplicateElsewhere: () => "code presented again within moments, from another network: it may have been stolen",
  Refreshed: ({ generation }) => `refreshed, generation ${generation}`,
  Retried: ({ generation }) => `refresh retried, generation ${generation}`,
  RetriedElsewhere: ({ generation }) =>
    `old refresh token of generation ${generation} presented again from another network: it may have been stolen`,
  Revoked: ({ reason }) => `revoked: ${reasons[reason]}`,
  TokenRevoked: () => "an access token given back by the client",
  ConsentWithdrawn: () => "consent withdrawn",
  GrantMissing: () => "an access token's grant is not in the database, which lost writes",
  Restored: ({ grants }) =>
    `database put back to an earlier time: everything given out until then is dead, ${grants} grants`,
  KeyRotated: ({ change, keyId }) => `key ${keyId} is ${keyChanges[change]}`
}

/** What happened. */
export const sentence = (kind: EventKind): string =>
  Output.printable((sentences[kind._tag] as (kind: EventKind) => string)(kind))

/** The names of the people in an event: each is looked up here, for `origin` and `whom`. */
export const nameOf = <E, R>(
  { actor, kind }: Event,
  find: (subject: Subject) => Effect.Effect<string, E, R>
): Effect.Effect<(subject: Subject) => string, E, R> => {
  const { subject } = idsOf(kind)
  const people = [...(subject === undefined ? [] : [subject]), ...(actor?._tag === "Person" ? [actor.subject] : [])]
  const pairs = Effect.forEach(people, (subject) => Effect.map(find(subject), (name) => [subject, name] as const))
  return Effect.map(pairs, (pairs) => {
    const names = new Map(pairs)
    return (subject) => names.get(subject) ?? subject
  })
}

const actorText = (actor: Actor, person: (subject: Subject) => string): string => {
  switch (actor._tag) {
    case "Person":
      return `user ${person(actor.subject)}${actor.clientId === undefined ? "" : ` through client ${actor.clientId}`}`
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

/** Who did it, in which request, and from where, as far as it was stored. */
export const origin = ({ actor, address, requestId }: Event, person: (subject: Subject) => string): string =>
  Output.printable(
    [
      ...(actor === undefined ? [] : [`by ${actorText(actor, person)}`]),
      ...(address === undefined ? [] : [`from ${address}`]),
      ...(requestId === undefined ? [] : [`request=${requestId}`])
    ].join(" ")
  )

/** To whom and what it happened, in words that the commands take again. */
export const whom = (kind: EventKind, person: (subject: Subject) => string): string => {
  const { clientId, grantId, subject } = idsOf(kind)
  return [
    ...(subject === undefined ? [] : [`user=${person(subject)}`]),
    ...(clientId === undefined ? [] : [`client=${clientId}`]),
    ...(grantId === undefined ? [] : [`grant=${grantId}`])
  ].join(" ")
}
