/**
 * Server processes with one database and one issuer, and the setup of an operator: a resource, a user, a client of the admin
 * API. A killed process is started again on the same port.
 */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Browser } from "../../flow/support/Browser.js"
import * as Cli from "../../support/Cli.js"
import type { Settings } from "./Checker.js"
import { send } from "./Http.js"
import { ofPostgres, ofSqlite, type Snapshot } from "./Snapshot.js"

export const username = "ada"
export const password = "correct horse battery"
export const scope = "notes:read"

/** The default settings of the servers: windows that are long enough for a busy machine. */
export const patient: Settings = {
  retryWindow: 600_000,
  codeWindow: 300_000,
  code: 600_000,
  accessToken: 3_600_000,
  refreshTokenIdle: 86_400_000
}

const seconds = (millis: number) => `${millis / 1000} seconds`

/** The settings as environment variables. */
export const environment = (settings: Settings) => ({
  LATCHKEY_REFRESH_WINDOW: seconds(settings.retryWindow),
  LATCHKEY_CODE_WINDOW: seconds(settings.codeWindow),
  LATCHKEY_AUTHORIZATION_CODE_TTL: seconds(settings.code),
  LATCHKEY_ACCESS_TOKEN_TTL: seconds(settings.accessToken),
  LATCHKEY_REFRESH_TOKEN_IDLE_TTL: seconds(settings.refreshTokenIdle)
})

/** Makes the first account by its link, at the node that wrote the link last. */
const firstAccount = async (issuer: string, urls: ReadonlyArray<string>, link: string): Promise<void> => {
  for (const url of urls) {
    const browser = new Browser(async (request) => {
      const { pathname, search } = new URL(request.url)
      const body = request.method === "POST" ? { body: await request.text() } : {}
      const headers = Object.fromEntries(request.headers)
      return send(`${url}${pathname}${search}`, { method: request.method, headers, ...body })
    }, issuer)
    const page = await browser.open(link)
    if (page.status !== 200) continue
    const made = await browser.submit(page, { fields: { username, password, password_again: password } })
    if (made.status === 200) return
  }
  throw new Error("no node made the first account")
}

export interface Options {
  /** Number of processes. */
  readonly nodes: number
  readonly settings?: Settings
  /** The address of an empty PostgreSQL database. Default: a new SQLite file. */
  readonly postgres?: string | undefined
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>
  /** Another program instead of the built one. */
  readonly program?: string
  /** Runs in the folder before the processes start. */
  readonly prepare?: (folder: string) => Promise<unknown>
  /** Runs in the folder after all processes have ended. */
  readonly cleanUp?: (folder: string) => Promise<unknown>
}

export interface Cluster {
  readonly issuer: string
  readonly folder: string
  readonly settings: Settings
  /** The SQLite file. `undefined` for PostgreSQL. */
  readonly database: string
  /** Reads the database now, and checks whether its file is sound. */
  readonly snapshot: () => Promise<Snapshot & { readonly integrity: unknown }>
  /** The URLs of the servers in the order of their starts. */
  readonly urls: ReadonlyArray<string>
  readonly server: (node: number) => Cli.Server
  /** Runs an operator's command while the servers run. Fails if the command fails. */
  readonly command: (args: ReadonlyArray<string>, stdin?: string) => Promise<string>
  /** The same under a program that may kill it. Returns how it ended. */
  readonly try: (args: ReadonlyArray<string>, under: ReadonlyArray<string>) => Promise<Cli.Result>
  /** Kills a process and waits until it has ended. */
  readonly kill: (node: number) => Promise<void>
  /** Starts a killed process again. */
  readonly restart: (node: number) => Promise<void>
  /** Ends all processes and deletes the folder. */
  readonly stop: () => Promise<void>
}

export const start = async ({
  cleanUp,
  env = {},
  nodes,
  postgres,
  prepare,
  program,
  settings = patient
}: Options): Promise<Cluster> => {
  const { path: folder, remove } = await Cli.temporaryFolder()
  await prepare?.(folder)
  const ports = await Promise.all(Array.from({ length: nodes }, Cli.freePort))
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  const issuer = urls[0] ?? ""
  const config = join(folder, "latchkey.json")
  await writeFile(
    config,
    JSON.stringify({ resources: [{ uri: `${issuer}/notes`, scopes: { [scope]: "Read your notes" } }] })
  )
  const shared = {
    LATCHKEY_CONFIG: config,
    LATCHKEY_ISSUER: issuer,
    LATCHKEY_RATE_LIMIT: "off",
    LATCHKEY_API: "on",
    LATCHKEY_LOG_LEVEL: "warning",
    ...environment(settings),
    ...(postgres === undefined
      ? {}
      : { LATCHKEY_DATABASE: postgres, LATCHKEY_MASTER_KEY: Buffer.alloc(32, 1).toString("base64url") }),
    ...env
  }
  const command = async (args: ReadonlyArray<string>, stdin?: string) => {
    const input = stdin === undefined ? {} : { stdin }
    const result = await Cli.run(args, { env: shared, cwd: folder, ...input })
    if (result.code !== 0) throw new Error(`latchkey ${args.join(" ")} said:\n${result.stderr}`)
    return result.stdout
  }
  const launch = (port: number | undefined) =>
    Cli.startServer({ folder, env: { ...shared, LATCHKEY_PORT: String(port) }, ...(program && { program }) })

  const servers = new Map<number, Cli.Server>()
  const server = (node: number): Cli.Server => {
    const running = servers.get(node)
    if (running === undefined) throw new Error(`node ${node} does not run`)
    return running
  }
  const restart = async (node: number) => {
    servers.set(node, await launch(ports[node]))
  }
  const stop = async () => {
    await Promise.all([...servers.values()].map((running) => running.stop()))
    await cleanUp?.(folder)
    await remove()
  }
  try {
    // All at once: the first makes the database, and the others find it.
    await Promise.all(ports.map((_, node) => restart(node)))
    await firstAccount(issuer, urls, await Cli.firstAccountLink(server(0)))
  } catch (error) {
    await stop()
    throw error
  }
  const database = join(folder, "data", "latchkey.db")
  return {
    issuer,
    folder,
    settings,
    database,
    snapshot: async () => (postgres === undefined ? ofSqlite(database) : ofPostgres(postgres)),
    urls,
    server,
    command,
    try: (args, under) => Cli.run(args, { env: shared, cwd: folder, under }),
    kill: async (node) => {
      const running = server(node)
      servers.delete(node)
      running.kill("SIGKILL")
      await running.ended
    },
    restart,
    stop
  }
}
