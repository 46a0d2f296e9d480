/**
 * The only place that maps an error to a status, a code and headers, and renders it: as JSON (RFC 6749 §5.2), as a redirect
 * (§4.1.2.1), and as a challenge (RFC 6750 §3, RFC 9728 §5.1). `ApiErrors` derives schemas from it.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Issuer from "../../domain/Issuer.js"
import type { OAuthError } from "../../domain/OAuthError.js"
import * as RedirectUri from "../../domain/RedirectUri.js"

const wire = {
  InvalidRequest: { error: "invalid_request", status: 400 },
  RequestTooLarge: { error: "invalid_request", status: 413 },
  MethodNotAllowed: { error: "invalid_request", status: 405 },
  MisdirectedRequest: { error: "invalid_request", status: 421 },
  Forbidden: { error: "access_denied", status: 403 },
  InvalidClient: { error: "invalid_client", status: 401 },
  InvalidGrant: { error: "invalid_grant", status: 400 },
  InvalidScope: { error: "invalid_scope", status: 400 },
  InvalidTarget: { error: "invalid_target", status: 400 },
  UnauthorizedClient: { error: "unauthorized_client", status: 400 },
  UnsupportedGrantType: { error: "unsupported_grant_type", status: 400 },
  UnsupportedResponseType: { error: "unsupported_response_type", status: 400 },
  AccessDenied: { error: "access_denied", status: 403 },
  LoginRequired: { error: "login_required", status: 403 },
  ConsentRequired: { error: "consent_required", status: 403 },
  RequestNotSupported: { error: "request_not_supported", status: 400 },
  RequestUriNotSupported: { error: "request_uri_not_supported", status: 400 },
  InvalidRedirectUri: { error: "invalid_redirect_uri", status: 400 },
  InvalidClientMetadata: { error: "invalid_client_metadata", status: 400 },
  InvalidSoftwareStatement: { error: "invalid_software_statement", status: 400 },
  UnapprovedSoftwareStatement: { error: "unapproved_software_statement", status: 400 },
  // The response to a request without a token names the scope, and no error (RFC 6750 §3.1).
  MissingToken: { error: undefined, status: 401 },
  InvalidToken: { error: "invalid_token", status: 401 },
  InsufficientScope: { error: "insufficient_scope", status: 403 },
  NotFound: { error: "not_found", status: 404 },
  Conflict: { error: "conflict", status: 409 },
  TemporarilyUnavailable: { error: "temporarily_unavailable", status: 503 },
  TooManyRequests: { error: "temporarily_unavailable", status: 429 },
  ServerError: { error: "server_error", status: 500 }
} as const satisfies Record<OAuthError["_tag"], { readonly error: string | undefined; readonly status: number }>

/** Returns true for an error of this table. */
export const isOAuthError = (error: unknown): error is OAuthError =>
  Predicate.hasProperty(error, "_tag") &&
  typeof error._tag === "string" &&
  Object.hasOwn(wire, error._tag) &&
  "reason" in error

/** Returns the status of an error. */
export const status = ({ _tag }: Pick<OAuthError, "_tag">): number => wire[_tag].status

/** Returns the code of the errors of a tag (`error` of RFC 6749 §5.2); `undefined` where the response has none. */
export const code = <Tag extends OAuthError["_tag"]>(tag: Tag): (typeof wire)[Tag]["error"] => wire[tag].error

/** Returns the description without the characters that `error_description` must not hold (RFC 6749 §5.2). */
export const description = (error: OAuthError): string =>
  error.description.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, "")

/** Headers of every response that may carry a credential, or concern one (RFC 6749 §5.1). */
export const noStore = { "cache-control": "no-store", pragma: "no-cache" } as const

/** The body has the type that its header names; a browser does not guess another one (Fetch Standard §3.6). */
export const noSniff = { "x-content-type-options": "nosniff" } as const

/** Makes browsers use https for the next year, if the issuer is https (RFC 6797 §6.1). */
export const strictTransport = (issuer: Issuer.Issuer): Readonly<Record<string, string>> =>
  Issuer.isSecure(issuer) ? { "strict-transport-security": "max-age=31536000" } : {}

/** Returns a value as a quoted-string (RFC 9110 §5.6.4), without the characters that a header cannot hold. */
export const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7E]/g, "").replace(/(["\\])/g, "\\$1")}"`

/** Returns the members of an error in a body or a URL (RFC 6749 §5.2). */
export const members = (error: OAuthError): Readonly<Record<string, string>> => {
  const found = code(error._tag)
  return found === undefined ? {} : { error: found, error_description: description(error) }
}

/** Returns `Retry-After` where the time of the next attempt is known (RFC 9110 §10.2.3). */
export const retryAfter = (error: OAuthError): Readonly<Record<string, string>> => {
  switch (error._tag) {
    case "TooManyRequests":
      return { "retry-after": String(error.retryAfter) }
    case "TemporarilyUnavailable":
      return { "retry-after": "1" }
    default:
      return {}
  }
}

/** Returns the attributes of a challenge as text: `realm="…", error="…"`. */
const attributesText = (attributes: Readonly<Record<string, string>>): string =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(", ")

/** Returns the challenge of an error of the server's own endpoints: for client authentication, or for a bearer token. */
const ownChallenge = (error: OAuthError, issuer: Issuer.Issuer): Readonly<Record<string, string>> => {
  switch (error._tag) {
    case "InvalidClient":
      return { "www-authenticate": `Basic realm=${quoted(issuer)}` }
    case "InvalidToken":
    case "MissingToken":
      return { "www-authenticate": `Bearer ${attributesText({ realm: issuer, ...members(error) })}` }
    default:
      return {}
  }
}

/**
 * Returns the headers of an error as JSON. A client that failed to authenticate always gets a challenge (RFC 6749 §5.2), and so
 * does one whose bearer token is missing or not valid (RFC 6750 §3).
 */
export const jsonHeaders = (error: OAuthError, issuer: Issuer.Issuer): Readonly<Record<string, string>> => ({
  ...noStore,
  ...noSniff,
  ...ownChallenge(error, issuer),
  ...retryAfter(error),
  ...(error._tag === "RequestTooLarge" ? { connection: "close" } : {})
})

/** A resource server's challenge: the URL of the resource's metadata, and the scope that the operation needs. */
export interface Challenge {
  readonly resourceMetadata: string
  readonly scope: ReadonlyArray<string>
}

/** Returns the headers of an error as a bearer challenge (RFC 6750 §3); MCP clients begin with this header. */
export const challengeHeaders = (
  error: OAuthError,
  { resourceMetadata, scope }: Challenge
): Readonly<Record<string, string>> => {
  const attributes = {
    ...members(error),
    ...(scope.length > 0 ? { scope: scope.join(" ") } : {}),
    resource_metadata: resourceMetadata
  }
  return {
    ...noStore,
    ...noSniff,
    "www-authenticate": `Bearer ${attributesText(attributes)}`,
    "access-control-expose-headers": "WWW-Authenticate, X-Request-Id"
  }
}

/**
 * Returns a response with a value as JSON. The body is a text, so that it is written together with the headers.
 * `HttpServerResponse.unsafeJson` takes five times as long.
 */
export const json = (
  value: unknown,
  { headers = {}, status = 200 }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {}
): HttpServerResponse.HttpServerResponse => {
  const text = JSON.stringify(value)
  const all: Record<string, string> = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text))
  }
  for (const name in headers) all[name] = headers[name] ?? ""
  return HttpServerResponse.raw(text, { status, headers: all })
}

/** Renders the members of an error as JSON under its status. */
export const toResponse = (
  error: OAuthError,
  headers: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse => json(members(error), { status: status(error), headers })

/** Renders an error as JSON (RFC 6749 §5.2). */
export const toJson = (error: OAuthError, issuer: Issuer.Issuer): HttpServerResponse.HttpServerResponse =>
  toResponse(error, jsonHeaders(error, issuer))

/** Renders an error as a bearer challenge (RFC 6750 §3). */
export const toChallenge = (error: OAuthError, challenge: Challenge): HttpServerResponse.HttpServerResponse =>
  toResponse(error, challengeHeaders(error, challenge))

/** Returns the URL of an authorization response, with `state` and `iss` (RFC 6749 §4.1.2, RFC 9207 §2). */
export const responseUri = (
  { redirectUri, state }: Pick<ReplyAddress, "redirectUri" | "state">,
  issuer: Issuer.Issuer,
  parameters: Readonly<Record<string, string>>
): string =>
  RedirectUri.withParameters(redirectUri, {
    ...parameters,
    ...Option.match(state, { onNone: () => ({}), onSome: (state) => ({ state: Redacted.value(state) }) }),
    iss: issuer
  })

/** Returns the URL of an error response of the authorization endpoint (RFC 6749 §4.1.2.1). */
export const errorUri = (
  replyTo: Pick<ReplyAddress, "redirectUri" | "state">,
  error: OAuthError,
  issuer: Issuer.Issuer
): string => responseUri(replyTo, issuer, members(error))
