/** The built command `latchkey`: its server, and its other commands on the same database. */
import { execFileSync } from "node:child_process"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { connections, makeWorker } from "./items.mjs"
import * as OAuth from "./oauth.mjs"
import { freePort, makeFolder, removeFolder, startServer } from "./process.mjs"
import { named } from "./targets.mjs"

const bin = fileURLToPath(new URL("../../dist/bin/latchkey.js", import.meta.url))

/** Whether `serve` has an option. @param {string} option */
export const hasOption = (option) =>
  execFileSync(process.execPath, [bin, "serve", "--help"], { encoding: "utf8" }).includes(option)

/**
 * A database of the command, with a resource and a confidential client. `serve` starts a server on it.
 *
 * @param {string} [database] A PostgreSQL URL; a new SQLite file if not given.
 */
export const make = async (database) => {
  const folder = makeFolder()
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}`
  const environment = {
    LATCHKEY_ISSUER: issuer,
    LATCHKEY_PORT: String(port),
    LATCHKEY_DATABASE: database ?? `sqlite:${Path.join(folder, "latchkey.db")}`,
    LATCHKEY_RATE_LIMIT: "off",
    LATCHKEY_LOG_LEVEL: "warning",
    LATCHKEY_MASTER_KEY: Buffer.alloc(32, 7).toString("base64url")
  }
  /** @param {ReadonlyArray<string>} args */
  const run = (args) =>
    execFileSync(process.execPath, [bin, ...args], { env: { ...process.env, ...environment }, encoding: "utf8" })

  /** @param {string} cores @param {ReadonlyArray<string>} [args] */
  const serve = (cores, args = []) =>
    startServer({ args: [bin, "serve", ...args], port, ready: "/ready", folder, cores, environment })

  /** Creates the tables, a resource and a client. Returns the client. */
  const create = async () => {
    const first = await serve("0")
    await first.stop()
    run(["resource", "create", `${issuer}/bench`, "--scope", "api=Use the API"])
    const client = ["--name", "Bench", "--confidential", "--grant", "client_credentials", "--scope", "api"]
    return JSON.parse(run(["client", "create", ...client, "--json"]))
  }
  const created = await create().catch((error) => {
    removeFolder(folder)
    throw error
  })
  const target = { ...named("latchkey-sqlite"), confidential: { id: created.client_id, secret: created.client_secret } }
  return {
    folder,
    serve,
    client: OAuth.make(target, port),
    workers: Array.from({ length: connections }, (_, i) => makeWorker(port, i)),
    remove: () => removeFolder(folder)
  }
}
