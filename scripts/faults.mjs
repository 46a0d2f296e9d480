// The long runs of test/fault, which print a table: `npm run faults -- --help` says which there are. Builds first.
import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url))

mkdirSync(path("test-output"), { recursive: true })
const outfile = path("test-output/faults.mjs")
await build({
  entryPoints: [path("test/fault/run.ts")],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "error"
})
const LATCHKEY_TEST_BIN = process.env.LATCHKEY_TEST_BIN ?? path("dist/bin/latchkey.js")
spawn(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, LATCHKEY_TEST_BIN }
}).on("exit", (code) => {
  process.exitCode = code ?? 1
})
