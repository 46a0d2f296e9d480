/** The regular expressions of the sources, and a search for texts that take an expression too long. */
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { parse, typescriptFiles, walk } from "../../../scripts/lib/sources.mjs"

export interface Found {
  readonly where: string
  readonly regex: RegExp
}

const root = fileURLToPath(new URL("../../../", import.meta.url))

/** The literal regular expressions of all files in `src`. */
export const all = (): ReadonlyArray<Found> =>
  typescriptFiles(root, "src").flatMap((file) => {
    const found: Array<Found> = []
    walk(parse(root, file), (node) => {
      if (!ts.isRegularExpressionLiteral(node)) return
      const end = node.text.lastIndexOf("/")
      found.push({
        where: `${file}: ${node.text}`,
        regex: new RegExp(node.text.slice(1, end), node.text.slice(end + 1))
      })
    })
    return found
  })

/** The characters of an attack: those of the expression, and one of each common class. */
const alphabetOf = ({ source }: RegExp): ReadonlyArray<string> => [
  ...new Set([...source.replace(/\\[a-zA-Z]/g, ""), "a", "A", "0", " ", "\t", "\n", "_", "%", "é", "\ud800"])
]

/** Milliseconds of processor time for one text, the best of three. A busy machine does not change it. */
const timeOf = (regex: RegExp, text: string): number => {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3 && best > 5; i++) {
    regex.lastIndex = 0
    const before = process.cpuUsage()
    regex.test(text)
    const { system, user } = process.cpuUsage(before)
    best = Math.min(best, (system + user) / 1_000)
  }
  return best
}

/** Growing lengths, so that an expression of exponential time is found early. */
const lengths = [22, 28, 1_000, 8_000, 64 * 1024]

/** The text on which an expression takes longer than `limit` milliseconds; `undefined` if none was found. */
export const attack = ({ regex }: Found, limit: number): string | undefined => {
  const alphabet = alphabetOf(regex)
  // An attack must begin with the fixed prefix of the expression.
  const [, prefix = ""] = /^\^?((?:[\w/ :@-]|\\[/.-])*)(?![*+?{])/.exec(regex.source) ?? []
  for (const length of lengths) {
    for (const letter of alphabet) {
      for (const text of [letter.repeat(length), `${letter}a`.repeat(length / 2)]) {
        for (const end of ["", "!", "\0"]) {
          const attempt = prefix.replaceAll("\\", "") + text + end
          if (timeOf(regex, attempt) > limit) return attempt
        }
      }
    }
  }
  return undefined
}
