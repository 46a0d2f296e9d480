/**
 * The errors that a request ends with: one class for each error code of the OAuth RFCs. `HttpError` has those that HTTP
 * knows and OAuth does not.
 *
 * `reason` is for the operator: a closed set, logged and counted. `description` is for the client, and never holds
 * text that the client sent. Neither knows anything of HTTP: statuses and renderings are in `http/wire/Wire`.
 */
import * as Schema from "effect/Schema"
import { fields } from "./ErrorFields.js"
import type { HttpError } from "./HttpError.js"

/** A parameter is missing, malformed, repeated, or does not go with another (RFC 6749 §4.1.2.1, §5.2). */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()(
  "InvalidRequest",
  fields(
    "MissingParameter",
    "MalformedParameter",
    "RepeatedParameter",
    "TooManyParameters",
    "ParameterInQuery",
    "RepeatedHeader",
    "MalformedAuthorization",
    "UnsupportedMediaType",
    "SeveralCredentials",
    "CodeChallengeRequired",
    "CodeChallengeMethod"
  )
) {}

/** Client authentication failed, or the client is unknown (RFC 6749 §5.2). */
export class InvalidClient extends Schema.TaggedError<InvalidClient>()(
  "InvalidClient",
  fields(
    "UnknownClient",
    "Disabled",
    "WrongSecret",
    "ExpiredSecret",
    "MissingCredentials",
    "WrongMethod",
    "MalformedCredentials",
    "WrongCredentials",
    "UnknownAssertionType",
    "MalformedAssertion",
    "AssertionAlgorithm",
    "AssertionSubject",
    "AssertionAudience",
    "AssertionTime",
    "AssertionReplayed",
    "UnknownKey",
    "WrongSignature"
  )
) {}

/** The code or refresh token is unknown, used, expired, revoked, or another client's (RFC 6749 §5.2). */
export class InvalidGrant extends Schema.TaggedError<InvalidGrant>()(
  "InvalidGrant",
  fields(
    "Unknown",
    "Expired",
    "Revoked",
    "Replayed",
    "Duplicate",
    "WrongVerifier",
    "WrongClient",
    "Ahead",
    "ScopeTaken"
  )
) {}

/** The scope is unknown, malformed, or beyond what was granted (RFC 6749 §5.2). */
export class InvalidScope extends Schema.TaggedError<InvalidScope>()(
  "InvalidScope",
  fields("Malformed", "NotOffered", "NotAllowed", "NotGranted", "NotPermitted")
) {}

/** The resource is unknown, malformed, or beyond what was granted (RFC 8707 §2). */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>()(
  "InvalidTarget",
  fields("Malformed", "UnknownResource", "NotGranted", "TooManyResources", "NotAlone")
) {}

/** The client did not register this grant type or response type (RFC 6749 §5.2). */
export class UnauthorizedClient extends Schema.TaggedError<UnauthorizedClient>()(
  "UnauthorizedClient",
  fields("GrantTypeNotRegistered")
) {}

/** The server has no such grant type (RFC 6749 §5.2). */
export class UnsupportedGrantType extends Schema.TaggedError<UnsupportedGrantType>()(
  "UnsupportedGrantType",
  fields("UnknownGrantType")
) {}

/** The server has no such response type (RFC 6749 §4.1.2.1). */
export class UnsupportedResponseType extends Schema.TaggedError<UnsupportedResponseType>()(
  "UnsupportedResponseType",
  fields("UnknownResponseType")
) {}

/** The user denied the request (RFC 6749 §4.1.2.1). */
export class AccessDenied extends Schema.TaggedError<AccessDenied>()(
  "AccessDenied",
  fields("Denied", "NothingPermitted", "AccountDisabled", "SubjectTaken")
) {}

/** The request has `prompt=none`, and no user is logged in (OpenID Connect Core §3.1.2.6). */
export class LoginRequired extends Schema.TaggedError<LoginRequired>()("LoginRequired", fields("NoSession")) {}

/** The request has `prompt=none`, and the user has not consented (OpenID Connect Core §3.1.2.6). */
export class ConsentRequired extends Schema.TaggedError<ConsentRequired>()("ConsentRequired", fields("NoConsent")) {}

/** The server does not accept request objects (OpenID Connect Core §3.1.2.6, RFC 9101 §7). */
export class RequestNotSupported extends Schema.TaggedError<RequestNotSupported>()(
  "RequestNotSupported",
  fields("RequestObject")
) {}

/** The server neither accepts nor fetches request objects by reference (OpenID Connect Core §3.1.2.6, RFC 9101 §7). */
export class RequestUriNotSupported extends Schema.TaggedError<RequestUriNotSupported>()(
  "RequestUriNotSupported",
  fields("RequestUri")
) {}

/** A redirect URI of a registration is not accepted (RFC 7591 §3.2.2). */
export class InvalidRedirectUri extends Schema.TaggedError<InvalidRedirectUri>()(
  "InvalidRedirectUri",
  fields("Missing", "NotAllowed")
) {}

/** A member of a registration is not accepted (RFC 7591 §3.2.2). */
export class InvalidClientMetadata extends Schema.TaggedError<InvalidClientMetadata>()(
  "InvalidClientMetadata",
  fields(
    "NotAnObject",
    "MalformedMember",
    "UnreadableName",
    "UnusableKeys",
    "Inconsistent",
    "Unsupported",
    "MisspeltScope",
    "StatementRequired",
    "NotChangeable"
  )
) {}

/** The software statement of a registration is not valid (RFC 7591 §3.2.2). */
export class InvalidSoftwareStatement extends Schema.TaggedError<InvalidSoftwareStatement>()(
  "InvalidSoftwareStatement",
  fields("Malformed", "WrongSignature", "Expired", "Missing")
) {}

/** The issuer of the software statement is not one that this server trusts (RFC 7591 §3.2.2). */
export class UnapprovedSoftwareStatement extends Schema.TaggedError<UnapprovedSoftwareStatement>()(
  "UnapprovedSoftwareStatement",
  fields("UnknownIssuer")
) {}

/** The request has no access token: it gets a challenge without an error code (RFC 6750 §3.1). */
export class MissingToken extends Schema.TaggedError<MissingToken>()("MissingToken", fields("NoAuthorization")) {}

/** The token of the Authorization header is malformed, expired, revoked, or for something else (RFC 6750 §3.1). */
export class InvalidToken extends Schema.TaggedError<InvalidToken>()(
  "InvalidToken",
  fields("Malformed", "Unknown", "Expired", "Revoked", "GrantMissing", "WrongAudience", "UsedUp", "WrongClient")
) {}

/** The access token has too little scope for the operation (RFC 6750 §3.1). */
export class InsufficientScope extends Schema.TaggedError<InsufficientScope>()("InsufficientScope", {
  ...fields("ScopeMissing", "WrongPrincipal"),
  /** The whole scope that the operation needs. */ required: Schema.Array(Schema.String),
  /** The scope that the token has at the resource. The challenge names it, too, so that a new grant keeps it (step-up). */
  held: Schema.optional(Schema.Array(Schema.String))
}) {}

/** The server is busy or its store is failing. The client may try again, and its tokens stay valid (RFC 6749 §4.1.2.1). */
export class TemporarilyUnavailable extends Schema.TaggedError<TemporarilyUnavailable>()("TemporarilyUnavailable", {
  ...fields("StoreBusy", "StoreFailed", "KeysUnavailable", "ClientKeysUnavailable", "HashingBusy", "ClockOff"),
  /** For the operator's log, never for the wire. */
  cause: Schema.optional(Schema.Defect)
}) {}

/** The server, or a layer of the app, has a fault. The log has the details under the same id (RFC 6749 §4.1.2.1). */
export class ServerError extends Schema.TaggedError<ServerError>()("ServerError", fields("Defect")) {}

/** Every error that Latchkey answers a request with. */
export type OAuthError =
  | InvalidRequest
  | InvalidClient
  | InvalidGrant
  | InvalidScope
  | InvalidTarget
  | UnauthorizedClient
  | UnsupportedGrantType
  | UnsupportedResponseType
  | AccessDenied
  | LoginRequired
  | ConsentRequired
  | RequestNotSupported
  | RequestUriNotSupported
  | InvalidRedirectUri
  | InvalidClientMetadata
  | InvalidSoftwareStatement
  | UnapprovedSoftwareStatement
  | MissingToken
  | InvalidToken
  | InsufficientScope
  | TemporarilyUnavailable
  | ServerError
  | HttpError
