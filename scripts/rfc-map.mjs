/**
 * Collects where the sources and tests cite a section of an RFC ("RFC 6749 §4.1.2", "RFC 7591 §2 and §3.2.1",
 * "OAuth 2.1 §4.1", "RFC 7636 Appendix B") into `docs/rfc-map.md`. In `src` the comments count, in `test` the comments
 * and the titles.
 *
 * Usage: `node scripts/rfc-map.mjs [--check] [root]`; with `--check` nothing is written, and a stale map exits 1.
 */
import ts from "typescript"
import { writeOrCheck } from "./lib/generated.mjs"
import { compare, sectionCell, titleOf } from "./lib/rfcs.mjs"
import { isEntryPoint, parse, typescriptFiles, walk } from "./lib/sources.mjs"

/** @typedef {{ readonly document: string, readonly section: string, readonly file: string, readonly line: number }} Citation */

const sectionPattern = String.raw`(?:§\s*\d+(?:\.\d+)*|Appendix\s+[A-Z](?:\.\d+)*)`
const citationPattern = new RegExp(
  String.raw`(RFC\s+\d{3,5}|OAuth\s+2\.1),?\s+(${sectionPattern}(?:\s*(?:,|and|or|,\s*and|to)\s*${sectionPattern})*)`,
  "g"
)

/**
 * The citations in a text, each with its offset. A citation may go on after the line break of a comment.
 *
 * @param {string} text
 */
const citationsIn = (text) => {
  const joined = text.replace(/\r?\n[ \t]*(?:\*(?!\/)|\/\/)?/g, (gap) => " ".repeat(gap.length))
  return [...joined.matchAll(citationPattern)].flatMap(({ index, 1: document = "", 2: sections = "" }) =>
    [...sections.matchAll(new RegExp(sectionPattern, "g"))].map(([section]) => ({
      document: document.replace(/\s+/, " "),
      section: section.replace(/§\s*/, "").replace(/\s+/, " "),
      offset: index
    }))
  )
}

/**
 * The pieces of a file that may cite: every comment and, where titles count, each text that is the first argument of a call.
 *
 * @param {ts.SourceFile} source
 * @param {boolean} withTitles
 */
const citingTexts = (source, withTitles) => {
  /** @type {Array<{ readonly text: string, readonly start: number }>} */
  const pieces = []
  /** @param {number} start @param {number} end */
  const add = (start, end) => pieces.push({ text: source.text.slice(start, end), start })

  // What stands before a token is white space and comments, nothing else.
  /** @param {ts.Node} node */
  const visitTokens = (node) => {
    const children = node.getChildren(source).filter((child) => !ts.isJSDoc(child))
    if (children.length === 0) add(node.getFullStart(), node.getStart(source))
    else children.forEach(visitTokens)
  }
  visitTokens(source)

  if (withTitles) {
    walk(source, (node) => {
      if (!ts.isCallExpression(node)) return
      const title = node.arguments[0]
      if (title && (ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) {
        add(title.getStart(source), title.getEnd())
      }
    })
  }
  return pieces
}

/**
 * The citations in the given files.
 *
 * @param {string} root
 * @param {ReadonlyArray<string>} files
 * @param {boolean} withTitles
 * @returns {Array<Citation>}
 */
const collect = (root, files, withTitles) =>
  files.flatMap((file) => {
    const source = parse(root, file)
    return citingTexts(source, withTitles).flatMap(({ text, start }) =>
      citationsIn(text).map(({ document, section, offset }) => ({
        document,
        section,
        file,
        line: source.getLineAndCharacterOfPosition(start + offset).line + 1
      }))
    )
  })

/**
 * The values of an iterable by key, in the order of the keys.
 *
 * @template A
 * @param {Iterable<A>} items
 * @param {(item: A) => string} key
 * @returns {Array<readonly [string, Array<A>]>}
 */
const groupBy = (items, key) => {
  /** @type {Map<string, Array<A>>} */
  const groups = new Map()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return [...groups].sort(([a], [b]) => compare(a, b))
}

/** @param {ReadonlyArray<Citation>} citations */
const places = (citations) =>
  groupBy(citations, (citation) => citation.file)
    .map(([file, found]) => {
      const lines = [...new Set(found.map((citation) => citation.line))].sort((a, b) => a - b)
      return `${file}:${lines.join(", ")}`
    })
    .join("<br>")

/**
 * The text of the map for the tree at `root`.
 *
 * @param {string} root
 */
export const render = (root) => {
  // The tests of the scripts cite sections only as samples.
  const testFiles = typescriptFiles(root, "test").filter((file) => !file.startsWith("test/scripts/"))
  const sources = collect(root, typescriptFiles(root, "src"), false)
  const tests = new Set(collect(root, testFiles, true))
  const documents = groupBy([...sources, ...tests], (citation) => citation.document).map(([document, cited]) => {
    const rows = groupBy(cited, (citation) => citation.section).map(([section, found]) => {
      const inSources = found.filter((citation) => !tests.has(citation))
      const inTests = found.filter((citation) => tests.has(citation))
      return `| ${sectionCell(document, section)} | ${places(inSources)} | ${places(inTests)} |`
    })
    return [`## ${titleOf(document)}`, "", "| Section | Sources | Tests |", "|---|---|---|", ...rows].join("\n")
  })
  return [
    "# Where each section of an RFC is answered",
    "Collected from the citations in the sources and tests by `npm run rfc-map`; do not edit.",
    ...documents
  ]
    .join("\n\n")
    .concat("\n")
}

if (isEntryPoint(import.meta.url)) writeOrCheck({ name: "rfc-map", file: "docs/rfc-map.md", render })
