/** Makes a test of the fast projects fail that starts a process. Such tests belong to the project `system`. */
import childProcess from "node:child_process"
import { syncBuiltinESMExports } from "node:module"
import { expect } from "vitest"

const refuse = () => {
  const file = expect.getState().testPath
  throw new Error(`${file} starts a process: name it *.system.test.ts, or move it to a folder of the project "system"`)
}

for (const name of ["exec", "execFile", "execFileSync", "execSync", "fork", "spawn", "spawnSync"] as const) {
  Object.defineProperty(childProcess, name, { configurable: true, value: refuse })
}
syncBuiltinESMExports()
