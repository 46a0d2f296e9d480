/** How the API's errors look: `error` and `error_description`, as everywhere here (RFC 6749 §5.2); `http/Wire` renders them. */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as HttpErrors from "../../domain/HttpError.js"
import * as Errors from "../../domain/OAuthError.js"

/** The schema of an error by its code, for the document and for clients that are derived from it. */
const problem = <A extends Errors.OAuthError, I, const Code extends string>(
  self: Schema.Schema<A, I>,
  code: Code,
  status: number,
  description: string,
  fromWire: (description: string) => A
) =>
  Schema.transform(
    Schema.Struct({ error: Schema.Literal(code), error_description: Schema.String }).annotations({
      identifier: code,
      description
    }),
    Schema.typeSchema(self),
    {
      strict: true,
      decode: ({ error_description }) => fromWire(error_description),
      encode: (error) => ({ error: code, error_description: error.description })
    }
  ).annotations({ ...HttpApiSchema.annotations({ status }), description })

export const InvalidRequest = problem(
  Errors.InvalidRequest,
  "invalid_request",
  400,
  "Something in the request is missing or malformed. It is named; what was sent is not repeated.",
  (description) => new Errors.InvalidRequest({ reason: "MalformedParameter", description })
)

export const InvalidClientMetadata = problem(
  Errors.InvalidClientMetadata,
  "invalid_client_metadata",
  400,
  "A member of the client's metadata is not taken.",
  (description) => new Errors.InvalidClientMetadata({ reason: "MalformedMember", description })
)

export const InvalidRedirectUri = problem(
  Errors.InvalidRedirectUri,
  "invalid_redirect_uri",
  400,
  "A redirect URI is not taken.",
  (description) => new Errors.InvalidRedirectUri({ reason: "NotAllowed", description })
)

export const InvalidToken = problem(
  Schema.Union(Errors.InvalidToken, Errors.MissingToken),
  "invalid_token",
  401,
  "There is no access token, or it is not valid here. WWW-Authenticate says how to get one.",
  (description) => new Errors.InvalidToken({ reason: "Unknown", description })
)

export const InsufficientScope = problem(
  Errors.InsufficientScope,
  "insufficient_scope",
  403,
  "The access token is not for this: it lacks the scope, or is somebody else's kind of token.",
  (description) => new Errors.InsufficientScope({ reason: "ScopeMissing", description, required: [] })
)

export const NotFound = problem(
  HttpErrors.NotFound,
  "not_found",
  404,
  "There is no such thing.",
  (description) => new HttpErrors.NotFound({ reason: "Unknown", description })
)

export const Conflict = problem(
  HttpErrors.Conflict,
  "conflict",
  409,
  "It stands against what is there already.",
  (description) => new HttpErrors.Conflict({ reason: "NameTaken", description })
)

export const TooManyRequests = problem(
  HttpErrors.TooManyRequests,
  "temporarily_unavailable",
  429,
  "Too many requests: try again after Retry-After.",
  (description) => new HttpErrors.TooManyRequests({ reason: "RateLimited", description, retryAfter: 1 })
)

export const TemporarilyUnavailable = problem(
  Errors.TemporarilyUnavailable,
  "temporarily_unavailable",
  503,
  "The server is busy: try again after Retry-After.",
  (description) => new Errors.TemporarilyUnavailable({ reason: "StoreBusy", description })
)

export const ServerError = problem(
  Errors.ServerError,
  "server_error",
  500,
  "Something went wrong in the server; the incident is in its log.",
  (description) => new Errors.ServerError({ reason: "Defect", description })
)

/** There is no such thing, or not any more. */
export const noSuch = (kind: string) =>
  new HttpErrors.NotFound({ reason: "Unknown", description: `there is no such ${kind}` })

/** Nothing to answer, where there was something to change. */
export const orNoSuch = <E, R>(kind: string, found: Effect.Effect<boolean, E, R>) =>
  Effect.flatMap(found, (found) => (found ? Effect.void : noSuch(kind)))
