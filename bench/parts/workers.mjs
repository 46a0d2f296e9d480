/** `latchkey serve --workers N`: the processor time of a request with one and with two workers. */
import { setTimeout as sleep } from "node:timers/promises"
import * as Bin from "../lib/bin.mjs"
import * as Http from "../lib/http.mjs"
import { closedLoop, connected, messageOf } from "../lib/load.mjs"
import * as Machine from "../lib/machine.mjs"
import { median } from "../lib/statistics.mjs"

/** @typedef {import("../lib/load.mjs").Worker} Worker */

/** Number of tokens that are introspected, in turn. */
const tokenCount = 256

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
 * @param {import("../lib/process.mjs").Server} server
 * @param {ReadonlyArray<Worker>} workers
 * @param {import("../lib/load.mjs").Operation} operation
 * @param {{ readonly warmUp: number, readonly duration: number, readonly rounds: number }} budget
 */
const measureItem = async (server, workers, operation, { duration, rounds, warmUp }) => {
  /** @type {Array<import("../lib/statistics.mjs").Round>} */
  const results = []
  try {
    await connected(workers, async () => {
      await allReady(workers, server.port)
      await closedLoop(server, workers, operation, { cpuMillis: warmUp })
      for (let i = 0; i < rounds; i++)
        results.push(await closedLoop(server, workers, operation, { cpuMillis: duration }))
    })
  } catch (error) {
    return { failed: messageOf(error) }
  }
  return {
    cpuMicros: median(results.map((round) => round.cpuMicros)),
    perSecond: median(results.map((round) => round.perSecond)),
    p99: median(results.map((round) => round.p99))
  }
}

/**
 * Waits until each connection gets an answer of a worker that is ready: a worker listens before its routes are ready, and answers
 * 503 until then.
 *
 * @param {ReadonlyArray<Worker>} workers
 * @param {number} port
 */
const allReady = async (workers, port) => {
  const request = Http.get(port, "/ready")
  const isReady = async (/** @type {Worker} */ { connection }) => (await connection.request(request)).status === 200
  for (let i = 0; i < 100; i++) {
    if ((await Promise.all(workers.map(isReady))).every((ready) => ready)) return
    await sleep(100)
  }
  throw new Error("the workers are not ready")
}

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
      /** @type {Array<string>} */
      const tokens = []
      const issue = async (/** @type {Worker} */ { connection }) => {
        const token = await bin.client.clientCredentials(connection)
        if (tokens.length < tokenCount) tokens.push(token)
      }
      const introspect = async (/** @type {Worker} */ worker) => {
        const token = tokens[worker.place++ % tokens.length] ?? ""
        if ((await bin.client.introspect(worker.connection, token)) !== true)
          throw new Error("a valid token is not active")
      }
      const budget = { warmUp: warmUp * workers, duration: duration * workers, rounds }
      return {
        client_credentials: await measureItem(server, bin.workers, issue, budget),
        introspect: await measureItem(server, bin.workers, introspect, budget)
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
  /** @type {Array<{ readonly storage: string, readonly workers: number } & (Awaited<ReturnType<typeof measure>> | { readonly failed: string })>} */
  const rows = []
  for (const storage of ["SQLite", "PostgreSQL"]) {
    for (const workers of counts) {
      if (storage === "PostgreSQL" && rig.createDatabase === undefined) continue
      const database = storage === "SQLite" ? undefined : await rig.createDatabase?.()
      const result = await measure(database, workers, options).catch((error) => ({ failed: messageOf(error) }))
      rows.push({ storage, workers, ...result })
      log(`workers ${JSON.stringify(rows.at(-1))}`)
    }
  }
  return { isShared: Machine.cores <= Math.max(...counts), rows }
}
