/** The answer of the API where the requested object does not exist. */
import * as Effect from "effect/Effect"
import { NotFound } from "../../domain/HttpError.js"

/** Makes the error for an object that does not exist, or that was deleted. */
export const noSuch = (kind: string) => new NotFound({ reason: "Unknown", description: `there is no such ${kind}` })

/** Fails where a change found nothing to change. */
export const orNoSuch = <E, R>(kind: string, found: Effect.Effect<boolean, E, R>) =>
  Effect.flatMap(found, (found) => (found ? Effect.void : noSuch(kind)))
