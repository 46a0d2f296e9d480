/** The headers of a request of any framework. */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AuthorizationHeader from "../../http/wire/AuthorizationHeader.js"

/** The headers of a request of the Fetch standard or of node:http. */
export interface Headed {
  readonly headers: Headers | Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** The raw headers of node:http. Only they show a second Authorization header. */
  readonly rawHeaders?: ReadonlyArray<string>
}

/** `instanceof` would miss the class of a framework that brings its own. */
const isHeaders = (headers: Headed["headers"]): headers is Headers => typeof headers.get === "function"

/** Returns a header, whose name is in lower case. Several values are joined, as the Fetch standard does. */
export const get = ({ headers, rawHeaders }: Headed, name: string): string | undefined => {
  if (isHeaders(headers)) return headers.get(name) ?? undefined
  // The headers of node:http have names in lower case.
  const found = headers[name]
  if (rawHeaders !== undefined && typeof found === "string") return found
  const values = Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? (value ?? []) : []))
  return values.length === 0 ? undefined : values.join(", ")
}

/** Returns the request as a guard reads it. */
export const carrierOf = (request: Headed) => ({
  headers: { authorization: get(request, "authorization") },
  source: request
})

/** Returns the access token of a request that has passed a guard. */
export const tokenOf = (request: Headed): string => {
  const token = AuthorizationHeader.bearer(carrierOf(request))
  return Either.isRight(token) && Option.isSome(token.right) ? Redacted.value(token.right.value) : ""
}
