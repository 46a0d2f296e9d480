/** strace on a process that runs: what it asks of the operating system, and errors in place of the answers. */
import { spawn, spawnSync } from "node:child_process"

/** Why it cannot be used here; `undefined` when it can. */
export const missing: string | undefined =
  spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0 ? undefined : "strace is not here, or may not trace"

/** The name of a test that needs it, with the reason where it is left out. */
export const named = (name: string): string => (missing === undefined ? name : `${name} (left out: ${missing})`)

export interface Tracing {
  /** Lets the process go on by itself. */
  readonly detach: () => Promise<void>
}

/**
 * Attaches to the main thread of a process, where SQLite and the sockets are, and is there when this ends; what it sees
 * goes to a file.
 */
export const attach = (pid: number, file: string, args: ReadonlyArray<string>): Promise<Tracing> =>
  new Promise((resolve, reject) => {
    const strace = spawn("strace", ["-o", file, ...args, "-p", String(pid)], {
      stdio: ["ignore", "ignore", "pipe"]
    })
    const ended = new Promise<void>((done) => strace.once("exit", () => done()))
    let said = ""
    strace.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (said.includes("attached")) {
        const detach = async () => {
          strace.kill("SIGINT")
          await ended
        }
        resolve({ detach })
      }
    })
    strace.once("error", reject)
    strace.once("exit", () => reject(new Error(`strace ended: ${said}`)))
  })
