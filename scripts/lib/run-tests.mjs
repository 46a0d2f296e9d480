import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundleTests } from "./bundle-tests.mjs"

/**
 * Bundles a program of the tests and runs it with the arguments of this process, against the built `latchkey` or the one
 * that `LATCHKEY_TEST_BIN` names. Ends as it ends.
 *
 * @param {string} entry the program, from the root
 * @param {string} name the name of the bundle in `test-output`
 */
export const runTests = async (entry, name) => {
  const outfile = await bundleTests(entry, name)
  const LATCHKEY_TEST_BIN =
    process.env.LATCHKEY_TEST_BIN ?? fileURLToPath(new URL("../../dist/bin/latchkey.js", import.meta.url))
  spawn(process.execPath, [outfile, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: { ...process.env, LATCHKEY_TEST_BIN }
  }).on("exit", (code) => {
    process.exitCode = code ?? 1
  })
}
