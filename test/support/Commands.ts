/**
 * Runs many commands in one process, which loads the program once for each test file. `Cli.run` starts a process for tests of
 * signals, terminals and the end of the process.
 */
import { type ChildProcess, fork } from "node:child_process"
import { rm } from "node:fs/promises"
import { afterAll } from "vitest"
import packageJson from "../../package.json" with { type: "json" }
import { bundleTests } from "../../scripts/lib/bundle-tests.mjs"
import * as Cli from "./Cli.js"

/** A command line and its environment. */
export interface Asked {
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly program: string
  readonly stdin: string
}

/** Waits for the next message of the process. Fails if it ends, or after 20 seconds. */
const next = <A>(host: ChildProcess): Promise<A> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => end("does not answer"), 20_000)
    const onExit = () => end("has ended")
    const end = (what: string) => {
      clearTimeout(late)
      host.kill("SIGKILL")
      reject(new Error(`the process of the commands ${what}`))
    }
    host.once("exit", onExit)
    host.once("message", (message) => {
      clearTimeout(late)
      host.off("exit", onExit)
      resolve(message as A)
    })
  })

const start = async (): Promise<ChildProcess> => {
  const define = { LATCHKEY_VERSION: JSON.stringify(packageJson.version) }
  const outfile = await bundleTests("test/support/commandHost.ts", `commands-${process.pid}.mjs`, define)
  const host = fork(outfile, { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] })
  await next(host)
  await rm(outfile)
  return host
}

let host: Promise<ChildProcess> | undefined
let last: Promise<unknown> = Promise.resolve()
afterAll(async () => {
  ;(await host)?.kill()
})

/** Runs a command to its end, after the commands that were requested before. */
export const run = (
  args: ReadonlyArray<string>,
  options: Omit<Cli.RunOptions, "signal" | "under"> = {}
): Promise<Cli.Result> => {
  const { env, server, stdin = "" } = options
  const given = options.cwd ?? server?.folder
  const result = last.then(async () => {
    host ??= start()
    const running = await host
    const cwd = given ?? Cli.newFolder()
    const answer = next<Cli.Result>(running)
    const asked: Asked = {
      args,
      cwd,
      env: { ...Cli.cleanEnvironment(), ...server?.env, ...env },
      program: Cli.bin,
      stdin
    }
    running.send(asked)
    return answer.finally(() => {
      if (given === undefined) Cli.removeFolder(cwd)
    })
  })
  last = result.catch(() => {})
  return result
}
