/**
 * The body of a request to the API: JSON of at most 64 KiB that names no member twice. The platform would read more, would
 * accept a form, and would answer a body that it cannot read with what it read.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { RequestTooLarge } from "../../domain/HttpError.js"
import { InvalidRequest } from "../../domain/OAuthError.js"
import * as Body from "../wire/Body.js"
import * as JsonText from "../wire/JsonText.js"

/** Names the member that a schema cannot read, and repeats nothing that was sent. */
export const malformed = (issues: ReadonlyArray<{ readonly path: ReadonlyArray<PropertyKey> }>): InvalidRequest => {
  const [name] = issues[0]?.path ?? []
  return new InvalidRequest({
    reason: "MalformedParameter",
    description: name === undefined ? "the request is malformed" : `${String(name)} is missing or malformed`
  })
}

/** Reads the body of a request by the schema of its endpoint. */
export const read = <A, I>(
  request: HttpServerRequest.HttpServerRequest,
  schema: Schema.Schema<A, I>
): Effect.Effect<A, InvalidRequest | RequestTooLarge> =>
  Body.json(request).pipe(
    Effect.flatMap(JsonText.parse),
    Effect.catchTag("InvalidClientMetadata", ({ description }) =>
      Effect.fail(new InvalidRequest({ reason: "MalformedParameter", description }))
    ),
    Effect.flatMap((json) =>
      Effect.mapError(Schema.decodeUnknown(schema)(json), (error) =>
        malformed(ParseResult.ArrayFormatter.formatErrorSync(error))
      )
    )
  )
