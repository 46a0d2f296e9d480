/**
 * Finds the name that was probably meant, for errors about a name that does not exist.
 *
 * @example
 * nearest("notes:raed", ["notes:read", "notes:write"]) // "notes:read"
 */

/** Minimum number of characters to insert, delete or replace that makes one text the other (Levenshtein distance). */
export const distance = (one: string, other: string): number => {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [row, letter] of Array.from(one).entries()) {
    const current = [row + 1]
    for (const [column, there] of Array.from(other).entries()) {
      current.push(
        Math.min(
          (previous[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          (previous[column] ?? 0) + (letter === there ? 0 : 1)
        )
      )
    }
    previous = current
  }
  return previous[other.length] ?? 0
}

/**
 * The name among `known` that is most like `name`, or undefined where none is alike: at most a third of its characters
 * may differ.
 */
export const nearest = (name: string, known: ReadonlyArray<string>): string | undefined => {
  const [best] = known
    .map((candidate) => ({ candidate, away: distance(name, candidate) }))
    .sort((one, other) => one.away - other.away)
  return best !== undefined && best.away <= Math.ceil(best.candidate.length / 3) ? best.candidate : undefined
}
