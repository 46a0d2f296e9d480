/**
 * Checks the direction of the imports in `src`, and that time, randomness and `node:crypto` stay in the files made for
 * them. Usage: `node scripts/check-arrows.mjs [root]`; exits 1 with one line for each violation.
 *
 * The arrows are `domain <- services <- http <- layers <- cli`, and `services <- testing`, which nothing imports.
 * Type-only imports count too: a type that points the wrong way is knowledge in the wrong place.
 */
import * as path from "node:path"
import ts from "typescript"
import { finish } from "./lib/generated.mjs"
import { isEntryPoint, repository, typescriptFiles, walk } from "./lib/sources.mjs"

/** The folders, innermost first: a file may import its own folder and those before it. */
const folders = ["domain", "services", "http", "layers", "cli"]

/** The room of the tests that are published: it knows what a port is, and nobody knows it. */
const testing = { name: "testing", mayImport: ["domain", "services", "testing"] }

/** The entry points: they may import anything, and nothing imports them. */
const entryPoints = new Set(["src/index.ts", "src/main.ts"])

/** The files in which the platform's clock, randomness and `node:crypto` may be used. */
const allowedImpure = new Set(["src/services/keys/Crypto.ts", "src/services/keys/Xaes256Gcm.ts"])

/** @typedef {{ readonly node: ts.Node, readonly specifier: string }} Import */

/**
 * The modules that a file names: imports, re-exports, `import()` (also in types) and `import x = require()`.
 *
 * @param {ts.SourceFile} source
 * @returns {Array<Import>}
 */
const importsOf = (source) => {
  /** @type {Array<Import>} */
  const found = []
  /** @param {ts.Node | undefined} node */
  const add = (node) => {
    if (node && ts.isStringLiteralLike(node)) found.push({ node, specifier: node.text })
  }
  walk(source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isExternalModuleReference(node)) add(node.expression)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0])
  })
  return found
}

/**
 * The file that a relative specifier means (`./Scope.js` is `Scope.ts`), relative to the root.
 *
 * @param {string} file
 * @param {string} specifier
 */
const target = (file, specifier) => path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, ".ts")

/** @param {string} file */
const folderOf = (file) => (file.startsWith("src/") ? file.split("/").slice(1, -1)[0] : undefined)

/**
 * Why `file` may not import `specifier`, or undefined when it may.
 *
 * @param {string} file
 * @param {string} specifier
 */
const refusal = (file, specifier) => {
  const folder = folderOf(file)
  if (!specifier.startsWith(".")) {
    if (specifier === "latchkey" || specifier.startsWith("latchkey/")) {
      return "a file of src may not import the package by its name"
    }
    return folder === "domain" && !/^effect(\/|$)/.test(specifier)
      ? `domain may import nothing but effect, not ${specifier}`
      : undefined
  }
  const imported = target(file, specifier)
  if (!imported.startsWith("src/")) return `src may not import ${imported}`
  if (entryPoints.has(imported)) return `nothing may import the entry point ${imported}`
  if (entryPoints.has(file)) return undefined
  const to = folderOf(imported) ?? ""
  if (folder === testing.name || to === testing.name) {
    return folder === testing.name && testing.mayImport.includes(to)
      ? undefined
      : `${folder} may not import ${to} (${imported})`
  }
  return folders.indexOf(to) > folders.indexOf(folder ?? "")
    ? `${folder} may not import ${to} (${imported})`
    : undefined
}

/**
 * The uses of the platform's clock, randomness and crypto. A binding of the file's own that happens to be called
 * `crypto` or `Date` is none: without a standard library the checker finds a symbol for those, and for globals nothing.
 *
 * @param {ts.SourceFile} source
 * @param {ts.TypeChecker} checker
 */
const impureUses = (source, checker) => {
  /** @type {Array<{ readonly node: ts.Node, readonly what: string }>} */
  const found = []

  /** @param {ts.Node} node @returns {string | undefined} */
  const globalName = (node) => {
    if (ts.isPropertyAccessExpression(node) && globalName(node.expression) === "globalThis") return node.name.text
    if (!ts.isIdentifier(node)) return undefined
    const symbol = checker.getSymbolAtLocation(node)
    return symbol?.declarations?.length ? undefined : node.text
  }

  /** @param {ts.Node} node @param {string | undefined} name @param {string} member */
  const useOf = (node, name, member) => {
    const impure =
      name === "crypto" || (name === "Date" && member === "now") || (name === "Math" && member === "random")
    if (impure) found.push({ node, what: `${name}.${member}` })
  }

  walk(source, (node) => {
    if (ts.isPropertyAccessExpression(node)) useOf(node, globalName(node.expression), node.name.text)
    else if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
      useOf(node, globalName(node.expression), node.argumentExpression.text)
    } else if (ts.isVariableDeclaration(node) && node.initializer && ts.isObjectBindingPattern(node.name)) {
      for (const element of node.name.elements) {
        useOf(node, globalName(node.initializer), (element.propertyName ?? element.name).getText(source))
      }
    } else if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && globalName(node.expression) === "Date") {
      found.push({ node, what: ts.isNewExpression(node) ? "new Date()" : "Date()" })
    }
  })
  for (const { node, specifier } of importsOf(source)) {
    if (specifier === "node:crypto" || specifier === "crypto") found.push({ node, what: specifier })
  }
  return found
}

/**
 * Cycles of a graph, each as a path that comes back to where it began: at least one when there is any.
 *
 * @param {ReadonlyMap<string, ReadonlySet<string>>} graph
 * @returns {Array<Array<string>>}
 */
const cyclesOf = (graph) => {
  /** @type {Array<Array<string>>} */
  const cycles = []
  /** @type {Set<string>} */
  const done = new Set()
  /** @type {Array<string>} */
  const trail = []
  /** @param {string} file */
  const visit = (file) => {
    const at = trail.indexOf(file)
    if (at >= 0) {
      cycles.push([...trail.slice(at), file])
      return
    }
    if (done.has(file)) return
    trail.push(file)
    for (const next of graph.get(file) ?? []) visit(next)
    trail.pop()
    done.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return cycles
}

/**
 * The files of `root/src` and what is wrong in them, one line each.
 *
 * @param {string} root
 */
export const check = (root) => {
  const files = typescriptFiles(root, "src")
  const program = ts.createProgram({
    rootNames: files.map((file) => path.join(root, file)),
    options: { noLib: true, noResolve: true, types: [] }
  })
  const checker = program.getTypeChecker()
  /** @type {Array<string>} */
  const violations = []
  /** @type {Map<string, Set<string>>} */
  const graph = new Map()

  for (const file of files) {
    const source = program.getSourceFile(path.join(root, file))
    if (!source) throw new Error(`cannot read ${file}`)
    /** @param {ts.Node} node @param {string} message */
    const report = (node, message) => {
      const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source))
      violations.push(`${file}:${line + 1}:${character + 1} ${message}`)
    }

    if (!entryPoints.has(file) && ![...folders, testing.name].includes(folderOf(file) ?? "")) {
      report(source, `belongs to none of ${[...folders, testing.name].map((folder) => `src/${folder}`).join(", ")}`)
    }
    const imports = importsOf(source)
    for (const { node, specifier } of imports) {
      const message = refusal(file, specifier)
      if (message) report(node, message)
    }
    const relative = imports.filter(({ specifier }) => specifier.startsWith("."))
    graph.set(file, new Set(relative.map(({ specifier }) => target(file, specifier))))
    if (!allowedImpure.has(file)) {
      for (const { node, what } of impureUses(source, checker)) {
        report(node, `${what} is used in ${[...allowedImpure].join(" and ")} only`)
      }
    }
  }
  for (const cycle of cyclesOf(graph)) violations.push(`import cycle: ${cycle.join(" -> ")}`)
  return { files, violations }
}

/**
 * Checks a tree. Returns the exit code and the text to print.
 *
 * @param {string} root
 */
export const main = (root) => {
  const { files, violations } = check(root)
  if (files.length === 0) return { status: 2, output: "check-arrows: there are no TypeScript files under src" }
  return violations.length > 0
    ? { status: 1, output: violations.join("\n") }
    : { status: 0, output: `arrows: ${files.length} files, every import points inwards` }
}

if (isEntryPoint(import.meta.url)) finish(main(process.argv[2] ?? repository))
