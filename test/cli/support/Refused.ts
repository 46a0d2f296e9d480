/** Expected results of commands. */
import { expect } from "vitest"

/** A command that failed with one line on standard error and no other output. */
export const refused = (code: number, line: RegExp) => ({
  code,
  stdout: "",
  stderr: expect.stringMatching(new RegExp(`^latchkey: [^\\n]*${line.source}[^\\n]*\\n$`))
})

/** A command that succeeded. */
export const done = (stdout: RegExp) => ({ code: 0, stdout: expect.stringMatching(stdout), stderr: "" })
