/**
 * Scope: what an access token may be used for (RFC 6749 §3.3), a set of case-sensitive tokens.
 *
 * @example
 * import * as Scope from "latchkey/Scope"
 *
 * const granted = Scope.make("notes:read", "notes:write")
 * Scope.isSubset(Scope.make("notes:read"), granted) // true
 */
import type * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3). */
export const ScopeToken = Schema.String.pipe(Schema.pattern(/^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/))

/** At most this many tokens are read from one `scope` parameter; resources may offer more. */
export const maxTokens = 64

/** A set of scope tokens. Order means nothing, and a token given twice counts once. */
export type Scope = ReadonlySet<string>

/** The scope of no tokens. */
export const empty: Scope = new Set()

/** A scope of the given tokens. */
export const make = (...tokens: ReadonlyArray<string>): Scope => new Set(tokens)

/** A scope of the tokens of any iterable. */
export const fromIterable = (tokens: Iterable<string>): Scope => new Set(tokens)

const isScopeToken = Schema.is(ScopeToken)

/** The space-separated form of RFC 6749 §3.3; tokens stand in the order in which they were first given. */
export const FromString = Schema.transformOrFail(Schema.String, Schema.ReadonlySetFromSelf(Schema.String), {
  strict: true,
  decode: (text, _, ast) => {
    const tokens = text.split(" ")
    if (text === "") return ParseResult.succeed(empty)
    return tokens.every((token) => isScopeToken(token))
      ? ParseResult.succeed(new Set(tokens))
      : ParseResult.fail(new ParseResult.Type(ast, text, "not a scope (RFC 6749 §3.3)"))
  },
  encode: (scope) => ParseResult.succeed(format(scope))
})

const Requested = Schema.compose(
  Schema.String.pipe(Schema.filter((text) => text.split(" ", maxTokens + 1).length <= maxTokens)),
  FromString
)

/** Reads the space-separated form of a request; `Left` when it is not one, or of too many tokens. */
export const parse = (text: string): Either.Either<Scope, ParseResult.ParseError> =>
  Schema.decodeEither(Requested)(text)

/** The space-separated form of RFC 6749 §3.3. */
export const format = (self: Scope): string => Array.from(self).join(" ")

export const isEmpty = (self: Scope): boolean => self.size === 0

/** Whether every token of `self` is in `that`; tokens are compared byte for byte, never by prefix. */
export const isSubset = (self: Scope, that: Scope): boolean => Array.from(self).every((token) => that.has(token))

export const equals = (self: Scope, that: Scope): boolean => self.size === that.size && isSubset(self, that)

/** The tokens of `self` that are also in `that`, in the order of `self`. */
export const intersection = (self: Scope, that: Scope): Scope =>
  new Set(Array.from(self).filter((token) => that.has(token)))

export const union = (self: Scope, that: Scope): Scope => new Set([...self, ...that])

/** The tokens of `self` that are not in `that`. */
export const difference = (self: Scope, that: Scope): Scope =>
  new Set(Array.from(self).filter((token) => !that.has(token)))
