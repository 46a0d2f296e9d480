/**
 * Errors as schemas of an `HttpApi`: their codes and statuses are those of `Wire`. Encoding an error returns its members and
 * does nothing else. A client that is derived from an API decodes them; since the reason of an error is not on the wire, a
 * decoded error has a reason that fits.
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import * as HttpErrors from "../../domain/HttpError.js"
import * as Errors from "../../domain/OAuthError.js"
import * as Wire from "./Wire.js"

/** The schema of the errors of a tag. `meaning` is for the OpenAPI document. */
const make = <A extends Errors.OAuthError, I>(
  self: Schema.Schema<A, I>,
  tag: Exclude<A["_tag"], "MissingToken">,
  meaning: string,
  read: (description: string) => A
) => {
  const error: string = Wire.code(tag)
  return Schema.transform(
    Schema.Struct({ error: Schema.Literal(error), error_description: Schema.String }).annotations({
      identifier: error
    }),
    Schema.typeSchema(self),
    {
      strict: true,
      decode: ({ error_description }) => read(error_description),
      encode: (refusal) => ({ error, error_description: Wire.description(refusal) })
    }
  ).annotations(HttpApiSchema.annotations({ status: Wire.status({ _tag: tag }), description: meaning }))
}

export const InvalidRequest = make(
  Errors.InvalidRequest,
  "InvalidRequest",
  "A part of the request is missing or malformed. The description names the part, and repeats nothing that was sent.",
  (description) => new Errors.InvalidRequest({ reason: "MalformedParameter", description })
)

export const RequestTooLarge = make(
  HttpErrors.RequestTooLarge,
  "RequestTooLarge",
  "The body is larger than the server reads.",
  (description) => new HttpErrors.RequestTooLarge({ reason: "BodyTooLarge", description })
)

export const InvalidClientMetadata = make(
  Errors.InvalidClientMetadata,
  "InvalidClientMetadata",
  "A member of the client's metadata is not accepted.",
  (description) => new Errors.InvalidClientMetadata({ reason: "MalformedMember", description })
)

export const InvalidRedirectUri = make(
  Errors.InvalidRedirectUri,
  "InvalidRedirectUri",
  "A redirect URI is not accepted.",
  (description) => new Errors.InvalidRedirectUri({ reason: "NotAllowed", description })
)

/** The response to a request without a token has no error code (RFC 6750 §3.1). */
export const MissingToken = Schema.transform(
  Schema.Struct({ error: Schema.optional(Schema.Never) }).annotations({ identifier: "missing_token" }),
  Schema.typeSchema(Errors.MissingToken),
  {
    strict: true,
    decode: () => new Errors.MissingToken({ reason: "NoAuthorization", description: "there is no access token" }),
    encode: () => ({})
  }
).annotations(
  HttpApiSchema.annotations({
    status: Wire.status({ _tag: "MissingToken" }),
    description:
      "There is no access token, or it is not valid for this resource. `WWW-Authenticate` says where to get one."
  })
)

export const InvalidToken = make(
  Errors.InvalidToken,
  "InvalidToken",
  "The access token is not valid for this resource. `WWW-Authenticate` says where to get one.",
  (description) => new Errors.InvalidToken({ reason: "Unknown", description })
)

export const InsufficientScope = make(
  Errors.InsufficientScope,
  "InsufficientScope",
  "The access token does not carry the scope that this operation needs, or is not of a kind that it accepts. `WWW-Authenticate` names the scope.",
  (description) => new Errors.InsufficientScope({ reason: "ScopeMissing", description, required: [] })
)

export const NotFound = make(
  HttpErrors.NotFound,
  "NotFound",
  "The requested object does not exist.",
  (description) => new HttpErrors.NotFound({ reason: "Unknown", description })
)

export const Conflict = make(
  HttpErrors.Conflict,
  "Conflict",
  "The request conflicts with an object that exists.",
  (description) => new HttpErrors.Conflict({ reason: "NameTaken", description })
)

export const TooManyRequests = make(
  HttpErrors.TooManyRequests,
  "TooManyRequests",
  "Too many requests: try again after `Retry-After`.",
  (description) => new HttpErrors.TooManyRequests({ reason: "RateLimited", description, retryAfter: 1 })
)

export const TemporarilyUnavailable = make(
  Errors.TemporarilyUnavailable,
  "TemporarilyUnavailable",
  "The server is busy: try again after `Retry-After`, with the same token.",
  (description) => new Errors.TemporarilyUnavailable({ reason: "StoreBusy", description })
)

export const ServerError = make(
  Errors.ServerError,
  "ServerError",
  "The server failed. Its log has the cause under the id of the request.",
  (description) => new Errors.ServerError({ reason: "Defect", description })
)

/** Every error of a guard. */
export const GuardRefusal = Schema.Union(
  InvalidRequest,
  MissingToken,
  InvalidToken,
  InsufficientScope,
  ServerError,
  TemporarilyUnavailable
)

/**
 * The same schema for an API whose router middleware renders its errors: the platform cannot encode them, and so passes them
 * on with their reasons. The OpenAPI document and derived clients do not change.
 */
export const decodeOnly = <A, I>(self: Schema.Schema<A, I>): Schema.Schema<A, I> => {
  const decoded = Schema.transformOrFail(Schema.encodedSchema(self), Schema.typeSchema(self), {
    strict: true,
    decode: (members) => ParseResult.decode(self)(members),
    encode: (_, __, ast, error) => ParseResult.fail(new ParseResult.Forbidden(ast, error, "the middleware renders it"))
  })
  return Schema.make(AST.annotations(decoded.ast, self.ast.annotations))
}
