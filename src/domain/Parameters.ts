/**
 * The parameters of a request, as they were sent. A name may be repeated. A parameter without a value counts as not sent
 * (RFC 6749 §3.1, §3.2).
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidRequest, InvalidScope } from "./OAuthError.js"
import * as Scope from "./Scope.js"

/** Maximum number of parameters of a request. */
export const maxCount = 100

/** Each name with its values, in the order of the request. */
export interface Parameters {
  readonly values: ReadonlyMap<string, ReadonlyArray<string>>
}

/** Reads `application/x-www-form-urlencoded` text: a query without its `?`, or a body. */
export const parse = (text: string): Either.Either<Parameters, InvalidRequest> => fromEntries(new URLSearchParams(text))

/** Reads decoded names and values. */
export const fromEntries = (
  entries: Iterable<readonly [name: string, value: string]>
): Either.Either<Parameters, InvalidRequest> => {
  const values = new Map<string, Array<string>>()
  let count = 0
  for (const [name, value] of entries) {
    if (++count > maxCount) {
      return Either.left(new InvalidRequest({ reason: "TooManyParameters", description: "too many parameters" }))
    }
    // NUL and invalid UTF-8 could be stored or returned in another form than they were sent.
    if (value.includes("\0") || value.includes("\uFFFD")) return Either.left(malformed(name))
    if (value === "") continue
    const before = values.get(name)
    if (before === undefined) values.set(name, [value])
    else before.push(value)
  }
  return Either.right({ values })
}

/** Returns all values of a parameter that may be repeated. */
export const all = (self: Parameters, name: string): ReadonlyArray<string> => self.values.get(name) ?? []

/** Returns the value of a parameter that may not be repeated; fails if it is repeated (RFC 6749 §3.1). */
export const single = (self: Parameters, name: string): Either.Either<Option.Option<string>, InvalidRequest> => {
  const values = all(self, name)
  return values.length > 1 ? Either.left(repeated(name)) : Either.right(Option.fromNullable(values[0]))
}

/** Returns the first value of a parameter; `undefined` if it is missing. */
export const first = (self: Parameters, name: string): string | undefined => self.values.get(name)?.[0]

/** Returns the value of a required parameter; fails if it is missing or repeated. */
export const required = (self: Parameters, name: string): Either.Either<string, InvalidRequest> =>
  Either.flatMap(
    single(self, name),
    Either.fromOption(() => missing(name))
  )

/** Returns the text of a form field that a user may leave empty; `""` if it is missing. */
export const field = (self: Parameters, name: string): Either.Either<string, InvalidRequest> =>
  Either.map(
    single(self, name),
    Option.getOrElse(() => "")
  )

/** Reads the value of a `scope` parameter (RFC 6749 §3.3). */
export const scope = (text: string): Either.Either<Scope.Scope, InvalidScope> =>
  Either.fromOption(
    Scope.parse(text),
    () => new InvalidScope({ reason: "Malformed", description: "the scope is malformed" })
  )

/** Fails if a parameter is repeated that may not be (RFC 6749 §3.2). */
export const refuseRepeated = (
  self: Parameters,
  repeatable: ReadonlySet<string>
): Either.Either<void, InvalidRequest> => {
  for (const [name, values] of self.values) {
    if (values.length > 1 && !repeatable.has(name)) return Either.left(repeated(name))
  }
  return Either.void
}

// The client chooses the name, so the error repeats it only if it looks like a name.
const named = (name: string) => (/^[a-z_]{1,40}$/.test(name) ? ` ${name}` : "")

export const missing = (name: string) =>
  new InvalidRequest({ reason: "MissingParameter", description: `the parameter${named(name)} is missing` })

export const malformed = (name: string) =>
  new InvalidRequest({ reason: "MalformedParameter", description: `the parameter${named(name)} is malformed` })

export const repeated = (name: string) =>
  new InvalidRequest({ reason: "RepeatedParameter", description: `the parameter${named(name)} is repeated` })
