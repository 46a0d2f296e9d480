/** Runs the built program `dist/bin/latchkey.js` as a process, in a new folder and on a free port of loopback. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** The program: as `npm run build` makes it, or another that `LATCHKEY_TEST_BIN` names. */
export const bin =
  process.env.LATCHKEY_TEST_BIN ?? fileURLToPath(new URL("../../dist/bin/latchkey.js", import.meta.url))

/** The environment without the settings of Latchkey, so that they do not affect the tests. */
export const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LATCHKEY_")))

export interface Result {
  /** `null` when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process, and its output until now. */
export interface Running {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<Result>
}

interface Launch {
  /** Another program instead of the tested one. */
  readonly program?: string | undefined
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The working directory. Without it, a new folder that is removed when the process has ended. */
  readonly cwd?: string | undefined
  /** The content of standard input. Without it there is no standard input. */
  readonly stdin?: string | undefined
  /** A command that starts the program and keeps its process id, such as `strace -D` with its arguments. */
  readonly under?: ReadonlyArray<string> | undefined
}

/** Starts a program. */
export const launch = ({ args, cwd, env, program = bin, stdin, under = [] }: Launch): Running => {
  if (!existsSync(program)) throw new Error(`there is no ${program}: npm run build makes it`)
  const own = cwd === undefined ? newFolder() : undefined
  const [command = process.execPath, ...rest] = [...under, process.execPath, program, ...args]
  const child = spawn(command, rest, {
    cwd: cwd ?? own,
    env: { ...cleanEnvironment(), ...env },
    stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"]
  })
  const said = { stdout: "", stderr: "" }
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (said.stdout += text))
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.stderr += text))
  // A program that fails before it reads closes its standard input.
  child.stdin?.on("error", () => {}).end(stdin)
  const ended = new Promise<Result>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => {
      if (own !== undefined) removeFolder(own)
      resolve({ code, ...said })
    })
  })
  return { child, stdout: () => said.stdout, stderr: () => said.stderr, ended }
}

/** Maximum time of a command in milliseconds, also on a busy machine. */
const patience = 20_000

const within = async (running: Running, what: string): Promise<Result> => {
  const controller = new AbortController()
  const late = sleep(patience, "late" as const, { signal: controller.signal }).catch(() => "late" as const)
  const first = await Promise.race([running.ended, late])
  controller.abort()
  if (first !== "late") return first
  running.child.kill("SIGKILL")
  throw new Error(`${what} did not end; it said:\n${running.stdout()}${running.stderr()}`)
}

/** Returns a port of loopback that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Creates a folder. The caller removes it. */
export const newFolder = (): string => mkdtempSync(join(tmpdir(), "latchkey-test-"))

/** Removes a folder with its content. */
export const removeFolder = (path: string): void => rmSync(path, { recursive: true, force: true })

/** Creates a folder, and returns a function that removes it. */
export const temporaryFolder = async (): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), "latchkey-test-"))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string
  /** Sent after the first output of the program. */
  readonly signal?: NodeJS.Signals
  /** The server whose database and issuer the command uses. */
  readonly server?: Server
  readonly under?: ReadonlyArray<string>
}

/** Runs a command to its end. */
export const run = (args: ReadonlyArray<string>, options: RunOptions = {}): Promise<Result> => {
  const { cwd = options.server?.folder, env, server, signal, stdin, under } = options
  const running = launch({ args, env: { ...server?.env, ...env }, cwd, stdin, under })
  if (signal !== undefined) running.child.stdout?.once("data", () => running.child.kill(signal))
  return within(running, `latchkey ${args.join(" ")}`)
}

export interface StartOptions {
  /** The arguments of `serve`. A free port is chosen if `--port` is not among them. */
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** The working directory of the server, which stays. Without it, a new folder that is removed with the server. */
  readonly folder?: string
  /** Another program instead of the tested one, such as a broken one that must fail a test. */
  readonly program?: string
  readonly under?: ReadonlyArray<string>
}

/** A server that has started. */
export interface Server {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** The working directory, which holds `data`. */
  readonly folder: string
  /** The variables with which a command uses the same database. */
  readonly env: Readonly<Record<string, string>>
  /** The output until now. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends it a signal. */
  readonly kill: (signal: NodeJS.Signals) => void
  /** The whole output, when the server has ended. */
  readonly ended: Promise<Result>
  /** Stops the server, and removes its folder. */
  readonly stop: () => Promise<Result>
}

/** Starts a server, and waits until it prints that it runs. */
export const startServer = async (options: StartOptions = {}): Promise<Server> => {
  const { args = [], env = {} } = options
  const named = args.indexOf("--port")
  const port = named === -1 ? Number(env.LATCHKEY_PORT ?? (await freePort())) : Number(args[named + 1])
  const temporary = options.folder === undefined ? await temporaryFolder() : undefined
  const folder = options.folder ?? temporary?.path ?? ""
  const settings = { LATCHKEY_PORT: String(port), ...env }
  const { program, under } = options
  const running = launch({ args: ["serve", ...args], env: settings, cwd: folder, program, under })
  const stop = async () => {
    running.child.kill("SIGTERM")
    const result = await within(running, "the server")
    await temporary?.remove()
    return result
  }

  const deadline = Date.now() + patience
  while (!running.stdout().includes("Ctrl-C")) {
    if (running.child.exitCode !== null || Date.now() > deadline) {
      const { code } = await stop()
      throw new Error(
        `the server did not start, and ended with ${code}; it said:\n${running.stdout()}${running.stderr()}`
      )
    }
    await sleep(10)
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    pid: running.child.pid ?? 0,
    folder,
    env: settings,
    stdout: running.stdout,
    stderr: running.stderr,
    kill: (signal) => running.child.kill(signal),
    ended: running.ended,
    stop
  }
}

/** Returns the file with the link to the first account of a server without a terminal. */
export const firstAccountFile = (server: Server): string => {
  const named = /^ {2}(\S*first-account-link)$/m.exec(server.stdout())?.[1]
  if (named === undefined) throw new Error(`the server names no file:\n${server.stdout()}`)
  return join(named.startsWith("/") ? "" : server.folder, named)
}

/** Returns the link to the first account of a server. */
export const firstAccountLink = async (server: Server): Promise<string> =>
  (await readFile(firstAccountFile(server), "utf8")).trim()
