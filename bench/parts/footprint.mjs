/** The command `latchkey serve` with SQLite: its start-up time, its memory, and the processor time of a guarded call. */
import * as Bin from "../lib/bin.mjs"
import * as Items from "../lib/items.mjs"
import { closedLoop, connected } from "../lib/load.mjs"
import * as Machine from "../lib/machine.mjs"
import { start } from "../lib/start.mjs"
import { median, summary } from "../lib/statistics.mjs"
import { named } from "../lib/targets.mjs"

/** Time that an idle server has before its memory is read, in milliseconds. */
const settling = 3_000

/** @param {import("../lib/start.mjs").Rig} rig @param {{ readonly starts: number, readonly tokens: number }} options */
const measureBin = async (rig, { starts, tokens }) => {
  const bin = await Bin.make()
  try {
    /** @type {Array<number>} */
    const millis = []
    for (let i = 0; i < starts; i++) {
      const server = await bin.serve(rig.serverCores)
      millis.push(server.startMillis)
      await server.stop()
    }
    const server = await bin.serve(rig.serverCores)
    try {
      await Machine.sleep(settling)
      const idleMiB = Machine.residentMiB(server.pids())
      await connected(bin.workers, async () => {
        const issue = (/** @type {import("../lib/load.mjs").Worker} */ worker) =>
          bin.client.clientCredentials(worker.connection)
        await closedLoop(server, bin.workers, issue, { cpuMillis: 1e9, maxOperations: tokens })
      })
      await Machine.sleep(settling)
      return { startMillis: summary(millis), idleMiB, tokens, loadedMiB: Machine.residentMiB(server.pids()) }
    } finally {
      await server.stop()
    }
  } finally {
    bin.remove()
  }
}

/**
 * Processor time of a guarded call, in microseconds: the median of the rounds.
 *
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {string} item
 * @param {import("../lib/options.mjs").Options} options
 */
const guardedMicros = async (rig, item, { duration, rounds, warmUp }) => {
  const started = await start(rig, named("latchkey-sqlite"))
  try {
    const prepared = await Items.prepare(started, item, warmUp)
    /** @type {Array<number>} */
    const micros = []
    for (let i = 0; i < rounds; i++) micros.push((await Items.round(started, prepared, duration)).cpuMicros)
    return median(micros)
  } finally {
    await started.stop()
  }
}

/**
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {import("../lib/options.mjs").Options} options
 * @param {(line: string) => void} log
 */
export const run = async (rig, options, log) => {
  const bin = await measureBin(rig, { starts: options.quick ? 2 : 9, tokens: options.quick ? 3_000 : 100_000 })
  log(`start-up ${Math.round(bin.startMillis.median)} ms, memory ${Math.round(bin.idleMiB)} MiB`)
  const guard = await guardedMicros(rig, "guard", options)
  const makeGuard = await guardedMicros(rig, "makeGuard", options)
  return { ...bin, guardedMicros: { guard, makeGuard } }
}
