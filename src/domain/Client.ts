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
import * as Resource from "./Resource.js"
import * as ResourceScopes from "./ResourceScopes.js"
import * as Scope from "./Scope.js"
import * as ScopeHierarchy from "./ScopeHierarchy.js"
import * as Time from "./Time.js"
import * as Url from "./Url.js"

const idPattern = /^[\x21-\x7E]{1,255}$/

/** client_id (RFC 6749 §2.2): visible ASCII that this server chooses. It is no secret. */
export const ClientId = Schema.String.pipe(Schema.pattern(idPattern), Schema.brand("ClientId"))
export type ClientId = typeof ClientId.Type

/** Reads a client id; `None` for any other text. Every token request reads one, and a schema takes ten times as long. */
export const parseId = (text: string): Option.Option<ClientId> =>
  idPattern.test(text) ? Option.some(ClientId.make(text, true)) : Option.none()

/** The method by which a client authenticates at the token endpoint (RFC 7591 §2, RFC 6749 §2.3.1). */
export const AuthMethod = Schema.Literal("none", "client_secret_basic", "client_secret_post")
export type AuthMethod = typeof AuthMethod.Type

/** A text that every store can hold: PostgreSQL has no NUL, and half a surrogate pair has no UTF-8. */
const Text = Schema.NonEmptyString.pipe(Schema.filter((text) => !/[\0\p{Cs}]/u.test(text) || "must be well-formed"))

/** The address of a web page, as the client names it: https only. The server never fetches it, and at most links to it. */
const WebPage = Text.pipe(
  Schema.maxLength(2048),
  Schema.filter((text) => Url.parse(text)?.protocol === "https:" || "must be an https URL")
)

const ShortText = Text.pipe(Schema.maxLength(200))

/** Whether a value can be stored as one of the client's contacts (RFC 7591 §2). */
export const isContact = Schema.is(ShortText)

/**
 * The metadata of a client, defaults included: the members that RFC 7591 §2 defines, and `application_type` of OpenID
 * Connect Registration §2, which MCP clients send. Other members are not stored.
 *
 * `scope` limits the scope that the client may request. A self-registered client has no such limit and may request every
 * scope that the resources offer: the user's consent protects them.
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

const members = Object.keys(ClientMetadata.fields)

/** Returns metadata as the JSON object of RFC 7591 §2, its members in one order. As the schema encodes them, in less time. */
export const metadataJson = (metadata: ClientMetadata): typeof ClientMetadata.Encoded => {
  const json: Record<string, unknown> = {}
  for (const name of members) {
    const value = metadata[name as keyof ClientMetadata]
    if (value !== undefined) json[name] = value instanceof Set ? Scope.format(value) : value
  }
  return json as typeof ClientMetadata.Encoded
}

/** Whether two clients have the same metadata. The order of members does not matter; the order of lists does. */
export const isSameMetadata = (one: ClientMetadata, other: ClientMetadata): boolean =>
  JSON.stringify(metadataJson(one)) === JSON.stringify(metadataJson(other))

/** A client's secret, as the server stores it. */
export interface StoredSecret {
  readonly digest: Digest
  /** Time at which it expires; `None` is never, `client_secret_expires_at` 0 (RFC 7591 §3.2.1). */
  readonly expiresAt: Option.Option<DateTime.Utc>
}

/** A registered client. */
export interface Client {
  readonly id: ClientId
  readonly issuedAt: DateTime.Utc
  /** Who registered it: the operator, or the client itself (RFC 7591), whose metadata are unverified. */
  readonly origin: "Operator" | "Dynamic"
  readonly metadata: ClientMetadata
  readonly secret: Option.Option<StoredSecret>
  /** A disabled client can do nothing, and its tokens are not valid. It can be enabled again. */
  readonly state: "Enabled" | "Disabled"
  /** Time at which a user last allowed the client access, to within `usePrecision`; `None` if no user ever did. */
  readonly usedAt: Option.Option<DateTime.Utc>
  /** Raised to revoke everything that was ever issued to this client at once. */
  readonly epoch: number
}

/** Interval after a stored use in which further uses are not stored: the row of a client is written at most once a day. */
export const usePrecision = Duration.days(1)

/** Whether a use at `now` must be stored. */
export const isUseNew = (self: Client, now: DateTime.Utc): boolean =>
  Option.match(self.usedAt, { onNone: () => true, onSome: (usedAt) => !Time.isWithin(now, usedAt, usePrecision) })

/** Whether the client has a secret (RFC 6749 §2.1). */
export const isConfidential = (self: Client): boolean => self.metadata.token_endpoint_auth_method !== "none"

/** Whether the client registered a grant type (RFC 7591 §2). */
export const mayUse = (self: Client, grantType: string): boolean => self.metadata.grant_types.includes(grantType)

/** Returns the part of an offered scope that the client may request. */
export const allowedScope = (self: Client, offered: Scope.Scope): Scope.Scope =>
  self.origin === "Dynamic" ? offered : Scope.intersection(offered, self.metadata.scope ?? Scope.empty)

/**
 * Returns the scope that the client may request at a resource. The registered scope of a client of the operator names no
 * resource: it holds at each one that offers it, together with everything that it implies there.
 */
export const allowedAt = (self: Client, resource: Resource.Resource): Scope.Scope =>
  self.origin === "Dynamic"
    ? Resource.scope(resource)
    : ScopeHierarchy.expand(Resource.hierarchy(resource), self.metadata.scope ?? Scope.empty)

/** Returns the scope that the client may request at each of some resources. */
export const allowed = (self: Client, resources: ReadonlyArray<Resource.Resource>): ResourceScopes.ResourceScopes =>
  ResourceScopes.make(...resources.map((resource) => [resource.uri, allowedAt(self, resource)] as const))

/** Returns the requested redirect URI if it matches a registered one. */
export const redirectUri = (self: Client, requested: string): RedirectUri.RedirectUri | undefined =>
  self.metadata.redirect_uris.some((registered) => RedirectUri.matches(registered, requested))
    ? RedirectUri.RedirectUri.make(requested, true)
    : undefined

/**
 * Whether only the client itself can use a code that is sent to the redirect URI: it has a secret, or the URI is an https
 * URI. Any program can listen on loopback or claim a private-use scheme (RFC 8252 §8.6).
 */
export const canProveItself = (self: Client, requested: RedirectUri.RedirectUri): boolean =>
  isConfidential(self) || RedirectUri.target(requested)._tag === "Host"

/** Returns the client's name in a form that a page may show; its id if it has no such name. */
export const displayName = (self: Client): string => DisplayText.clean(self.metadata.client_name ?? "") || self.id

/**
 * Returns the client's web page if it is on the same host and port as the redirect URI; else `undefined`. A client can name
 * any page, but only a client that receives the code on that host has shown that it controls the host.
 *
 * Hosts are compared in the normal form of URLs (lower case, punycode, no default port). A subdomain, another port or a
 * trailing dot is another host, because it may have another owner. Loopback and private-use targets have no host with an
 * owner, though a private-use URI can contain one (`com.example.app://bank.example/`).
 */
export const website = (self: Client, redirectUri: RedirectUri.RedirectUri): string | undefined => {
  const target = RedirectUri.target(redirectUri)
  const { client_uri } = self.metadata
  if (client_uri === undefined || target._tag !== "Host") return undefined
  const { host, password, username } = new URL(client_uri)
  return host === target.host && username === "" && password === "" ? client_uri : undefined
}
