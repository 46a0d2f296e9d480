/**
 * The curve: latencies of refreshes and guarded calls, start-up, memory and disk with 10^3, 10^5 and 10^6 grants in SQLite.
 *
 * Up to `realGrants` grants are made by the code flow and are refreshed and called. The others are copies of them in the
 * tables, each with the consent of a user of its own. The two kinds alternate in the tables.
 */
import * as Fs from "node:fs"
import * as Path from "node:path"
import Sqlite from "better-sqlite3"
import { connections, makeWorker, signInAll } from "../lib/items.mjs"
import { closedLoop, connected, messageOf, openLoop } from "../lib/load.mjs"
import * as Machine from "../lib/machine.mjs"
import { makeFolder, removeFolder } from "../lib/process.mjs"
import { start } from "../lib/start.mjs"
import { named } from "../lib/targets.mjs"

/** Maximum number of grants whose tokens are used. */
const realGrants = 2_000

/** Number of times that the code flow and copying take turns. */
const batches = 20

/** Rates of the open loop, in requests a second: what a small server must do without a queue. */
const rates = { refresh: 200, guard: 500 }

/**
 * Copies the newest grant `count` times.
 *
 * @param {string} file
 * @param {number} count
 * @param {number} batch
 */
const copyGrants = (file, count, batch) => {
  const db = new Sqlite(file, { timeout: 30_000 })
  try {
    const own = ["id", "subject", "consent_epoch", "subject_epoch"]
    const columns = db
      .prepare("select name from pragma_table_info('grants')")
      .pluck()
      .all()
      .filter((name) => !own.includes(String(name)))
      .join(", ")
    const numbers = "with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < :count)"
    const newest = db.prepare("select id, subject, client_id from grants order by rowid desc limit 1").get()
    const values = { .../** @type {Record<string, string>} */ (newest), count, batch }
    const subject = "printf('copy-%03d-%07d', :batch, n)"
    db.transaction(() => {
      db.prepare(
        `${numbers} insert into grants (id, subject, consent_epoch, subject_epoch, ${columns})
         select substr(id, 1, 10) || printf('%016d', n), ${subject}, 1, 0, ${columns}
         from numbers join grants where id = :id`
      ).run(values)
      db.prepare(
        `${numbers} insert into consents (issuer, subject, client_id, updated_at, epoch)
         select issuer, ${subject}, client_id, updated_at, 1
         from numbers join consents where client_id = :client_id and subject = :subject`
      ).run(values)
      db.prepare(
        `${numbers} insert into consent_items (issuer, subject, client_id, epoch, kind, value)
         select issuer, ${subject}, client_id, 1, kind, value
         from numbers join consent_items where client_id = :client_id and subject = :subject`
      ).run(values)
    })()
  } finally {
    db.close()
  }
}

/** @typedef {{ readonly refreshTokens: Array<string>, readonly port: number }} Seeded */

/**
 * Fills a database. Returns the refresh tokens of the real grants.
 *
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {string} folder
 * @param {number} grants
 * @returns {Promise<Seeded>}
 */
const seed = async (rig, folder, grants) => {
  const target = named("latchkey-sqlite")
  const started = await start(rig, target, { folder, environment: { ACCOUNTS: String(connections) } })
  /** @type {Array<string>} */
  const refreshTokens = []
  const file = Path.join(folder, "auth.db")
  try {
    await connected(started.workers, () => signInAll(started))
    const flow = async (/** @type {import("../lib/load.mjs").Worker} */ worker) => {
      await started.client.codeFlow(worker)
      refreshTokens.push(worker.refreshToken)
    }
    const real = Math.min(grants, realGrants)
    for (let batch = 0; batch < batches; batch++) {
      const limits = { cpuMillis: 1e9, maxOperations: Math.ceil(real / batches) }
      await connected(started.workers, async () => {
        await closedLoop(started.server, started.workers, flow, limits)
      })
      const copies = Math.floor((grants - real) / batches)
      if (copies > 0) copyGrants(file, copies, batch)
    }
  } finally {
    await started.stop()
  }
  return { refreshTokens, port: started.server.port }
}

/**
 * Starts a server on the filled database, and measures it.
 *
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {string} folder
 * @param {Seeded} seeded
 * @param {import("../lib/options.mjs").Options} options
 */
const measure = async (rig, folder, { port, refreshTokens }, { quick, warmUp }) => {
  const started = await start(rig, named("latchkey-sqlite"), { folder, port })
  const { client, server, target } = started
  try {
    const startMillis = server.startMillis
    await Machine.sleep(1_000)
    const startMiB = Machine.residentMiB(server.pids())
    // A worker is a grant: more of them than connections in use, so that each request is of another grant.
    const workers = refreshTokens.map((refreshToken, i) => ({ ...makeWorker(port, i), refreshToken }))
    const active = started.workers.map((worker) => ({ ...worker, place: worker.index }))
    /** @type {Array<string>} */
    const accessTokens = []
    const refresh = async (/** @type {import("../lib/load.mjs").Worker} */ { connection, index }) => {
      const caller = active[index]
      const grant = workers[caller?.place ?? 0]
      if (caller === undefined || grant === undefined) return
      // Each connection has its own grants, so that no grant has two refreshes at once.
      caller.place = caller.place + connections < workers.length ? caller.place + connections : index
      const lent = { ...grant, connection }
      accessTokens[grant.index] = await client.refresh(lent)
      grant.refreshToken = lent.refreshToken
    }
    /** @type {Array<string>} */
    let called = []
    const guard = async (/** @type {import("../lib/load.mjs").Worker} */ { connection, index }) => {
      const caller = active[index]
      const token = called[(caller?.place ?? 0) % called.length]
      if (caller !== undefined) caller.place += connections
      return client.callApi(connection, target.guarded, token)
    }
    const millis = quick ? 1_500 : 10_000
    /** @type {Record<string, { readonly p50: number, readonly p99: number }>} */
    const latencies = {}
    await connected(started.workers, async () => {
      await closedLoop(server, started.workers, refresh, { cpuMillis: warmUp, maxOperations: 1e9 })
      // Every grant has an access token after this.
      await closedLoop(server, started.workers, refresh, {
        cpuMillis: 1e9,
        maxOperations: workers.length + connections
      })
      latencies.refresh = await openLoop(started.workers, refresh, { rate: rates.refresh, millis })
      called = accessTokens.filter((token) => token !== undefined)
      await closedLoop(server, started.workers, guard, { cpuMillis: warmUp })
      latencies.guard = await openLoop(started.workers, guard, { rate: rates.guard, millis })
    })
    return { startMillis, startMiB, loadedMiB: Machine.residentMiB(server.pids()), latencies }
  } finally {
    await started.stop()
  }
}

/** Bytes of the database; the files of its log are gone after a stop. @param {string} folder */
const databaseBytes = (folder) =>
  ["auth.db", "auth.db-wal"]
    .map((name) => Path.join(folder, name))
    .filter((file) => Fs.existsSync(file))
    .reduce((sum, file) => sum + Fs.statSync(file).size, 0)

/**
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {import("../lib/options.mjs").Options} options
 * @param {(line: string) => void} log
 */
export const run = async (rig, options, log) => {
  /** @type {Array<{ readonly grants: number } & (Awaited<ReturnType<typeof measure>> & { readonly bytes: number } | { readonly failed: string })>} */
  const rows = []
  for (const grants of options.quick ? [1_000, 10_000] : [1_000, 100_000, 1_000_000]) {
    const folder = makeFolder()
    try {
      const seeded = await seed(rig, folder, grants)
      const bytes = databaseBytes(folder)
      rows.push({ grants, bytes, ...(await measure(rig, folder, seeded, options)) })
    } catch (error) {
      rows.push({ grants, failed: messageOf(error) })
    } finally {
      removeFolder(folder)
    }
    log(`scale ${JSON.stringify(rows.at(-1))}`)
  }
  return { rates, rows }
}
