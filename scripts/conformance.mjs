/**
 * Generates `docs/conformance.md` from the tests of `test/conformance`: for each RFC, the rules with their tests, and the
 * requirements that are left out or answered otherwise, with the reason. A test is named `"§section rule [CHECK-01]"`. The
 * calls of `apart` list what is left out. The name of a file names its RFC.
 *
 * Usage: `node scripts/conformance.mjs [--check] [root]`; with `--check` nothing is written, and a stale table exits 1.
 */
import ts from "typescript"
import { finish, writeOrCheck } from "./lib/generated.mjs"
import { compare, sectionCell, titleOf } from "./lib/rfcs.mjs"
import { isEntryPoint, parse, typescriptFiles, walk } from "./lib/sources.mjs"

/**
 * @typedef {{ readonly section: string, readonly requirement: string, readonly checks: ReadonlyArray<string>, readonly note: string }} Row
 * @typedef {{ readonly document: string, readonly file: string, readonly tested: ReadonlyArray<Row>, readonly apart: ReadonlyArray<Row> }} Chapter
 */

const titlePattern = /^(§\d+(?:\.\d+)*|Appendix [A-Z]) (.+?)(?: \[([A-Z]+-\d+(?:, [A-Z]+-\d+)*)\])?$/

/**
 * "rfc6749.test.ts" is RFC 6749, and "oauth21.test.ts" is OAuth 2.1.
 *
 * @param {string} file
 */
const documentOf = (file) => {
  const number = /rfc(\d+)\.test\.ts$/.exec(file)?.[1]
  if (number !== undefined) return `RFC ${number}`
  if (file.endsWith("/oauth21.test.ts")) return "OAuth 2.1"
  throw new Error(`${file} is named after no RFC`)
}

/**
 * The rule that a call tests, if it is a test. A title of another form is an error: the table would lack the test.
 *
 * @param {ts.CallExpression} call
 * @param {string} file
 * @returns {Row | undefined}
 */
const testOf = (call, file) => {
  if (!["test", "it", "it.effect", "it.scoped"].includes(call.expression.getText())) return undefined
  const title = call.arguments[0]
  const text = title !== undefined && ts.isStringLiteralLike(title) ? title.text : ""
  const [, section, requirement, checks] = titlePattern.exec(text) ?? []
  if (section === undefined || requirement === undefined) {
    throw new Error(`${file}: "${text}" does not begin with its section`)
  }
  return { section: section.replace("§", ""), requirement, checks: checks?.split(", ") ?? [], note: "" }
}

/**
 * The rows of a call of `apart`: a list of objects whose members are texts.
 *
 * @param {ts.CallExpression} call
 * @returns {Array<Row>}
 */
const apartOf = (call) => {
  const [list] = call.arguments
  if (call.expression.getText() !== "apart" || list === undefined || !ts.isArrayLiteralExpression(list)) return []
  return list.elements.filter(ts.isObjectLiteralExpression).map((entry) => {
    const members = Object.fromEntries(
      entry.properties
        .filter(ts.isPropertyAssignment)
        .map(({ initializer, name }) => [name.getText(), ts.isStringLiteralLike(initializer) ? initializer.text : ""])
    )
    const { how = "", requirement = "", section = "", why = "" } = members
    return { section: section.replace("§", ""), requirement, checks: [], note: `${how}: ${why}` }
  })
}

/** @param {ReadonlyArray<Row>} rows */
const bySection = (rows) => [...rows].sort((a, b) => compare(a.section, b.section))

/**
 * @param {string} root
 * @param {string} file
 * @returns {Chapter}
 */
const chapterOf = (root, file) => {
  /** @type {Array<Row>} */
  const tested = []
  /** @type {Array<Row>} */
  const apart = []
  walk(parse(root, file), (node) => {
    if (!ts.isCallExpression(node)) return
    const row = testOf(node, file)
    if (row !== undefined) tested.push(row)
    apart.push(...apartOf(node))
  })
  return { document: documentOf(file), file, tested: bySection(tested), apart: bySection(apart) }
}

/** @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

/** @param {Chapter} chapter */
const chapterText = ({ apart, document, file, tested }) => {
  const tests = tested.map(
    ({ checks, requirement, section }) =>
      `| ${sectionCell(document, section)} | ${cell(requirement)} | ${checks.join(", ")} |`
  )
  const others = apart.map(
    ({ note, requirement, section }) => `| ${sectionCell(document, section)} | ${cell(requirement)} | ${cell(note)} |`
  )
  return [
    `## ${titleOf(document)}`,
    `Each line is a test with that name in [${file}](../${file}).`,
    ["| Section | Rule | Checks |", "|---|---|---|", ...tests].join("\n"),
    ...(others.length > 0
      ? ["Not tested:", ["| Section | Requirement | Reason |", "|---|---|---|", ...others].join("\n")]
      : [])
  ].join("\n\n")
}

/**
 * The checks of the catalogue that a conformance test names.
 *
 * @param {ReadonlyArray<Chapter>} chapters
 */
const checksText = (chapters) => {
  /** @type {Map<string, Set<string>>} */
  const documents = new Map()
  for (const { document, tested } of chapters) {
    for (const check of tested.flatMap(({ checks }) => checks)) {
      documents.set(check, (documents.get(check) ?? new Set()).add(document))
    }
  }
  const rows = [...documents]
    .sort(([a], [b]) => compare(a, b))
    .map(([check, where]) => `| ${check} | ${[...where].join(", ")} |`)
  return [
    "## Security checks",
    `The ${rows.length} checks of the catalogue of attacks that the tests above name. [security.md](security.md) has them all.`,
    ["| Check | Tested under |", "|---|---|", ...rows].join("\n")
  ].join("\n\n")
}

/**
 * The text of the document for the tree at `root`.
 *
 * @param {string} root
 */
export const render = (root) => {
  const chapters = typescriptFiles(root, "test/conformance")
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => chapterOf(root, file))
  const count = chapters.reduce((sum, { tested }) => sum + tested.length, 0)
  return [
    "# The requirements of the RFCs, and their tests",
    `Generated from \`test/conformance\` by \`npm run conformance\`; do not edit. ${count} tests over HTTP against a whole server.`,
    "If a security check and a decision of the project differ, the decision wins: such a line says *otherwise* and gives the reason.",
    ...chapters.map(chapterText),
    checksText(chapters)
  ]
    .join("\n\n")
    .concat("\n")
}

/**
 * Writes or checks the document. Returns the exit code and the line to print.
 *
 * @param {ReadonlyArray<string>} args
 */
export const main = (args) => writeOrCheck({ name: "conformance", file: "docs/conformance.md", render }, args)

if (isEntryPoint(import.meta.url)) finish(main(process.argv.slice(2)))
