/**
 * The parameters of a request, as they came: a name may stand more than once, and a parameter without a value counts
 * as one that was not sent (RFC 6749 §3.1, §3.2).
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { InvalidRequest, InvalidScope } from "./OAuthError.js"
import * as Scope from "./Scope.js"

/** At most this many parameters are read. */
export const maxCount = 100

/** Name to its values, in the order in which they came. */
export interface Parameters {
  readonly values: ReadonlyMap<string, ReadonlyArray<string>>
}

/** Reads `application/x-www-form-urlencoded` text: a query without its `?`, or a body. */
export const parse = (text: string): Effect.Effect<Parameters, InvalidRequest> =>
  Effect.suspend(() => fromEntries(new URLSearchParams(text)))

/** Reads names and values that are decoded already. */
export const fromEntries = (
  entries: Iterable<readonly [name: string, value: string]>
): Effect.Effect<Parameters, InvalidRequest> =>
  Effect.suspend(() => {
    const values = new Map<string, Array<string>>()
    let count = 0
    for (const [name, value] of entries) {
      if (++count > maxCount) {
        return new InvalidRequest({ reason: "TooManyParameters", description: "too many parameters" })
      }
      // NUL and what was no UTF-8 could be stored or echoed differently from how it was sent.
      if (value.includes("\0") || value.includes("\uFFFD")) return malformed(name)
      if (value === "") continue
      const before = values.get(name)
      if (before === undefined) values.set(name, [value])
      else before.push(value)
    }
    return Effect.succeed({ values })
  })

/** All values of a parameter that may be repeated. */
export const all = (self: Parameters, name: string): ReadonlyArray<string> => self.values.get(name) ?? []

/** The value of a parameter that may not be repeated; fails when it was (RFC 6749 §3.1). */
export const single = (self: Parameters, name: string): Effect.Effect<Option.Option<string>, InvalidRequest> => {
  const values = all(self, name)
  return values.length > 1 ? repeated(name) : Effect.succeed(Option.fromNullable(values[0]))
}

/** The value of a parameter that must be there, once. */
export const required = (self: Parameters, name: string): Effect.Effect<string, InvalidRequest> =>
  Effect.flatMap(single(self, name), Option.match({ onNone: () => missing(name), onSome: Effect.succeed }))

/** The text of a field that may be left empty, as a person fills in a form: `""` where it is missing. */
export const field = (self: Parameters, name: string): Effect.Effect<string, InvalidRequest> =>
  Effect.map(
    single(self, name),
    Option.getOrElse(() => "")
  )

/** What a `scope` parameter asks for (RFC 6749 §3.3). */
export const scope = (text: string): Effect.Effect<Scope.Scope, InvalidScope> =>
  Effect.mapError(
    Scope.parse(text),
    () => new InvalidScope({ reason: "Malformed", description: "the scope is malformed" })
  )

/** Fails when any parameter is repeated, save those that may be (RFC 6749 §3.2). */
export const refuseRepeated = (
  self: Parameters,
  repeatable: ReadonlySet<string>
): Effect.Effect<void, InvalidRequest> => {
  for (const [name, values] of self.values) {
    if (values.length > 1 && !repeatable.has(name)) return repeated(name)
  }
  return Effect.void
}

// A name is the client's word: it is told back only where it looks like one.
const named = (name: string) => (/^[a-z_]{1,40}$/.test(name) ? ` ${name}` : "")

export const missing = (name: string) =>
  new InvalidRequest({ reason: "MissingParameter", description: `the parameter${named(name)} is missing` })

export const malformed = (name: string) =>
  new InvalidRequest({ reason: "MalformedParameter", description: `the parameter${named(name)} is malformed` })

export const repeated = (name: string) =>
  new InvalidRequest({ reason: "RepeatedParameter", description: `the parameter${named(name)} is repeated` })
