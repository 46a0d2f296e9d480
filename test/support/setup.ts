/** Runs before each file of the fast projects, which share one process. */
import childProcess from "node:child_process"
import { syncBuiltinESMExports } from "node:module"
import { effect, it, scoped } from "@effect/vitest"
import { expect } from "vitest"

// `it.layer` replaces these members of the global `it`: the tests of the next file would get the services, and the clock, of the
// last layer.
Object.assign(it, { effect, scoped })

// A test of these projects that starts a process fails. It belongs to the project `system`.

const refuse = () => {
  const file = expect.getState().testPath
  throw new Error(`${file} starts a process: name it *.system.test.ts, or move it to a folder of the project "system"`)
}

for (const name of ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"] as const) {
  Object.defineProperty(childProcess, name, { configurable: true, value: refuse })
}
syncBuiltinESMExports()
