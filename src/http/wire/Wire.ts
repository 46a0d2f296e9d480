/**
 * The one table that knows how an error looks on the wire, and its three renderings: JSON (RFC 6749 §5.2), a redirect
 * (§4.1.2.1), and a challenge (RFC 6750 §3, RFC 9728 §5.1).
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
  // A request without a token is told what it needs, and no error (RFC 6750 §3.1).
  MissingToken: { error: undefined, status: 401 },
  InvalidToken: { error: "invalid_token", status: 401 },
  InsufficientScope: { error: "insufficient_scope", status: 403 },
  NotFound: { error: "not_found", status: 404 },
  Conflict: { error: "conflict", status: 409 },
  TemporarilyUnavailable: { error: "temporarily_unavailable", status: 503 },
  TooManyRequests: { error: "temporarily_unavailable", status: 429 },
  ServerError: { error: "server_error", status: 500 }
} as const satisfies Record<OAuthError["_tag"], { readonly error: string | undefined; readonly status: number }>

/** Whether a thing that was thrown is one of the errors of this table. */
export const isOAuthError = (error: unknown): error is OAuthError =>
  Predicate.hasProperty(error, "_tag") &&
  typeof error._tag === "string" &&
  Object.hasOwn(wire, error._tag) &&
  "reason" in error

/** The status of an error. */
export const status = (error: OAuthError): number => wire[error._tag].status

/** What `error_description` may hold (RFC 6749 §5.2): printable ASCII without quotes and backslashes. */
const describe = (error: OAuthError): string => error.description.replace(/[^\x20-\x21\x23-\x5B\x5D-\x7E]/g, "")

/** Headers of every answer that may carry a credential, or be about one (RFC 6749 §5.1). */
export const noStore = { "cache-control": "no-store", pragma: "no-cache" } as const

/** The body is of the type that its header names, whatever a browser finds in it (Fetch Standard §3.6). */
export const noSniff = { "x-content-type-options": "nosniff" } as const

/** Browsers come back by https only, where the issuer is https (RFC 6797 §6.1). */
export const strictTransport = (issuer: Issuer.Issuer): Readonly<Record<string, string>> =>
  Issuer.isSecure(issuer) ? { "strict-transport-security": "max-age=31536000" } : {}

/** A value as a quoted-string of RFC 9110 §5.6.4; what could not stand in a header is left out. */
export const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7E]/g, "").replace(/(["\\])/g, "\\$1")}"`

/** The members of an error in a body or a URL (RFC 6749 §5.2). */
export const members = (error: OAuthError): Readonly<Record<string, string>> => {
  const code = wire[error._tag].error
  return code === undefined ? {} : { error: code, error_description: describe(error) }
}

/** When to come back, where that is known (RFC 9110 §10.2.3). */
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

/** The error as JSON (RFC 6749 §5.2). A client that failed to authenticate is always challenged. */
export const toJson = (error: OAuthError, issuer: Issuer.Issuer): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(members(error), {
    status: status(error),
    headers: {
      ...noStore,
      ...noSniff,
      ...(error._tag === "InvalidClient" ? { "www-authenticate": `Basic realm=${quoted(issuer)}` } : {}),
      ...retryAfter(error),
      ...(error._tag === "RequestTooLarge" ? { connection: "close" } : {})
    }
  })

/** Where an authorization response goes, with `state` and `iss` (RFC 6749 §4.1.2, RFC 9207 §2). */
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

/** Where an error response of the authorization endpoint goes (RFC 6749 §4.1.2.1). */
export const errorUri = (
  replyTo: Pick<ReplyAddress, "redirectUri" | "state">,
  error: OAuthError,
  issuer: Issuer.Issuer
): string => responseUri(replyTo, issuer, members(error))

/** What a challenge names: the resource's metadata, and the scope that the operation needs. */
export interface Challenge {
  readonly resourceMetadata: string
  readonly scope: ReadonlyArray<string>
}

/** The error as a bearer challenge (RFC 6750 §3), the header that MCP clients start from. */
export const toChallenge = (
  error: OAuthError,
  { resourceMetadata, scope }: Challenge
): HttpServerResponse.HttpServerResponse => {
  const attributes = Object.entries({
    ...members(error),
    ...(scope.length > 0 ? { scope: scope.join(" ") } : {}),
    resource_metadata: resourceMetadata
  })
  return HttpServerResponse.unsafeJson(members(error), {
    status: status(error),
    headers: {
      ...noStore,
      ...noSniff,
      "www-authenticate": `Bearer ${attributes.map(([name, value]) => `${name}=${quoted(value)}`).join(", ")}`,
      "access-control-expose-headers": "WWW-Authenticate, X-Request-Id"
    }
  })
}
