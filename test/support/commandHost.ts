/** A process that runs commands of the program one after another, for `Commands.ts`. */
import { Readable } from "node:stream"
import * as Effect from "effect/Effect"
import { exitCode, run } from "../../src/cli/Latchkey.js"
import type { Asked } from "./Commands.js"

const said = { stdout: "", stderr: "" }
for (const name of ["stdout", "stderr"] as const) {
  process[name].setMaxListeners(0)
  process[name].write = (text: string | Uint8Array) => {
    said[name] += Buffer.from(text).toString()
    return true
  }
}

process.on("disconnect", () => process.exit())
process.on("message", async ({ args, cwd, env, program, stdin }: Asked) => {
  said.stdout = said.stderr = ""
  process.chdir(cwd)
  // The object must stay the same, because modules have a reference to it.
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  process.argv = [process.execPath, program, ...args]
  Object.defineProperty(process, "stdin", {
    configurable: true,
    value: Readable.from(stdin === "" ? [] : [Buffer.from(stdin)])
  })
  const exit = await Effect.runPromiseExit(run(process.argv))
  process.send?.({ code: exitCode(process.argv, exit), ...said })
})
process.send?.("ready")
