/**
 * Checks that the imports of `src` point inwards: `lib/rooms.mjs` has the order of the rooms. Type-only imports count too:
 * a type that points the wrong way is knowledge in the wrong place. Cycles between files, the clock, randomness and
 * cryptography are Biome's rules.
 *
 * Usage: `node scripts/check-arrows.mjs [--print] [root]`; exits 1 with one line for each violation. `--print` prints the
 * arrows between the rooms instead.
 */
import * as path from "node:path"
import ts from "typescript"
import { finish } from "./lib/generated.mjs"
import { rooms } from "./lib/rooms.mjs"
import { isEntryPoint, parse, repository, typescriptFiles, walk } from "./lib/sources.mjs"

/** The entry points: they may import anything, and no file imports them. */
const entryPoints = new Set(["src/index.ts", "src/main.ts"])

/** @typedef {{ readonly node: ts.Node, readonly specifier: string }} Import */
/** @typedef {{ readonly rooms: typeof rooms }} Plan */

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
const roomOf = (file) => path.posix.dirname(file).replace(/^src\/?/, "")

/**
 * Whether the arrow from one room to another points inwards.
 *
 * @param {Plan["rooms"]} order
 * @param {string} from
 * @param {string} to
 */
const isInward = (order, from, to) => {
  const index = order.findIndex(({ name }) => name === from)
  const only = order[index]?.only
  if (from === to) return true
  if (!order.slice(0, Math.max(index, 0)).some(({ name }) => name === to)) return false
  return only === undefined || only.some((name) => to === name || to.startsWith(`${name}/`))
}

/**
 * Why `file` may not import `specifier`, or undefined when it may.
 *
 * @param {string} file
 * @param {string} specifier
 * @param {Plan} plan
 */
const refusal = (file, specifier, plan) => {
  const from = roomOf(file)
  if (!specifier.startsWith(".")) {
    if (specifier === "latchkey" || specifier.startsWith("latchkey/")) {
      return "a file of src may not import the package by its name"
    }
    return from === "domain" && !/^effect(\/|$)/.test(specifier)
      ? `domain may import nothing but effect, not ${specifier}`
      : undefined
  }
  const imported = target(file, specifier)
  if (!imported.startsWith("src/")) return `src may not import ${imported}`
  if (entryPoints.has(imported)) return `no file may import the entry point ${imported}`
  const to = roomOf(imported)
  if (entryPoints.has(file) || isInward(plan.rooms, from, to)) return undefined
  return `${from} may not import ${to} (${imported})`
}

/**
 * Returns the files of `root/src`, their violations, one line each, and the number of imports of each arrow between rooms.
 *
 * @param {string} root
 * @param {Plan} plan
 */
export const check = (root, plan = { rooms }) => {
  const files = typescriptFiles(root, "src")
  /** @type {Array<string>} */
  const violations = []
  /** @type {Map<string, number>} */
  const arrows = new Map()

  for (const file of files) {
    const source = parse(root, file)
    /** @param {ts.Node} node @param {string} message */
    const report = (node, message) => {
      const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source))
      violations.push(`${file}:${line + 1}:${character + 1} ${message}`)
    }
    const room = roomOf(file)
    if (!entryPoints.has(file) && !plan.rooms.some(({ name }) => name === room)) {
      violations.push(`${file}:1:1 src/${room} is no room of scripts/lib/rooms.mjs`)
    }
    for (const { node, specifier } of importsOf(source)) {
      const message = refusal(file, specifier, plan)
      if (message) report(node, message)
      if (!specifier.startsWith(".")) continue
      const arrow = `${room} -> ${roomOf(target(file, specifier))}`
      if (!entryPoints.has(file) && arrow !== `${room} -> ${room}`) arrows.set(arrow, (arrows.get(arrow) ?? 0) + 1)
    }
  }
  return { files, violations, arrows }
}

/**
 * The picture of the house: for each room, innermost first, the rooms that it imports.
 *
 * @param {ReturnType<typeof check>["arrows"]} arrows
 */
const print = (arrows) =>
  rooms
    .map(({ name }) => {
      const imported = rooms.map((room) => room.name).filter((to) => arrows.has(`${name} -> ${to}`))
      return imported.length === 0 ? name : `${name} -> ${imported.join(", ")}`
    })
    .join("\n")

/**
 * Checks a tree, or prints its arrows. Returns the exit code and the text to print.
 *
 * @param {ReadonlyArray<string>} args
 * @param {Plan} [plan]
 */
export const main = (args, plan) => {
  const root = args.find((arg) => !arg.startsWith("--")) ?? repository
  const { arrows, files, violations } = check(root, plan)
  if (files.length === 0) return { status: 2, output: "check-arrows: there are no TypeScript files under src" }
  if (args.includes("--print")) return { status: 0, output: print(arrows) }
  return violations.length > 0
    ? { status: 1, output: violations.join("\n") }
    : { status: 0, output: `arrows: ${files.length} files, every import points inwards` }
}

if (isEntryPoint(import.meta.url)) finish(main(process.argv.slice(2)))
