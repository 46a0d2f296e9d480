/** The sentence of each kind of event. */
import type { EventKind } from "../../domain/Event.js"
import * as Output from "../terminal/Output.js"
import * as EventReasons from "./EventReasons.js"

const accountChanges = {
  Disabled: "account disabled",
  Enabled: "account enabled",
  Deleted: "account deleted",
  PasswordChanged: "password changed",
  Unlocked: "login pauses ended by the operator"
} as const

const clientChanges = {
  Approved: "client approved by the operator",
  Unapproved: "approval of the client withdrawn by the operator",
  Disabled: "client disabled",
  Enabled: "client enabled",
  Deleted: "client deleted",
  SecretRotated: "client secret rotated",
  Updated: "client metadata changed"
} as const

const documentProblems = {
  Unavailable: "it cannot be fetched",
  ContentType: "it is not sent as JSON",
  Malformed: "it is not a JSON object",
  WrongClientId: "its client_id is not its URL",
  HoldsSecret: "it holds a secret, which everybody can read",
  AuthenticationMethod: "it names no method of client authentication that can be used here",
  RedirectUris: "it has no redirect URI that can be used here",
  Metadata: "it has a mistake"
} as const

const decisions = {
  Person: "",
  RememberedConsent: " as before, without a page",
  OperatorApproval: " by the operator's approval, without a page"
} as const

const keyChanges = {
  Published: "the next key",
  Promoted: "the current key",
  Replaced: "replaced after a leak: its tokens are refused",
  Removed: "deleted: all tokens that it encrypted have expired"
} as const

/** The text of each kind of event, without its account, client and grant. */
const sentences: {
  readonly [Tag in EventKind["_tag"]]: (kind: Extract<EventKind, { readonly _tag: Tag }>) => string
} = {
  ClientRegistered: ({ initialAccessTokenId, origin }) =>
    `client registered by ${origin === "Operator" ? "the operator" : "itself"}${initialAccessTokenId === undefined ? "" : ` with the initial access token ${initialAccessTokenId}`}`,
  ClientAwaitsApproval: () => "a user wants to use the client, which waits for the operator's approval",
  ClientDocumentRefused: ({ problem }) => `metadata document of the client refused: ${documentProblems[problem]}`,
  InitialAccessTokenChanged: ({ change, initialAccessTokenId }) =>
    `initial access token ${initialAccessTokenId} ${change === "Created" ? "created" : "revoked"}`,
  RegistrationQuota: ({ atMost, level, unused }) =>
    level === "Met"
      ? `maximum of ${atMost} unused clients reached: each registration now deletes the oldest`
      : `${unused} unused clients of at most ${atMost}`,
  ClientChanged: ({ change }) => clientChanges[change],
  AccountCreated: () => "account created",
  AccountChanged: ({ change }) => accountChanges[change],
  LoggedIn: () => "logged in",
  LoginFailed: ({ subject }) => (subject === undefined ? "login failed: there is no such account" : "login failed"),
  LoginThrottled: ({ reason }) => `logins paused: ${EventReasons.ofThrottle[reason]}`,
  LoggedOut: () => "logged out",
  Allowed: ({ by, scope }) => `allowed${by === undefined ? "" : decisions[by]}: ${scope}`,
  Denied: () => "denied",
  Redeemed: () => "code redeemed",
  Duplicate: () => "code used again within moments: accepted as a duplicate",
  DuplicateElsewhere: () => "code used again within moments from another network: it may be stolen",
  Refreshed: ({ generation }) => `refreshed, generation ${generation}`,
  Retried: ({ generation }) => `refresh retried, generation ${generation}`,
  RetriedElsewhere: ({ generation }) =>
    `refresh token of generation ${generation} used again from another network: it may be stolen`,
  Revoked: ({ reason }) => `revoked: ${EventReasons.ofRevocation[reason]}`,
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
