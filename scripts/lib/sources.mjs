/** What the scripts share: finding TypeScript files and reading them with the compiler's own parser. */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

/** The folder of the repository that the scripts stand in. */
export const repository = path.resolve(import.meta.dirname, "../..")

/**
 * Whether the module of this URL is the program that runs, and not one imported by a test.
 *
 * @param {string} url
 */
export const isEntryPoint = (url) =>
  process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(url)

/**
 * Every `.ts` file under `root/folder`, as paths relative to `root` with forward slashes, sorted.
 *
 * @param {string} root
 * @param {string} folder
 * @returns {Array<string>}
 */
export const typescriptFiles = (root, folder) => {
  const top = path.join(root, folder)
  if (!fs.existsSync(top)) return []
  return fs
    .readdirSync(top, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.posix.join(folder, name.split(path.sep).join("/")))
    .sort()
}

/**
 * The syntax tree of one file, with parent links; its name is the path given.
 *
 * @param {string} root
 * @param {string} file
 */
export const parse = (root, file) =>
  ts.createSourceFile(file, fs.readFileSync(path.join(root, file), "utf8"), ts.ScriptTarget.ES2022, true)

/**
 * Calls `visit` with every node below `node`, parents first.
 *
 * @param {ts.Node} node
 * @param {(node: ts.Node) => void} visit
 */
export const walk = (node, visit) => {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}
