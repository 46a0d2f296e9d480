/**
 * Server processes on one database and under one issuer, and what an operator sets up once: a resource, a person, a
 * client of the admin API. A process that was killed is started again on the port that it had.
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

/** The servers' settings where a test names no others: windows that even a busy machine does not miss. */
export const patient: Settings = {
  retryWindow: 600_000,
  codeWindow: 300_000,
  code: 600_000,
  accessToken: 3_600_000,
  refreshTokenIdle: 86_400_000
}

const seconds = (millis: number) => `${millis / 1000} seconds`

/** The settings as the servers are told. */
export const environment = (settings: Settings) => ({
  LATCHKEY_REFRESH_WINDOW: seconds(settings.retryWindow),
  LATCHKEY_CODE_WINDOW: seconds(settings.codeWindow),
  LATCHKEY_AUTHORIZATION_CODE_TTL: seconds(settings.code),
  LATCHKEY_ACCESS_TOKEN_TTL: seconds(settings.accessToken),
  LATCHKEY_REFRESH_TOKEN_IDLE_TTL: seconds(settings.refreshTokenIdle)
})

/** Makes the first account by its link, at the node whose link it is: of those that start at once the last leaves its own. */
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
  /** How many processes. */
  readonly nodes: number
  readonly settings?: Settings
  /** The address of an empty PostgreSQL database; without it a SQLite file is made. */
  readonly postgres?: string | undefined
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Another program than the one that is tested. */
  readonly program?: string
  /** Done in the folder before anything starts there. */
  readonly prepare?: (folder: string) => Promise<unknown>
  /** Done in the folder when all has ended. */
  readonly cleanUp?: (folder: string) => Promise<unknown>
}

export interface Cluster {
  readonly issuer: string
  readonly folder: string
  readonly settings: Settings
  /** The SQLite file; of a PostgreSQL there is none. */
  readonly database: string
  /** What the database holds now, and whether SQLite finds its file sound. */
  readonly snapshot: () => Promise<Snapshot & { readonly integrity: unknown }>
  /** Where the servers answer, in the order in which they were started. */
  readonly urls: ReadonlyArray<string>
  readonly server: (node: number) => Cli.Server
  /** Runs a command of the operator's beside the servers; fails unless it does what it was asked. */
  readonly command: (args: ReadonlyArray<string>, stdin?: string) => Promise<string>
  /** The same, under a program that may end it; answers with how it ended. */
  readonly try: (args: ReadonlyArray<string>, under: ReadonlyArray<string>) => Promise<Cli.Result>
  /** Ends a process without a word, and waits until it is gone. */
  readonly kill: (node: number) => Promise<void>
  /** Starts the process again that was killed. */
  readonly restart: (node: number) => Promise<void>
  /** Ends all that still runs, and takes the folder away. */
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
    // All at once: whoever comes first makes the database, and the others find it.
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
