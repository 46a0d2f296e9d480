/**
 * Checks names that strangers choose and pages show. A reader must see every character in its place: two names that look
 * the same must not differ in invisible characters, and no name may move or cover the text around it.
 */

/**
 * Maximum number of nonspacing marks on one letter. Hebrew with points, a vowel and an accent needs four. A higher stack
 * covers the lines above and below.
 */
const maxMarks = 4

/**
 * Characters that fonts do not draw, though Unicode does not call them ignorable: braille blank, the object
 * replacement character, null notehead, two blanks of Egyptian hieroglyphs, Khitan filler, Duployan letter selector.
 */
const blank = "\\u2800\\uFFFC\\u{1D159}\\u{13441}\\u{13442}\\u{16FE4}\\u{1BC9D}"

/** The kinds of characters that a name may not hold. The first kind that matches a character names it. */
const refused: ReadonlyArray<readonly [kind: string, pattern: RegExp]> = [
  ["a control character", /\p{Cc}/u],
  ["half of a surrogate pair", /\p{Cs}/u],
  ["a line break", /[\p{Zl}\p{Zp}]/u],
  ["a character that changes the direction of text", /\p{Bidi_Control}/u],
  ["an invisible character", /[\p{Default_Ignorable_Code_Point}\p{Cf}]/u],
  ["a blank character", new RegExp(`[${blank}]`, "u")],
  ["a private use character", /\p{Co}/u],
  ["an unassigned character", /\p{Cn}/u]
]

const hidden = new RegExp(`[\\p{C}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}${blank}]`, "u")
const allHidden = new RegExp(hidden.source, "gu")

const lineBreaks = /[\t-\r\u0085\p{Zl}\p{Zp}]/gu
const excessMarks = new RegExp(`(?<=[\\p{Mn}\\p{Me}]{${maxMarks}})[\\p{Mn}\\p{Me}]`, "u")
const allExcessMarks = new RegExp(excessMarks.source, "gu")
const spaces = /\p{Zs}+/gu
const visible = /[\p{L}\p{N}\p{P}\p{S}]/u

/** Returns a character in the notation of Unicode: `U+200B`. */
const codePoint = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/**
 * Returns why pages cannot show `text` as a name, as a predicate such as "holds U+200B, an invisible character";
 * `undefined` if they can. The text is ASCII, so that an `error_description` can hold it (RFC 6749 §5.2).
 */
export const objection = (text: string): string | undefined => {
  const [found] = hidden.exec(text) ?? []
  if (found !== undefined) {
    const [kind] = refused.find(([, pattern]) => pattern.test(found)) ?? ["a hidden character"]
    return `holds ${codePoint(found)}, ${kind}`
  }
  const [mark] = excessMarks.exec(text) ?? []
  if (mark !== undefined)
    return `holds more than ${maxMarks} combining marks on one letter, the next is ${codePoint(mark)}`
  return visible.test(text) ? undefined : "holds nothing that can be seen"
}

/**
 * Returns `text` without the characters that `objection` refuses, and with single spaces: for names that were stored before
 * names were checked, or that are not checked. Empty if no visible character is left.
 */
export const clean = (text: string): string => {
  const cleaned = text
    .replace(lineBreaks, " ")
    .replace(allHidden, "")
    .replace(allExcessMarks, "")
    .replace(spaces, " ")
    .trim()
  return visible.test(cleaned) ? cleaned : ""
}
