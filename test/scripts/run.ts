/** Small source trees for the tests of `scripts/`, and running a script over one as a process. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { onTestFinished } from "vitest"

/** Writes the files (path -> text) into a new folder that goes when the test ends, and returns the folder. */
export const tree = (files: Readonly<Record<string, string>>): string => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "latchkey-scripts-"))
  onTestFinished(() => fs.rmSync(root, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.join(root, path.dirname(name)), { recursive: true })
    fs.writeFileSync(path.join(root, name), text)
  }
  return root
}

/** The exit code and everything printed by `node scripts/<script> <arguments>`. */
export const run = (script: string, ...args: ReadonlyArray<string>) => {
  const file = path.resolve(import.meta.dirname, "../../scripts", script)
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: "utf8" })
  return { status, output: stdout + stderr }
}
