// The long runs of test/fault, which print a table: `npm run faults -- --help` says which there are. Builds first.
import { runTests } from "./lib/run-tests.mjs"

await runTests("test/fault/run.ts", "faults.mjs")
