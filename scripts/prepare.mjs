/**
 * Builds the package when npm packs a fresh clone, as for a Git dependency: npm runs `prepare` there, not `prepack`. npm also
 * runs `prepare` after `npm ci` and `npm install` in a clone. There it does nothing, so that an installation stays fast. Only
 * npm runs this script.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"

// This script imports no installed package, because npm also runs it after `npm ci --omit=dev`.
const repository = fileURLToPath(new URL("..", import.meta.url))

/** npm sets this variable when it prepares a package for packing or linking, and not when it installs the project itself. */
const isPacked = process.env.npm_package_resolved !== undefined

if (isPacked && !fs.existsSync(`${repository}dist/index.js`)) {
  execFileSync("npm", ["run", "--silent", "build"], {
    cwd: repository,
    stdio: "inherit",
    shell: process.platform === "win32"
  })
}
