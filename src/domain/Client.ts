/**
 * Clients (RFC 6749 §2) and their metadata under the names of RFC 7591 §2.
 */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Digest } from "./Digest.js"
import * as DisplayText from "./DisplayText.js"
import * as RedirectUri from "./RedirectUri.js"
import * as Scope from "./Scope.js"
import * as Time from "./Time.js"

/** client_id (RFC 6749 §2.2): visible ASCII, chosen by this server, no secret. */
export const ClientId = Schema.String.pipe(Schema.pattern(/^[\x21-\x7E]{1,255}$/), Schema.brand("ClientId"))
export type ClientId = typeof ClientId.Type

/** How a client proves itself at the token endpoint (RFC 7591 §2, RFC 6749 §2.3.1). */
export const AuthMethod = Schema.Literal("none", "client_secret_basic", "client_secret_post")
export type AuthMethod = typeof AuthMethod.Type

/** Text that every store can keep: PostgreSQL has no NUL, and half a surrogate pair has no UTF-8. */
const Text = Schema.NonEmptyString.pipe(Schema.filter((text) => !/[\0\p{Cs}]/u.test(text) || "must be well-formed"))

/** A web page of the client's own naming: https only, never fetched, shown as a link at most. */
const WebPage = Text.pipe(
  Schema.maxLength(2048),
  Schema.filter((text) => (URL.canParse(text) && new URL(text).protocol === "https:") || "must be an https URL")
)

const ShortText = Text.pipe(Schema.maxLength(200))

/** Whether a value can be kept as one of the client's contacts (RFC 7591 §2). */
export const isContact = Schema.is(ShortText)

/**
 * What is known of a client, defaults included: the members that RFC 7591 §2 defines, and `application_type` of
 * OpenID Connect Registration §2, which MCP clients send. What is not listed here is not kept.
 *
 * `scope` is what the client may ask for. A self-registered client has none of its own and may ask for whatever the
 * resources offer: what guards those is the person's consent.
 */
export const ClientMetadata = Schema.Struct({
  redirect_uris: Schema.Array(RedirectUri.RedirectUri),
  token_endpoint_auth_method: AuthMethod,
  grant_types: Schema.Array(Schema.String),
  response_types: Schema.Array(Schema.Literal("code")),
  client_name: Schema.optional(ShortText),
  client_uri: Schema.optional(WebPage),
  logo_uri: Schema.optional(WebPage),
  tos_uri: Schema.optional(WebPage),
  policy_uri: Schema.optional(WebPage),
  contacts: Schema.optional(Schema.Array(ShortText).pipe(Schema.maxItems(10))),
  scope: Schema.optional(Scope.FromString),
  software_id: Schema.optional(ShortText),
  software_version: Schema.optional(ShortText),
  application_type: Schema.optional(Schema.Literal("web", "native"))
})
export interface ClientMetadata extends Schema.Schema.Type<typeof ClientMetadata> {}

const encodeMetadata = Schema.encodeSync(ClientMetadata)

/** Whether two clients are described alike; the order of members does not matter, that of lists does. */
export const isSameMetadata = (one: ClientMetadata, other: ClientMetadata): boolean =>
  JSON.stringify(encodeMetadata(one)) === JSON.stringify(encodeMetadata(other))

/** A client's secret as the server keeps it. */
export interface StoredSecret {
  readonly digest: Digest
  /** When it ceases to be accepted; `None` is never, `client_secret_expires_at` 0 (RFC 7591 §3.2.1). */
  readonly expiresAt: Option.Option<DateTime.Utc>
}

/** A registered client. */
export interface Client {
  readonly id: ClientId
  readonly issuedAt: DateTime.Utc
  /** Who made it: its operator, or the client itself over RFC 7591, whose word about itself nobody checked. */
  readonly origin: "Operator" | "Dynamic"
  readonly metadata: ClientMetadata
  readonly secret: Option.Option<StoredSecret>
  /** A disabled client can do nothing, and nothing issued to it is good; it may be enabled again. */
  readonly state: "Enabled" | "Disabled"
  /** When a person last allowed it something, to within `usePrecision`; `None` where nobody ever did. */
  readonly usedAt: Option.Option<DateTime.Utc>
  /** Raised when all that was ever given to this client must die at once. */
  readonly epoch: number
}

/** Interval within which later uses of a client are not stored: its row is written once a day at most. */
export const usePrecision = Duration.days(1)

/** Whether a use at `now` must be stored. */
export const isUseNew = (self: Client, now: DateTime.Utc): boolean =>
  Option.match(self.usedAt, { onNone: () => true, onSome: (usedAt) => !Time.isWithin(now, usedAt, usePrecision) })

/** Whether the client keeps a secret (RFC 6749 §2.1). */
export const isConfidential = (self: Client): boolean => self.metadata.token_endpoint_auth_method !== "none"

/** Whether the client registered a grant type (RFC 7591 §2). */
export const mayUse = (self: Client, grantType: string): boolean => self.metadata.grant_types.includes(grantType)

/** What the client may ask for, of what is offered. */
export const allowedScope = (self: Client, offered: Scope.Scope): Scope.Scope =>
  self.origin === "Dynamic" ? offered : Scope.intersection(offered, self.metadata.scope ?? Scope.empty)

/** The registered redirect URI that a requested one stands for, if any. */
export const redirectUri = (self: Client, requested: string): RedirectUri.RedirectUri | undefined =>
  self.metadata.redirect_uris.some((registered) => RedirectUri.matches(registered, requested))
    ? RedirectUri.RedirectUri.make(requested, true)
    : undefined

/**
 * Whether nobody but the client itself can receive what is sent to the redirect URI: it keeps a secret, or the URI is
 * a claimed https one. Anybody's program can listen on loopback or take a private-use scheme (RFC 8252 §8.6).
 */
export const canProveItself = (self: Client, requested: RedirectUri.RedirectUri): boolean =>
  isConfidential(self) || RedirectUri.target(requested)._tag === "Host"

/** The client's name as a page may show it; its id where it gave none that can be shown. */
export const displayName = (self: Client): string => DisplayText.clean(self.metadata.client_name ?? "") || self.id

/**
 * The client's web page, if it is on the very host and port to which the answer goes: `undefined` otherwise. Anybody
 * can name anybody's page; only a client that receives the code on that host has shown that the host is its own.
 *
 * Hosts are compared in the normal form of URLs (lower case, punycode, no default port). A subdomain, another port or
 * a trailing dot is another host, for it can be another person's. Loopback and private-use targets have no host that
 * belongs to somebody, though a private-use URI can spell one (`com.example.app://bank.example/`).
 */
export const website = (self: Client, redirectUri: RedirectUri.RedirectUri): string | undefined => {
  const target = RedirectUri.target(redirectUri)
  const { client_uri } = self.metadata
  if (client_uri === undefined || target._tag !== "Host") return undefined
  const { host, password, username } = new URL(client_uri)
  return host === target.host && username === "" && password === "" ? client_uri : undefined
}
