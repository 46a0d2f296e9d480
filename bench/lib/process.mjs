/** Starts and stops the servers of the bench, each pinned to its core and with a folder of its own. */
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { Connection, get } from "./http.mjs"
import * as Machine from "./machine.mjs"

/** Maximum time for a server to answer its first request, in milliseconds. */
const startLimit = 120_000

/** Maximum time for a server to end after SIGTERM, in milliseconds. */
const stopLimit = 10_000

/** @returns {Promise<number>} */
export const freePort = () =>
  new Promise((resolve) => {
    const server = Net.createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** The folders that exist, to be removed if the bench is interrupted. @type {Set<string>} */
const folders = new Set()

/** Makes a folder for the files of one server. */
export const makeFolder = () => {
  const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "latchkey-bench-"))
  folders.add(folder)
  return folder
}

/** @param {string} folder */
export const removeFolder = (folder) => {
  Fs.rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

/**
 * A running server. `startMillis`: time from the start of the process to its first response, in milliseconds.
 *
 * @typedef {{
 *   readonly port: number, readonly startMillis: number, readonly pids: () => Array<number>, readonly stop: () => Promise<void>
 * }} Server
 */

/** The servers that run, to be ended if the bench is interrupted. @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set()

/** Ends all servers at once, and removes their folders. */
export const killAll = () => {
  for (const child of running) child.kill("SIGKILL")
  for (const folder of folders) removeFolder(folder)
}

/**
 * Starts `node` with arguments, and resolves at the first 200 at `ready`.
 *
 * @param {{
 *   readonly args: ReadonlyArray<string>, readonly port: number, readonly ready: string, readonly folder: string,
 *   readonly cores: string, readonly environment: Readonly<Record<string, string>>
 * }} options
 * @returns {Promise<Server>}
 */
export const startServer = async ({ args, cores, environment, folder, port, ready }) => {
  const logFile = Path.join(folder, "server.log")
  const log = Fs.openSync(logFile, "a")
  const env = { ...process.env, NODE_ENV: "production", PORT: String(port), DATA: folder, ...environment }
  const begun = performance.now()
  const child = spawn("taskset", ["-c", cores, process.execPath, ...args], { env, stdio: ["ignore", log, log] })
  running.add(child)
  Fs.closeSync(log)
  /** @type {string | undefined} */
  let ended
  const exited = new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      running.delete(child)
      ended = `the server ended with ${code ?? signal}: ${Fs.existsSync(logFile) ? Fs.readFileSync(logFile, "utf8").slice(-600) : ""}`
      resolve(undefined)
    })
  })
  const stop = async () => {
    if (ended !== undefined) return
    child.kill("SIGTERM")
    const timer = setTimeout(() => child.kill("SIGKILL"), stopLimit)
    await exited
    clearTimeout(timer)
  }
  while (!(await answers(port, ready))) {
    if (ended !== undefined) throw new Error(ended)
    if (performance.now() - begun > startLimit) {
      await stop()
      throw new Error(`the server does not answer at ${ready} within ${startLimit} ms`)
    }
    await Machine.sleep(2)
  }
  const pid = child.pid ?? 0
  return { port, startMillis: performance.now() - begun, pids: () => Machine.processTree(pid), stop }
}

/**
 * @param {number} port
 * @param {string} path
 */
const answers = async (port, path) => {
  const connection = new Connection(port)
  try {
    return (await connection.request(get(port, path))).status === 200
  } catch {
    return false
  } finally {
    connection.close()
  }
}
