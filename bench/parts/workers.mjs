/** `latchkey serve --workers N`: the processor time of a request with one and with two workers. */
import * as Bin from "../lib/bin.mjs"
import { closedLoop, connected } from "../lib/load.mjs"
import * as Machine from "../lib/machine.mjs"
import { median } from "../lib/statistics.mjs"

/** Numbers of workers. */
const counts = [1, 2]

/**
 * The cores of the workers: the last ones. On a machine of two cores two workers share them with the load.
 *
 * @param {number} workers
 */
const coresOf = (workers) =>
  Array.from({ length: workers }, (_, i) => Machine.cores - 1 - i)
    .filter((core) => core >= 0)
    .join(",")

/**
 * @param {string | undefined} database
 * @param {number} workers
 * @param {import("../lib/options.mjs").Options} options
 */
const measure = async (database, workers, { duration, rounds, warmUp }) => {
  const bin = await Bin.make(database)
  try {
    const server = await bin.serve(coresOf(workers), ["--workers", String(workers)])
    try {
      const issue = (/** @type {import("../lib/load.mjs").Worker} */ worker) =>
        bin.client.clientCredentials(worker.connection)
      /** @type {Array<import("../lib/statistics.mjs").Round>} */
      const results = []
      await connected(bin.workers, async () => {
        await closedLoop(server, bin.workers, issue, { cpuMillis: warmUp * workers })
        for (let i = 0; i < rounds; i++) {
          results.push(await closedLoop(server, bin.workers, issue, { cpuMillis: duration * workers }))
        }
      })
      return {
        cpuMicros: median(results.map((round) => round.cpuMicros)),
        perSecond: median(results.map((round) => round.perSecond)),
        p99: median(results.map((round) => round.p99))
      }
    } finally {
      await server.stop()
    }
  } finally {
    bin.remove()
  }
}

/**
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {import("../lib/options.mjs").Options} options
 * @param {(line: string) => void} log
 */
export const run = async (rig, options, log) => {
  if (!Bin.hasOption("--workers")) {
    log("workers: left out, because `latchkey serve` has no option --workers")
    return { leftOut: "`latchkey serve` has no option `--workers`" }
  }
  /** @type {Record<string, Record<string, Awaited<ReturnType<typeof measure>> | { readonly failed: string }>>} */
  const rows = {}
  for (const storage of ["SQLite", "PostgreSQL"]) {
    rows[storage] = {}
    for (const count of counts) {
      const database = storage === "SQLite" ? undefined : await rig.createDatabase?.()
      if (storage === "PostgreSQL" && database === undefined) continue
      const result = await measure(database, count, options).catch((error) => ({ failed: String(error) }))
      rows[storage][count] = result
      log(`${storage}, ${count} workers: ${JSON.stringify(result)}`)
    }
  }
  return { isShared: Machine.cores <= Math.max(...counts), rows }
}
