/** How a command says no. */
import { expect } from "vitest"

/** One line on standard error, and nothing else. */
export const refused = (code: number, line: RegExp) => ({
  code,
  stdout: "",
  stderr: expect.stringMatching(new RegExp(`^latchkey: [^\\n]*${line.source}[^\\n]*\\n$`))
})

/** A command that did what it was asked to do. */
export const done = (stdout: RegExp) => ({ code: 0, stdout: expect.stringMatching(stdout), stderr: "" })
