/**
 * The scope of an access token (RFC 6749 §3.3): a set of case-sensitive tokens.
 *
 * @example
 * import * as Scope from "latchkey/Scope"
 *
 * const granted = Scope.make("notes:read", "notes:write")
 * Scope.isSubset(Scope.make("notes:read"), granted) // true
 */
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

const scopeToken = /^[\x21\x23-\x5B\x5D-\x7E]{1,128}$/

/** scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) (RFC 6749 §3.3). */
export const ScopeToken = Schema.String.pipe(Schema.pattern(scopeToken))

/** Maximum number of tokens in one `scope` parameter. Resources may offer more. */
export const maxTokens = 64

/** A set of scope tokens. Their order has no meaning, and a repeated token counts once. */
export type Scope = ReadonlySet<string>

/** The scope without tokens. */
export const empty: Scope = new Set()

/** Returns a scope of the given tokens. */
export const make = (...tokens: ReadonlyArray<string>): Scope => new Set(tokens)

/** Returns a scope of the tokens of an iterable. */
export const fromIterable = (tokens: Iterable<string>): Scope => new Set(tokens)

/** The space-separated form of RFC 6749 §3.3. Tokens are in the order in which they were added first. */
export const FromString = Schema.transformOrFail(Schema.String, Schema.ReadonlySetFromSelf(Schema.String), {
  strict: true,
  decode: (text, _, ast) => {
    const tokens = text.split(" ")
    if (text === "") return ParseResult.succeed(empty)
    return tokens.every((token) => scopeToken.test(token))
      ? ParseResult.succeed(new Set(tokens))
      : ParseResult.fail(new ParseResult.Type(ast, text, "not a scope (RFC 6749 §3.3)"))
  },
  encode: (scope) => ParseResult.succeed(format(scope))
})

/** Reads the space-separated form of a request; `None` if it is malformed or has too many tokens. */
export const parse = (text: string): Option.Option<Scope> => {
  if (text === "") return Option.some(empty)
  const tokens = text.split(" ", maxTokens + 1)
  return tokens.length <= maxTokens && tokens.every((token) => scopeToken.test(token))
    ? Option.some(new Set(tokens))
    : Option.none()
}

/** Returns the space-separated form of RFC 6749 §3.3. */
export const format = (self: Scope): string => Array.from(self).join(" ")

export const isEmpty = (self: Scope): boolean => self.size === 0

/** Whether every token of `self` is in `that`. Tokens are compared byte for byte, never by prefix. */
export const isSubset = (self: Scope, that: Scope): boolean => Array.from(self).every((token) => that.has(token))

export const equals = (self: Scope, that: Scope): boolean => self.size === that.size && isSubset(self, that)

/** Returns the tokens of `self` that are also in `that`, in the order of `self`. */
export const intersection = (self: Scope, that: Scope): Scope =>
  new Set(Array.from(self).filter((token) => that.has(token)))

export const union = (self: Scope, that: Scope): Scope => new Set([...self, ...that])

/** Returns the tokens of `self` that are not in `that`. */
export const difference = (self: Scope, that: Scope): Scope =>
  new Set(Array.from(self).filter((token) => !that.has(token)))
