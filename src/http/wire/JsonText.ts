/** Reads the JSON text of a request's body (RFC 8259). */
import * as Effect from "effect/Effect"
import { InvalidClientMetadata } from "../../domain/OAuthError.js"
import * as StrictJson from "../../domain/StrictJson.js"

const descriptions: Readonly<Record<StrictJson.Mistake, string>> = {
  NotJson: "the body is not JSON",
  RepeatedMember: "an object in the body names a member twice"
}

/** Returns the value of a JSON text. */
export const parse = (text: string): Effect.Effect<unknown, InvalidClientMetadata> =>
  Effect.mapError(
    StrictJson.parse(text),
    (mistake) => new InvalidClientMetadata({ reason: "NotAnObject", description: descriptions[mistake] })
  )
