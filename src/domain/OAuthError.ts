/**
 * The ways in which a request fails: one class for each error code of the RFCs.
 *
 * `reason` is for the operator: a closed set, logged and counted. `description` is for the client, and never holds
 * what the client sent. Neither knows anything of HTTP: statuses and renderings are in `http/Wire`.
 */
import * as Schema from "effect/Schema"

const fields = <const Reasons extends ReadonlyArray<string>>(...reasons: Reasons) => ({
  reason: Schema.Literal(...reasons),
  description: Schema.String
})

/** A parameter is missing, malformed, repeated, or does not go with another (RFC 6749 §4.1.2.1, §5.2). */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>("latchkey/InvalidRequest")(
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

/** The body is larger than the server reads (RFC 9110 §15.5.14). */
export class RequestTooLarge extends Schema.TaggedError<RequestTooLarge>("latchkey/RequestTooLarge")(
  "RequestTooLarge",
  fields("BodyTooLarge")
) {}

/** The resource is there, the method is not (RFC 9110 §15.5.6). */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>("latchkey/MethodNotAllowed")(
  "MethodNotAllowed",
  fields("MethodNotAllowed")
) {}

/** The request names a host that is not the issuer's (RFC 9110 §15.5.20). */
export class MisdirectedRequest extends Schema.TaggedError<MisdirectedRequest>("latchkey/MisdirectedRequest")(
  "MisdirectedRequest",
  fields("ForeignHost")
) {}

/** A form came from elsewhere than our own page (RFC 6749 §10.12). */
export class Forbidden extends Schema.TaggedError<Forbidden>("latchkey/Forbidden")(
  "Forbidden",
  fields("CrossSite", "ForgedForm", "RegistrationClosed")
) {}

/** Client authentication failed, or the client is unknown (RFC 6749 §5.2). */
export class InvalidClient extends Schema.TaggedError<InvalidClient>("latchkey/InvalidClient")(
  "InvalidClient",
  fields(
    "UnknownClient",
    "Disabled",
    "WrongSecret",
    "ExpiredSecret",
    "MissingCredentials",
    "WrongMethod",
    "MalformedCredentials"
  )
) {}

/** The code or refresh token is unknown, spent, expired, revoked, or another client's (RFC 6749 §5.2). */
export class InvalidGrant extends Schema.TaggedError<InvalidGrant>("latchkey/InvalidGrant")(
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
export class InvalidScope extends Schema.TaggedError<InvalidScope>("latchkey/InvalidScope")(
  "InvalidScope",
  fields("Malformed", "NotOffered", "NotAllowed", "NotGranted", "NotPermitted")
) {}

/** The resource is unknown, malformed, or beyond what was granted (RFC 8707 §2). */
export class InvalidTarget extends Schema.TaggedError<InvalidTarget>("latchkey/InvalidTarget")(
  "InvalidTarget",
  fields("Malformed", "UnknownResource", "NotGranted", "TooManyResources", "NotAlone")
) {}

/** The client did not register this grant type or response type (RFC 6749 §5.2). */
export class UnauthorizedClient extends Schema.TaggedError<UnauthorizedClient>("latchkey/UnauthorizedClient")(
  "UnauthorizedClient",
  fields("GrantTypeNotRegistered")
) {}

/** The server has no such grant type (RFC 6749 §5.2). */
export class UnsupportedGrantType extends Schema.TaggedError<UnsupportedGrantType>("latchkey/UnsupportedGrantType")(
  "UnsupportedGrantType",
  fields("UnknownGrantType")
) {}

/** The server has no such response type (RFC 6749 §4.1.2.1). */
export class UnsupportedResponseType extends Schema.TaggedError<UnsupportedResponseType>(
  "latchkey/UnsupportedResponseType"
)("UnsupportedResponseType", fields("UnknownResponseType")) {}

/** The person said no (RFC 6749 §4.1.2.1). */
export class AccessDenied extends Schema.TaggedError<AccessDenied>("latchkey/AccessDenied")(
  "AccessDenied",
  fields("Denied", "NothingPermitted", "AccountDisabled", "SubjectTaken")
) {}

/** `prompt=none`, and nobody is logged in (OpenID Connect Core §3.1.2.6). */
export class LoginRequired extends Schema.TaggedError<LoginRequired>("latchkey/LoginRequired")(
  "LoginRequired",
  fields("NoSession")
) {}

/** `prompt=none`, and the person has not consented (OpenID Connect Core §3.1.2.6). */
export class ConsentRequired extends Schema.TaggedError<ConsentRequired>("latchkey/ConsentRequired")(
  "ConsentRequired",
  fields("NoConsent")
) {}

/** Request objects are not taken (OpenID Connect Core §3.1.2.6, RFC 9101 §7). */
export class RequestNotSupported extends Schema.TaggedError<RequestNotSupported>("latchkey/RequestNotSupported")(
  "RequestNotSupported",
  fields("RequestObject")
) {}

/** Request objects by reference are not taken, nor fetched (OpenID Connect Core §3.1.2.6, RFC 9101 §7). */
export class RequestUriNotSupported extends Schema.TaggedError<RequestUriNotSupported>(
  "latchkey/RequestUriNotSupported"
)("RequestUriNotSupported", fields("RequestUri")) {}

/** A redirect URI of a registration is not taken (RFC 7591 §3.2.2). */
export class InvalidRedirectUri extends Schema.TaggedError<InvalidRedirectUri>("latchkey/InvalidRedirectUri")(
  "InvalidRedirectUri",
  fields("Missing", "NotAllowed")
) {}

/** A member of a registration is not taken (RFC 7591 §3.2.2). */
export class InvalidClientMetadata extends Schema.TaggedError<InvalidClientMetadata>("latchkey/InvalidClientMetadata")(
  "InvalidClientMetadata",
  fields("NotAnObject", "MalformedMember", "UnreadableName", "Inconsistent", "Unsupported", "MisspeltScope")
) {}

/** There is no access token: a challenge without an error code (RFC 6750 §3.1). */
export class MissingToken extends Schema.TaggedError<MissingToken>("latchkey/MissingToken")(
  "MissingToken",
  fields("NoAuthorization")
) {}

/** The access token is malformed, expired, revoked, or for another resource (RFC 6750 §3.1). */
export class InvalidToken extends Schema.TaggedError<InvalidToken>("latchkey/InvalidToken")(
  "InvalidToken",
  fields("Malformed", "Unknown", "Expired", "Revoked", "GrantMissing", "WrongAudience")
) {}

/** The access token has too little scope for the operation (RFC 6750 §3.1). */
export class InsufficientScope extends Schema.TaggedError<InsufficientScope>("latchkey/InsufficientScope")(
  "InsufficientScope",
  {
    ...fields("ScopeMissing", "WrongPrincipal"),
    /** All that the operation needs. */ required: Schema.Array(Schema.String)
  }
) {}

/** The server is busy or its store is failing: try again, and keep what you hold (RFC 6749 §4.1.2.1). */
export class TemporarilyUnavailable extends Schema.TaggedError<TemporarilyUnavailable>(
  "latchkey/TemporarilyUnavailable"
)("TemporarilyUnavailable", {
  ...fields("StoreBusy", "StoreFailed", "KeysUnavailable", "HashingBusy", "ClockOff"),
  /** For the operator's log, never for the wire. */
  cause: Schema.optional(Schema.Defect)
}) {}

/** The API of this server's own has no such thing (RFC 9110 §15.5.5). */
export class NotFound extends Schema.TaggedError<NotFound>("latchkey/NotFound")("NotFound", fields("Unknown")) {}

/** What is asked for stands against what is there already (RFC 9110 §15.5.10). */
export class Conflict extends Schema.TaggedError<Conflict>("latchkey/Conflict")(
  "Conflict",
  fields("NameTaken", "UriTaken", "ScopeTaken", "PublicClient", "SelfRegistered")
) {}

/** Too many requests of late: come back after a while (RFC 6585 §4). */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>("latchkey/TooManyRequests")(
  "TooManyRequests",
  {
    ...fields("LoginThrottled", "RateLimited"),
    /** Whole seconds. */
    retryAfter: Schema.Number
  }
) {}

/** A fault of ours, or of a layer of the user's; the log holds the rest under the same id (RFC 6749 §4.1.2.1). */
export class ServerError extends Schema.TaggedError<ServerError>("latchkey/ServerError")(
  "ServerError",
  fields("Defect")
) {}

/** Every error that Latchkey answers with. */
export type OAuthError =
  | InvalidRequest
  | RequestTooLarge
  | MethodNotAllowed
  | MisdirectedRequest
  | Forbidden
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
  | MissingToken
  | InvalidToken
  | InsufficientScope
  | NotFound
  | Conflict
  | TemporarilyUnavailable
  | TooManyRequests
  | ServerError
