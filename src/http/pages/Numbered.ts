/** Numbers the entries of a list that look the same. */

/**
 * Returns for each text its number among the equal texts, such as "2 of 3"; `undefined` for a text that is unique.
 *
 * @example
 * import { numbered } from "./Numbered.js"
 *
 * numbered(["a", "b", "a"]) // ["1 of 2", undefined, "2 of 2"]
 */
export const numbered = (texts: ReadonlyArray<string>): ReadonlyArray<string | undefined> => {
  const totals = new Map<string, number>()
  for (const text of texts) totals.set(text, (totals.get(text) ?? 0) + 1)
  const seen = new Map<string, number>()
  return texts.map((text) => {
    const number = (seen.get(text) ?? 0) + 1
    seen.set(text, number)
    const total = totals.get(text) ?? 1
    return total === 1 ? undefined : `${number} of ${total}`
  })
}
