/**
 * The errors of the API, for its document and for clients that are derived from it. `ApiRoutes` renders them, so that it
 * alone logs and counts them and sets their headers.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { NotFound as NotFoundError } from "../../domain/HttpError.js"
import * as ApiErrors from "../wire/ApiErrors.js"

export const InvalidRequest = ApiErrors.decodeOnly(ApiErrors.InvalidRequest)
export const RequestTooLarge = ApiErrors.decodeOnly(ApiErrors.RequestTooLarge)
export const InvalidClientMetadata = ApiErrors.decodeOnly(ApiErrors.InvalidClientMetadata)
export const InvalidRedirectUri = ApiErrors.decodeOnly(ApiErrors.InvalidRedirectUri)
export const NotFound = ApiErrors.decodeOnly(ApiErrors.NotFound)
export const Conflict = ApiErrors.decodeOnly(ApiErrors.Conflict)
export const TemporarilyUnavailable = ApiErrors.decodeOnly(ApiErrors.TemporarilyUnavailable)

/** The errors of a guard, and of the limits, which count a request before a guard checks it. */
export const GuardFailure = Schema.Union(
  InvalidRequest,
  ApiErrors.decodeOnly(ApiErrors.MissingToken),
  ApiErrors.decodeOnly(ApiErrors.InvalidToken),
  ApiErrors.decodeOnly(ApiErrors.InsufficientScope),
  ApiErrors.decodeOnly(ApiErrors.TooManyRequests),
  ApiErrors.decodeOnly(ApiErrors.ServerError),
  TemporarilyUnavailable
)

/** The error for an object that does not exist, or that was deleted. */
export const noSuch = (kind: string) =>
  new NotFoundError({ reason: "Unknown", description: `there is no such ${kind}` })

/** Fails where a change found nothing to change. */
export const orNoSuch = <E, R>(kind: string, found: Effect.Effect<boolean, E, R>) =>
  Effect.flatMap(found, (found) => (found ? Effect.void : noSuch(kind)))
