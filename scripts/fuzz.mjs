// The fuzzer of test/fuzz: `npm run fuzz -- --help` lists its options. Builds first.
import { runTests } from "./lib/run-tests.mjs"

await runTests("test/fuzz/run.ts", "fuzz.mjs")
