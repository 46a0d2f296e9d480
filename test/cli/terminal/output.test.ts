/** Errors of standard output. */
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"

/** A device on which every write fails (https://man7.org/linux/man-pages/man4/full.4.html). */
const full = "/dev/full"

describe.skipIf(!existsSync(full))("standard output on a full disk", () => {
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    const made = await Cli.run(["user", "create", "kim", "--password-stdin"], {
      cwd: folder.path,
      stdin: "a long password"
    })
    expect(made).toMatchObject({ code: 0 })
  })
  afterAll(() => folder.remove())

  /** Runs a line in a shell in which `latchkey` is the program. */
  const shell = (line: string) =>
    new Promise<{ readonly code: number | null; readonly stderr: string }>((resolve) => {
      const script = `latchkey() { "${process.execPath}" "${Cli.bin}" "$@"; }; ${line}`
      const child = spawn("bash", ["-o", "pipefail", "-c", script], {
        cwd: folder.path,
        env: Cli.cleanEnvironment(),
        stdio: ["ignore", "ignore", "pipe"]
      })
      let stderr = ""
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
      child.once("close", (code) => resolve({ code, stderr }))
    })

  it.each([
    "client create --name Report --grant client_credentials --confidential --json",
    "events",
    "config",
    "--help",
    "db status"
  ])("%s fails with one line if its output cannot be written", async (args) => {
    const { code, stderr } = await shell(`latchkey ${args} > ${full}`)
    expect(code).toBe(1)
    // Hints may come before it.
    expect(stderr.match(/^latchkey: standard output cannot be written \(ENOSPC\): .+$/gm)).toHaveLength(1)
  })

  it("a command fails if only a part of its output fits into a file", async () => {
    // The shell limits the size of a file: the first write is partial, and the next one fails.
    const { code, stderr } = await shell(`trap '' XFSZ; ulimit -f 1; latchkey config --schema > schema.json`)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^latchkey: standard output cannot be written \(EFBIG\): [^\n]+\n$/)
  })

  it("a command succeeds if its reader closes the output early", async () => {
    expect(await shell("latchkey config --schema | head -c 1")).toEqual({ code: 0, stderr: "" })
  })
})
