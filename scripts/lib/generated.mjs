/** A document that is generated from the tree: written, or with `--check` compared with the file. */
import * as fs from "node:fs"
import * as path from "node:path"
import { repository } from "./sources.mjs"

/**
 * Runs such a script, `node scripts/<name>.mjs [--check] [root]`. Returns its exit code, which is 1 for a stale document,
 * and the line that it prints.
 *
 * @param {{ readonly name: string, readonly file: string, readonly render: (root: string) => string }} document
 * @param {ReadonlyArray<string>} args
 */
export const writeOrCheck = ({ file, name, render }, args) => {
  const root = args.find((arg) => !arg.startsWith("--")) ?? repository
  const target = path.join(root, file)
  const text = render(root)
  if (!args.includes("--check")) {
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.writeFileSync(target, text)
    return { status: 0, output: `${name}: wrote ${file}` }
  }
  return fs.existsSync(target) && fs.readFileSync(target, "utf8") === text
    ? { status: 0, output: `${name}: ${file} is fresh` }
    : { status: 1, output: `${file} is stale: run \`npm run ${name}\`` }
}

/**
 * Prints the line of a script, and ends the process with its exit code.
 *
 * @param {{ readonly status: number, readonly output: string }} result
 */
export const finish = ({ output, status }) => {
  if (status === 0) console.log(output)
  else console.error(output)
  process.exitCode = status
}
