/** strace on a running process: records its system calls and injects errors. */
import { spawn, spawnSync } from "node:child_process"

/** The reason why strace is not available. `undefined` if it is. */
export const missing: string | undefined =
  spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0 ? undefined : "strace is not here, or may not trace"

/** The name of a test that needs strace, with the reason if it is left out. */
export const named = (name: string): string => (missing === undefined ? name : `${name} (left out: ${missing})`)

export interface Tracing {
  /** Detaches from the process. */
  readonly detach: () => Promise<void>
}

/**
 * Attaches to the main thread of a process, which runs the sockets and SQLite except for the merges of its log, or to all threads
 * if the arguments contain `-f`. Returns when it is attached, and writes the trace to a file.
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
