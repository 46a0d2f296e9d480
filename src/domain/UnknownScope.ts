/**
 * Scope tokens that no resource offers, as guards and clients may name them by mistake.
 *
 * @example
 * UnknownScope.find(["notes:raed"], Scope.make("notes:read"))
 * // [{ token: "notes:raed", nearest: "notes:read" }]
 */
import type * as Scope from "./Scope.js"
import * as SimilarName from "./SimilarName.js"

/** A token that is not offered. */
export interface UnknownScope {
  readonly token: string
  /** The offered token that it may be a misspelling of. */
  readonly nearest: string | undefined
}

/** The tokens that are not among the offered ones. */
export const find = (tokens: Iterable<string>, offered: Scope.Scope): ReadonlyArray<UnknownScope> =>
  Array.from(tokens)
    .filter((token) => !offered.has(token))
    .map((token) => ({ token, nearest: SimilarName.nearest(token, offered) }))

/** The token, and what may be meant: `"notes:raed" (did you mean "notes:read"?)`. */
export const format = ({ nearest, token }: UnknownScope): string =>
  nearest === undefined ? `"${token}"` : `"${token}" (did you mean "${nearest}"?)`
