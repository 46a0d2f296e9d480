/**
 * Clients (RFC 6749 §2) and their metadata under the names of RFC 7591 §2.
 */
import type * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Algorithm, ClientKeySet } from "./ClientKeySet.js"
import type { Digest } from "./Digest.js"
import * as DisplayText from "./DisplayText.js"
import { isLoopback } from "./Loopback.js"
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

/**
 * The method by which a client authenticates at the token endpoint (RFC 7591 §2): `none`, `client_secret_basic`,
 * `client_secret_post`, `private_key_jwt`, or a method of the app.
 */
export const AuthMethod = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_.:-]{1,100}$/))
export type AuthMethod = typeof AuthMethod.Type

/** A text that every store can hold: PostgreSQL has no NUL, and half a surrogate pair has no UTF-8. */
const Text = Schema.NonEmptyString.pipe(Schema.filter((text) => !/[\0\p{Cs}]/u.test(text) || "must be well-formed"))

/** The address of a web page, as the client names it: https only. The server never fetches it, and at most links to it. */
const WebPage = Text.pipe(
  Schema.maxLength(2048),
  Schema.filter((text) => Url.parse(text)?.protocol === "https:" || "must be an https URL")
)

/** The address of a client's keys: https, or http on loopback for a server on loopback. */
const KeysAddress = Text.pipe(
  Schema.maxLength(2048),
  Schema.filter((text) => {
    const url = Url.parse(text)
    if (url === undefined || url.username !== "" || url.password !== "" || text.includes("#")) return false
    return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url))
  })
)

const ShortText = Text.pipe(Schema.maxLength(200))

/** Whether a value can be stored as one of the client's contacts (RFC 7591 §2). */
export const isContact = Schema.is(ShortText)

/**
 * The metadata of a client, defaults included: the members that RFC 7591 §2 defines, and `application_type` of OpenID
 * Connect Registration §2, which MCP clients send. Other members are not stored.
 *
 * `scope` limits the scope that the client may request. A client that the operator did not create has no such limit and may request every
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
  application_type: Schema.optional(Schema.Literal("web", "native")),
  jwks: Schema.optional(ClientKeySet),
  jwks_uri: Schema.optional(KeysAddress),
  token_endpoint_auth_signing_alg: Schema.optional(Algorithm),
  /** A verified statement about the software (RFC 7591 §2.3). Other members repeat its claims. */
  software_statement: Schema.optional(Text)
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

/**
 * The source of a client's metadata: the operator, the client itself (RFC 7591), whose metadata are unverified, or the
 * document whose URL is the client's id (client ID metadata documents), which only its host can publish.
 */
export const Origin = Schema.Literal("Operator", "Dynamic", "Document")
export type Origin = typeof Origin.Type

/** The operator's approval of a client that the operator did not create. */
export interface Approval {
  readonly at: DateTime.Utc
  /** Resources that users need not be asked about: they grant this client access by logging in. */
  readonly resources: ReadonlySet<Resource.ResourceIndicator>
}

/** A client of this server. */
export interface Client {
  readonly id: ClientId
  readonly issuedAt: DateTime.Utc
  readonly origin: Origin
  /** `None` for a client that the operator created, and for one that waits for the approval or needs none. */
  readonly approval: Option.Option<Approval>
  readonly metadata: ClientMetadata
  readonly secret: Option.Option<StoredSecret>
  /** A disabled client can do nothing, and its tokens are not valid. It can be enabled again. */
  readonly state: "Enabled" | "Disabled"
  /**
   * Time at which a user last allowed the client access, to within `usePrecision`; `None` if no user ever did. A client that
   * registers with an initial access token is in use from then on: the operator has admitted it (ADR 57).
   */
  readonly usedAt: Option.Option<DateTime.Utc>
  /** Raised to revoke everything that was ever issued to this client at once. */
  readonly epoch: number
  /**
   * Digest of the token with which the client reads, changes and deletes its own registration (RFC 7592 §1.2). `None` for a
   * client of the operator.
   */
  readonly registrationDigest: Option.Option<Digest>
}

/** Returns the client of a metadata document that is not stored yet. `now` is the time of the request. */
export const ofDocument = (id: ClientId, metadata: ClientMetadata, now: DateTime.Utc): Client => ({
  id,
  issuedAt: now,
  origin: "Document",
  approval: Option.none(),
  metadata,
  secret: Option.none(),
  state: "Enabled",
  usedAt: Option.none(),
  // Larger than every epoch of an earlier client of this id that was deleted.
  epoch: now.epochMillis,
  registrationDigest: Option.none()
})

/** Interval after a stored use in which further uses are not stored: the row of a client is written at most once a day. */
export const usePrecision = Duration.days(1)

/** Whether a use at `now` must be stored. */
export const isUseNew = (self: Client, now: DateTime.Utc): boolean =>
  Option.match(self.usedAt, { onNone: () => true, onSome: (usedAt) => !Time.isWithin(now, usedAt, usePrecision) })

/** Whether the client authenticates: by a secret, a key, or a method of the app (RFC 6749 §2.1). */
export const isConfidential = (self: Client): boolean => self.metadata.token_endpoint_auth_method !== "none"

/** Whether a method needs a secret that this server gives to the client. */
export const usesSecret = (method: AuthMethod): boolean =>
  method === "client_secret_basic" || method === "client_secret_post"

/** Whether the client authenticates by a secret. */
export const hasSecret = (self: Client): boolean => usesSecret(self.metadata.token_endpoint_auth_method)

/** Whether the client registered a grant type (RFC 7591 §2). */
export const mayUse = (self: Client, grantType: string): boolean => self.metadata.grant_types.includes(grantType)

/** Returns the part of an offered scope that the client may request. */
export const allowedScope = (self: Client, offered: Scope.Scope): Scope.Scope =>
  self.origin !== "Operator" ? offered : Scope.intersection(offered, self.metadata.scope ?? Scope.empty)

/**
 * Returns the scope that the client may request at a resource. The registered scope of a client of the operator names no
 * resource: it holds at each one that offers it, together with everything that it implies there.
 */
export const allowedAt = (self: Client, resource: Resource.Resource): Scope.Scope =>
  self.origin !== "Operator"
    ? Resource.scope(resource)
    : ScopeHierarchy.expand(Resource.hierarchy(resource), self.metadata.scope ?? Scope.empty)

/** Returns the scope that the client may request at each of some resources. */
export const allowed = (self: Client, resources: ReadonlyArray<Resource.Resource>): ResourceScopes.ResourceScopes =>
  ResourceScopes.make(...resources.map((resource) => [resource.uri, allowedAt(self, resource)] as const))

/** Returns the requested redirect URI if it matches a registered one. */
export const redirectUri = (self: Pick<Client, "metadata">, requested: string): RedirectUri.RedirectUri | undefined =>
  self.metadata.redirect_uris.some((registered) => RedirectUri.matches(registered, requested))
    ? RedirectUri.RedirectUri.make(requested, true)
    : undefined

/**
 * Whether only the client itself can use a code that is sent to the redirect URI: it authenticates, or the URI is an https
 * URI. Any program can listen on loopback or claim a private-use scheme (RFC 8252 §8.6).
 */
export const canProveItself = (self: Client, requested: RedirectUri.RedirectUri): boolean =>
  isConfidential(self) || RedirectUri.target(requested)._tag === "Host"

/**
 * Returns the client's name in a form that a page may show. A client without such a name has the host of its metadata
 * document, or its id.
 */
export const displayName = (self: Client): string =>
  DisplayText.clean(self.metadata.client_name ?? "") ||
  (self.origin === "Document" && Url.parse(self.id)?.host) ||
  self.id

/** The facts by which a user can judge who an app is. */
export interface Identity {
  readonly clientName: string
  /** `Dynamic` for an app that registered itself: the page calls it unverified. */
  readonly clientOrigin: Origin
  /** The host that publishes the app's metadata document; missing for an app without such a document. */
  readonly clientHost?: string | undefined
  /** Whether the operator approved the app. */
  readonly clientApproved?: boolean | undefined
}

/** The facts that are known of an app before its metadata document was read. */
export type KnownIdentity = { readonly [Fact in keyof Identity]?: Identity[Fact] | undefined }

/** Returns the facts by which a user can judge who the client is. */
export const identity = (self: Client): Identity => ({
  clientName: displayName(self),
  clientOrigin: self.origin,
  clientHost: self.origin === "Document" ? Url.parse(self.id)?.host : undefined,
  clientApproved: Option.isSome(self.approval)
})

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
