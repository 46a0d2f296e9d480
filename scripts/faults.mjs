// The long runs of test/fault, which print a table: `npm run faults -- --help` says which there are. Builds first.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundleTests } from "./lib/bundle-tests.mjs"

const outfile = await bundleTests("test/fault/run.ts", "faults.mjs")
const LATCHKEY_TEST_BIN =
  process.env.LATCHKEY_TEST_BIN ?? fileURLToPath(new URL("../dist/bin/latchkey.js", import.meta.url))
spawn(process.execPath, [outfile, ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, LATCHKEY_TEST_BIN }
}).on("exit", (code) => {
  process.exitCode = code ?? 1
})
