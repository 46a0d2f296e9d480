/** A document that is made from the tree: written, or with `--check` compared with what stands there. */
import * as fs from "node:fs"
import * as path from "node:path"
import { repository } from "./sources.mjs"

/**
 * Runs such a script: `node scripts/<name>.mjs [--check] [root]`. A stale document exits 1.
 *
 * @param {{ readonly name: string, readonly file: string, readonly render: (root: string) => string }} document
 */
export const writeOrCheck = ({ file, name, render }) => {
  const args = process.argv.slice(2)
  const root = args.find((arg) => !arg.startsWith("--")) ?? repository
  const target = path.join(root, file)
  const text = render(root)
  if (!args.includes("--check")) {
    fs.mkdirSync(path.dirname(target), { recursive: true })
    fs.writeFileSync(target, text)
  } else if (!fs.existsSync(target) || fs.readFileSync(target, "utf8") !== text) {
    console.error(`${file} is stale: run \`npm run ${name}\``)
    process.exitCode = 1
  } else {
    console.log(`${name}: fresh`)
  }
}
