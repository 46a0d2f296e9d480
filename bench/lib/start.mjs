/** Starts a target, and reads the clients that it has made. */
import { Connection, get } from "./http.mjs"
import { connections, makeWorker } from "./items.mjs"
import * as OAuth from "./oauth.mjs"
import { freePort, makeFolder, removeFolder, startServer } from "./process.mjs"

/**
 * `serverCores` and `loadCores`: the cores of servers and of this process, as `taskset` takes them. `createDatabase`: makes a
 * PostgreSQL database and returns its URL; undefined if there is no PostgreSQL.
 *
 * @typedef {{
 *   readonly serverCores: string, readonly loadCores: string, readonly createDatabase: (() => Promise<string>) | undefined
 * }} Rig
 */

/** @typedef {import("./items.mjs").Context & { readonly folder: string, readonly stop: () => Promise<void> }} Started */

/**
 * Starts a server. With `folder` it uses the files there, and they stay; else its files are removed when it stops.
 *
 * @param {Rig} rig
 * @param {import("./targets.mjs").Target} target
 * @param {{ readonly folder?: string, readonly port?: number, readonly environment?: Readonly<Record<string, string>> }} [options]
 * @returns {Promise<Started>}
 */
export const start = async (rig, target, options = {}) => {
  const folder = options.folder ?? makeFolder()
  const port = options.port ?? (await freePort())
  const guardPort = target.place === "latchkey" ? await freePort() : port
  if (target.isPostgres && rig.createDatabase === undefined) throw new Error("PostgreSQL did not start")
  const database = target.isPostgres ? await rig.createDatabase?.() : undefined
  const server = await startServer({
    args: [target.script],
    port,
    ready: target.ready,
    folder,
    cores: rig.serverCores,
    environment: {
      ...target.environment,
      ...options.environment,
      GUARD_PORT: String(guardPort),
      ...(database === undefined ? {} : { POSTGRES_URL: database })
    }
  })
  const known = target.clients === undefined ? target : { ...target, ...(await readClients(port, target.clients)) }
  return {
    target: known,
    server,
    client: OAuth.make(known, port),
    workers: Array.from({ length: connections }, (_, i) => makeWorker(port, i)),
    guardPort,
    folder,
    stop: async () => {
      await server.stop()
      if (options.folder === undefined) removeFolder(folder)
    }
  }
}

/**
 * @param {number} port
 * @param {string} path
 * @returns {Promise<Pick<import("./targets.mjs").Target, "confidential" | "public">>}
 */
const readClients = async (port, path) => {
  const connection = new Connection(port)
  const { body } = await connection.request(get(port, path))
  connection.close()
  return JSON.parse(body)
}
