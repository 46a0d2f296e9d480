/** The errors that HTTP has and OAuth does not: see `OAuthError` for their fields. */
import * as Schema from "effect/Schema"
import { fields } from "./ErrorFields.js"

/** The body is larger than the maximum (RFC 9110 §15.5.14). */
export class RequestTooLarge extends Schema.TaggedError<RequestTooLarge>()("RequestTooLarge", fields("BodyTooLarge")) {}

/** The path exists, but not with this method (RFC 9110 §15.5.6). */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()(
  "MethodNotAllowed",
  fields("MethodNotAllowed")
) {}

/** The request names a host that is not the issuer's (RFC 9110 §15.5.20). */
export class MisdirectedRequest extends Schema.TaggedError<MisdirectedRequest>()(
  "MisdirectedRequest",
  fields("ForeignHost")
) {}

/** A form was not sent from one of the server's own pages (RFC 6749 §10.12). */
export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "Forbidden",
  fields("CrossSite", "ForgedForm", "RegistrationClosed", "ClientDisabled")
) {}

/** The admin or account API has no such object (RFC 9110 §15.5.5). */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", fields("Unknown")) {}

/** The change conflicts with the present state (RFC 9110 §15.5.10). */
export class Conflict extends Schema.TaggedError<Conflict>()(
  "Conflict",
  fields("NameTaken", "UriTaken", "ScopeTaken", "PublicClient", "ClientWithoutSecret", "SelfRegistered")
) {}

/** The client made too many requests, and may try again later (RFC 6585 §4). */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("TooManyRequests", {
  ...fields("LoginThrottled", "RateLimited"),
  /** Time until the client may try again, in whole seconds. */
  retryAfter: Schema.Number
}) {}

/** Every error that HTTP has and OAuth does not. */
export type HttpError =
  | RequestTooLarge
  | MethodNotAllowed
  | MisdirectedRequest
  | Forbidden
  | NotFound
  | Conflict
  | TooManyRequests
