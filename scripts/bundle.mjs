/**
 * Bundles `src/main.ts` into the program `latchkey`. The bundle starts in a fifth of the time of single modules, and contains the
 * packages that only the program needs: they are devDependencies. Modules that are loaded on demand (the demo, the description
 * of the API) are separate files. Packages with native code stay outside, and so does the list of passwords, which is loaded by
 * name.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { build } from "esbuild"
import { repository } from "./lib/sources.mjs"

console.error("Building dist/bin/latchkey.js (some seconds)")

const { version } = JSON.parse(fs.readFileSync(path.join(repository, "package.json"), "utf8"))
const outdir = path.join(repository, "dist/bin")

await build({
  absWorkingDir: repository,
  entryPoints: { latchkey: "src/main.ts" },
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  target: "node20.19",
  // Smaller sources take less memory. The names stay, for stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  format: "esm",
  external: ["better-sqlite3", "@node-rs/argon2", "@zxcvbn-ts/language-common"],
  define: { LATCHKEY_VERSION: JSON.stringify(version) },
  banner: {
    // Bundled CommonJS modules call `require` for the modules of Node, and an ES module has no `require`. The young generation
    // must not grow before the modules are evaluated (see `cli/serve/YoungGeneration`).
    js: `#!/usr/bin/env node
import { createRequire as latchkeyCreateRequire } from "node:module"
import { setFlagsFromString as latchkeySetFlags } from "node:v8"
latchkeySetFlags("--semi-space-growth-factor=1")
const require = latchkeyCreateRequire(import.meta.url)`
  },
  logLevel: "warning"
})
fs.chmodSync(path.join(outdir, "latchkey.js"), 0o755)
