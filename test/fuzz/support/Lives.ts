/** The server under test: started, watched, started again with other settings or after a death that is reported. */
import * as Cli from "../../support/Cli.js"
import * as Log from "./Log.js"
import * as Memory from "./Memory.js"
import type { Broken } from "./Oracles.js"

/** One start of the server, to its end. */
export interface Life {
  readonly server: Cli.Server
  readonly hasDied: () => boolean
  /** Ends it as an operator does; answers with the promises that it broke. */
  readonly end: () => Promise<ReadonlyArray<Broken>>
}

export interface Options {
  readonly folder: string
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  /** Another program than the one that is tested. */
  readonly program: string | undefined
  /** Takes all that the server said, when it has ended. */
  readonly onSaid: (text: string) => void
  readonly onMemory: (samples: ReadonlyArray<number>) => void
}

export const begin = async ({ env, folder, onMemory, onSaid, port, program }: Options): Promise<Life> => {
  const server = await Cli.startServer({
    args: ["--demo", "--api"],
    folder,
    env: { ...env, LATCHKEY_PORT: String(port) },
    ...(program === undefined ? {} : { program })
  })
  const memory = Memory.watch(server.pid)
  let isWanted = true
  let died: Cli.Result | undefined
  void server.ended.then((result) => {
    if (isWanted) died = result
  })
  const end = async (): Promise<ReadonlyArray<Broken>> => {
    isWanted = false
    const { code, stderr, stdout } = died ?? (await server.stop())
    memory.stop()
    onMemory(memory.samples)
    onSaid(`${stdout}${stderr}`)
    const ending =
      died !== undefined
        ? [{ oracle: "process", detail: `the server ended with ${code}; it said: ${stderr.slice(-1_500)}` }]
        : code !== 0
          ? [{ oracle: "process", detail: `the server ended with ${code} after SIGTERM` }]
          : []
    return [...ending, ...Log.check(stderr), ...Memory.check(memory.samples)]
  }
  return { server, hasDied: () => died !== undefined, end }
}
