/**
 * Generates `docs/security.md` from the tests of `test/security`. The answer to each check of the catalogue is a test that
 * holds, a decision against it, or the absence of its subject. The controls of each family follow.
 * Fails when a check of `test/security/catalogue.json` is missing or occurs twice, or when a family has no control.
 *
 * Usage: `node scripts/security.mjs [--check] [root]`; with `--check` nothing is written, and a stale document exits 1.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import ts from "typescript"
import { finish, writeOrCheck } from "./lib/generated.mjs"
import { isEntryPoint, parse, repository, typescriptFiles, walk } from "./lib/sources.mjs"

/**
 * @typedef {{ readonly id: string, readonly level: string, readonly title: string }} Check
 * @typedef {{ readonly kind: "check" | "otherwise" | "absent" | "control", readonly id: string, readonly title: string, readonly decision: string, readonly file: string }} Test
 */

const folder = "test/security"
const kinds = ["check", "otherwise", "absent", "control"]

/** @param {string} id */
const familyOf = (id) => id.replace(/-\d+$/, "")

/**
 * The values of the text constants of a file.
 *
 * @param {ts.SourceFile} source
 */
const constantsOf = (source) => {
  /** @type {Map<string, string>} */
  const constants = new Map()
  walk(source, (node) => {
    if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return
    if (ts.isStringLiteralLike(node.initializer)) constants.set(node.name.getText(), node.initializer.text)
  })
  return constants
}

/**
 * The tests of one file.
 *
 * @param {string} root
 * @param {string} file
 * @returns {Array<Test>}
 */
const testsOf = (root, file) => {
  const source = parse(root, file)
  const constants = constantsOf(source)
  /** @param {ts.Node} node */
  const textOf = (node) => (ts.isStringLiteralLike(node) ? node.text : (constants.get(node.getText()) ?? ""))
  /** @type {Array<Test>} */
  const tests = []
  walk(source, (node) => {
    if (!ts.isCallExpression(node)) return
    const kind = /** @type {Test["kind"]} */ (node.expression.getText())
    if (!kinds.includes(kind)) return
    const count = kind === "otherwise" ? 3 : 2
    const texts = node.arguments.slice(0, count).map(textOf)
    if (texts.length < count || texts.includes("")) {
      throw new Error(`${file}: the arguments of ${kind} are not texts of this file: ${node.getText().slice(0, 80)}`)
    }
    const [id = "", ...rest] = texts
    tests.push({ kind, id, file, title: rest.at(-1) ?? "", decision: rest.length > 1 ? (rest[0] ?? "") : "" })
  })
  return tests
}

/** @param {string} text */
const cell = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;")

/**
 * The test that answers one check: its own, or the one that shows that its whole family does not exist.
 *
 * @param {Check} check
 * @param {ReadonlyArray<Test>} tests
 */
const answerOf = ({ id }, tests) => {
  const own = tests.filter((test) => test.kind !== "control" && test.id === id)
  if (own.length > 1) throw new Error(`the check ${id} has ${own.length} tests`)
  const answer = own[0] ?? tests.find((test) => test.kind === "absent" && test.id === familyOf(id))
  if (answer === undefined) throw new Error(`the check ${id} has no test`)
  return answer
}

const answers = { check: "as expected", otherwise: "decided otherwise", absent: "not there yet", control: "" }

/**
 * @param {string} name
 * @param {ReadonlyArray<Check>} checks
 * @param {ReadonlyArray<Test>} tests
 */
const familyText = (name, checks, tests) => {
  const answered = checks.map((check) => ({ check, test: answerOf(check, tests) }))
  const controls = tests.filter(({ id, kind }) => kind === "control" && familyOf(id) === name)
  if (controls.length === 0 && answered.some(({ test }) => test.kind !== "absent")) {
    throw new Error(`the family ${name} has no control`)
  }
  const rows = answered.map(({ check, test }) => {
    const holds = test.kind === "absent" ? check.title : test.title
    const why = test.kind === "absent" && test.id === check.id ? test.title : test.decision
    const note = why === "" ? "" : `: ${why}`
    const file = `[${path.posix.basename(test.file)}](../${test.file})`
    return `| ${check.id} | ${check.level} | ${cell(holds)} | ${answers[test.kind]}${cell(note)} | ${file} |`
  })
  return [
    `## ${name}`,
    ["| Check | Level | Rule | Answer | Test |", "|---|---|---|---|---|", ...rows].join("\n"),
    ...(controls.length === 0
      ? []
      : ["Controls, which must fail:", controls.map(({ id, title }) => `- ${id} fails ${cell(title)}`).join("\n")])
  ].join("\n\n")
}

/**
 * The checks of the catalogue, and their tests.
 *
 * @param {string} root
 */
const read = (root) => {
  /** @type {ReadonlyArray<Check>} */
  const catalogue = JSON.parse(fs.readFileSync(path.join(root, folder, "catalogue.json"), "utf8"))
  const tests = typescriptFiles(root, folder)
    .filter((file) => file.endsWith(".test.ts"))
    .flatMap((file) => testsOf(root, file))
  const known = new Set(catalogue.flatMap(({ id }) => [id, familyOf(id)]))
  const unknown = tests.find(({ id }) => !known.has(id))
  if (unknown !== undefined) throw new Error(`${unknown.file}: the catalogue has no check ${unknown.id}`)
  return { catalogue, tests }
}

/**
 * A sentence with the number of checks for each answer.
 *
 * @param {string} root
 */
export const counts = (root) => {
  const { catalogue, tests } = read(root)
  const kindsOf = catalogue.map((check) => answerOf(check, tests).kind)
  /** @param {Test["kind"]} kind */
  const count = (kind) => kindsOf.filter((own) => own === kind).length
  const controls = tests.filter(({ kind }) => kind === "control").length
  return `${catalogue.length} checks: ${count("check")} hold as expected, ${count("otherwise")} are decided otherwise, ${count("absent")} are about things that do not exist yet; ${controls} controls fail as they must.`
}

/**
 * The text of the document for the tree at `root`.
 *
 * @param {string} root
 */
export const render = (root) => {
  const { catalogue, tests } = read(root)
  const names = [...new Set(catalogue.map(({ id }) => familyOf(id)))]
  return [
    "# Attacks and their tests",
    "Generated from `test/security` by `npm run security`; do not edit.",
    counts(root),
    "Each check attacks a server on a loopback port, with raw bytes if an HTTP client would correct the request. A control runs a check against a server whose protection is switched off; it passes only if the check fails.",
    ...names.map((name) =>
      familyText(
        name,
        catalogue.filter(({ id }) => familyOf(id) === name),
        tests
      )
    )
  ]
    .join("\n\n")
    .concat("\n")
}

/**
 * Writes or checks the document. Returns the exit code, and the counts with the line to print.
 *
 * @param {ReadonlyArray<string>} args
 */
export const main = (args) => {
  const root = args.find((arg) => !arg.startsWith("--")) ?? repository
  const { output, status } = writeOrCheck({ name: "security", file: "docs/security.md", render }, args)
  return { status, output: `${counts(root)}\n${output}` }
}

if (isEntryPoint(import.meta.url)) finish(main(process.argv.slice(2)))
