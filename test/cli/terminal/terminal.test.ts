/** The program on a terminal of `script`: its output, its questions, and hidden passwords. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"

const script = "/usr/bin/script"

/** A program on its own terminal. */
class Terminal {
  screen = ""
  readonly ended: Promise<number | null>
  readonly #child: ChildProcess

  constructor(folder: string, env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) {
    const command = `exec '${process.execPath}' '${Cli.bin}' ${args.join(" ")}`
    // With -e the exit code is that of the command. The recording goes to /dev/null.
    this.#child = spawn(script, ["-q", "-e", "-f", "-c", command, "/dev/null"], {
      cwd: folder,
      env: { PATH: process.env.PATH, SHELL: "/bin/sh", TERM: "xterm", ...env },
      stdio: ["pipe", "pipe", "pipe"]
    })
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.screen += text))
    this.ended = new Promise((resolve) => this.#child.once("close", resolve))
  }

  /** Waits until the screen shows a text this many times. */
  readonly shows = async (text: string, times = 1) => {
    const count = () => this.screen.split(text).length - 1
    for (let tries = 0; tries < 1000 && count() < times; tries++) await sleep(20)
    expect(count(), this.screen).toBeGreaterThanOrEqual(times)
  }

  /** Types a text after a pause that the prompt needs. */
  readonly types = async (text: string) => {
    await sleep(100)
    this.#child.stdin?.write(text)
  }

  readonly leave = () => this.#child.kill("SIGKILL")
}

const controlC = "\u0003"

describe.runIf(process.platform === "linux" && existsSync(script))("on a terminal", () => {
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  const terminals: Array<Terminal> = []
  let port: number
  const open = (...args: ReadonlyArray<string>) => {
    const terminal = new Terminal(folder.path, { LATCHKEY_PORT: String(port) }, ...args)
    terminals.push(terminal)
    return terminal
  }
  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    port = await Cli.freePort()
  })
  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.leave()
  })
  afterAll(() => folder.remove())

  it("a server prints the link to the first account, writes no file, and ends with 0 after Ctrl-C", async () => {
    const terminal = open("serve")
    await terminal.shows("Press Ctrl-C to stop the server.")
    const [link = ""] = /http:\S+first-account\?token=\S+/.exec(terminal.screen) ?? []
    expect((await fetch(link)).status).toBe(200)
    expect(existsSync(join(folder.path, "data/first-account-link"))).toBe(false)
    expect(terminal.screen).not.toContain("\u001b")
    await terminal.types(controlC)
    expect(await terminal.ended).toBe(0)
  })

  it("user create asks for the password twice, and shows neither", async () => {
    const terminal = open("user", "create", "ada")
    await terminal.shows("Password for ada")
    await terminal.types("short\r")
    await terminal.shows("at least 8 characters")
    await terminal.types("\u007f".repeat(5))
    await terminal.types("correct horse battery\r")
    await terminal.shows("Repeat the password")
    await terminal.types("correct horse battery\r")
    await terminal.shows("ada is created")
    expect(await terminal.ended).toBe(0)
    expect(terminal.screen).not.toMatch(/horse|short/)
  })

  it("user create changes nothing after Ctrl-C", async () => {
    const terminal = open("user", "create", "bob")
    await terminal.shows("Password for bob")
    await terminal.types(controlC)
    await terminal.shows("latchkey: nothing was changed")
    expect(await terminal.ended).toBe(1)
  })

  it("user create refuses --password-stdin on a terminal", async () => {
    const terminal = open("user", "create", "bob", "--password-stdin")
    await terminal.shows("--password-stdin is for")
    expect(await terminal.ended).toBe(2)
  })
})
