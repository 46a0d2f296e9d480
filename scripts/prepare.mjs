/**
 * Builds the package where npm packs a fresh clone, as it does for a Git dependency: npm runs `prepare` there, and no
 * `prepack`. After `npm ci` and `npm install` in a clone npm runs `prepare` too; there it does nothing, so that an install
 * stays as fast as it is. Usage: by npm alone.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"

// Imports nothing that is installed: npm runs this after `npm ci --omit=dev` too.
const repository = fileURLToPath(new URL("..", import.meta.url))

/** npm sets this variable where it prepares a package to be packed or linked, and not for an install of the project itself. */
const isPacked = process.env.npm_package_resolved !== undefined

if (isPacked && !fs.existsSync(`${repository}dist/index.js`)) {
  execFileSync("npm", ["run", "--silent", "build"], {
    cwd: repository,
    stdio: "inherit",
    shell: process.platform === "win32"
  })
}
