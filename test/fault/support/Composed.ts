/** `examples/compose` as its `main.ts` runs it, in its own process, with SQLite or PostgreSQL. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { bundleTests } from "../../../scripts/lib/bundle-tests.mjs"
import * as Cli from "../../support/Cli.js"

export interface Composed {
  readonly url: string
  readonly port: number
  /** Its output so far. */
  readonly said: () => string
  /** Whether the process runs. */
  readonly isAlive: () => boolean
  readonly stop: () => Promise<void>
}

/** The storage of `main.ts`, and its replacement for PostgreSQL. */
const onSqlite = { module: '"latchkey/SqliteStorage"', options: '{ filename: "auth.db" }' }
const onPostgres = (url: string) => ({
  module: '"latchkey/PostgresStorage"',
  options: `{ url: Redacted.make(${JSON.stringify(url)}), masterKey: Redacted.make(new Uint8Array(32)) }`
})

/** Reads a file of the example and replaces texts. Fails if a text is missing, because the example may have changed. */
const read = async (name: string, replacements: Readonly<Record<string, string>>): Promise<string> => {
  const text = await readFile(new URL(`../../../examples/compose/${name}`, import.meta.url), "utf8")
  const missing = Object.keys(replacements).filter((old) => !text.includes(old))
  if (missing.length > 0) throw new Error(`examples/compose/${name} has no ${missing}`)
  return Object.entries(replacements).reduce((text, [old, replacement]) => text.replaceAll(old, replacement), text)
}

/** Starts the example on a free port. `database` is the address of a PostgreSQL database. */
export const start = async (database?: string): Promise<Composed> => {
  const port = await Cli.freePort()
  const folder = await Cli.temporaryFolder()
  const sources = new URL(`../../../test-output/composed-${port}/`, import.meta.url)
  const storage = database === undefined ? onSqlite : onPostgres(database)
  const main = await read("main.ts", {
    "3000": String(port),
    "import { Layer }": "import { Layer, Redacted }",
    [onSqlite.module]: storage.module,
    [onSqlite.options]: storage.options
  })
  await mkdir(sources, { recursive: true })
  await writeFile(new URL("main.ts", sources), main)
  await writeFile(new URL("app.ts", sources), await read("app.ts", { "3000": String(port) }))
  const program = await bundleTests(`test-output/composed-${port}/main.ts`, `composed-${port}.mjs`)
  await rm(sources, { recursive: true })

  const running = Cli.launch({ program, args: [], cwd: folder.path })
  const said = () => running.stdout() + running.stderr()
  const isAlive = () => running.child.exitCode === null && running.child.signalCode === null
  const stop = async () => {
    running.child.kill("SIGTERM")
    await running.ended
    await rm(program, { force: true })
    await folder.remove()
  }
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/ready`, { signal: AbortSignal.timeout(1000) }).then(
      ({ ok }) => ok,
      () => false
    )
  const deadline = Date.now() + 30_000
  while (!(await answers())) {
    if (!isAlive() || Date.now() > deadline) {
      await stop()
      throw new Error(`the composed app does not answer; it said:\n${said()}`)
    }
    await sleep(20)
  }
  return { url, port, said, isAlive, stop }
}
