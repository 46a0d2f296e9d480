/**
 * Finds the name that is most similar to a misspelt one.
 *
 * @example
 * import * as SimilarName from "./SimilarName.js"
 *
 * SimilarName.nearest("notes:raed", ["notes:read", "notes:write"]) // "notes:read"
 */

/**
 * Returns the minimum number of edits that turn one text into the other: insert, delete or replace a letter, or swap two
 * neighbours (optimal string alignment distance).
 */
export const distance = (one: string, other: string): number => {
  const letters = { one: Array.from(one), other: Array.from(other) }
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: letters.other.length + 1 }, (_, column) => column)
  for (const [row, letter] of letters.one.entries()) {
    const current = [row + 1]
    for (const [column, there] of letters.other.entries()) {
      const isSwapped = row > 0 && letters.one[row - 1] === there && letters.other[column - 1] === letter
      current.push(
        Math.min(
          (last[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          (last[column] ?? 0) + (letter === there ? 0 : 1),
          isSwapped ? (beforeLast[column - 1] ?? 0) + 1 : Number.POSITIVE_INFINITY
        )
      )
    }
    beforeLast = last
    last = current
  }
  return last[letters.other.length] ?? 0
}

/** Maximum distance of a misspelt name. */
const maxDistance = 2

const withoutDigits = (name: string): string => name.replace(/\d+/g, "")

/** Whether names differ only in their numbers, as `v1` and `v2` do: then neither is a misspelling of the other. */
const isNumbered = (one: string, other: string): boolean =>
  /\d/.test(one) && /\d/.test(other) && withoutDigits(one) === withoutDigits(other)

/**
 * Returns the nearest candidate at a distance of at most two letters, and of less than half the length of the name. Upper and
 * lower case are equal. `undefined` if there is none.
 */
export const nearest = (name: string, candidates: Iterable<string>): string | undefined => {
  let found: { readonly name: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    if (isNumbered(name, candidate)) continue
    const between = distance(name.toLowerCase(), candidate.toLowerCase())
    if (between > maxDistance || 2 * between >= name.length) continue
    if (found === undefined || between < found.distance) found = { name: candidate, distance: between }
  }
  return found?.name
}
