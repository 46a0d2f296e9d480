/**
 * Scope tokens that no resource offers: guards and clients may name them by mistake.
 *
 * @example
 * import * as Scope from "latchkey/Scope"
 * import * as UnknownScope from "./UnknownScope.js"
 *
 * UnknownScope.find(["notes:raed"], Scope.make("notes:read")) // [{ token: "notes:raed", nearest: "notes:read" }]
 */
import type * as Scope from "./Scope.js"
import * as SimilarName from "./SimilarName.js"

/** A token that no resource offers. */
export interface UnknownScope {
  readonly token: string
  /** The offered token of which it may be a misspelling. */
  readonly nearest: string | undefined
}

/** Returns the tokens that are not offered. */
export const find = (tokens: Iterable<string>, offered: Scope.Scope): ReadonlyArray<UnknownScope> =>
  Array.from(tokens)
    .filter((token) => !offered.has(token))
    .map((token) => ({ token, nearest: SimilarName.nearest(token, offered) }))

/** Returns the token with its suggestion: `"notes:raed" (did you mean "notes:read"?)`. */
export const format = ({ nearest, token }: UnknownScope): string =>
  nearest === undefined ? `"${token}"` : `"${token}" (did you mean "${nearest}"?)`
