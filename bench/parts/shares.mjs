/**
 * Shares of the lower bound. For each item all servers run side by side; each is warmed up, and then they take turns in short
 * rounds in a random order, so that a slow minute of the machine slows all of them.
 */
import * as Items from "../lib/items.mjs"
import { messageOf } from "../lib/load.mjs"
import { start } from "../lib/start.mjs"
import { shuffled } from "../lib/statistics.mjs"

/** @typedef {import("../lib/statistics.mjs").Cell} Cell */
/** @typedef {import("../lib/targets.mjs").Target} Target */

/**
 * `warmUp` and `duration` are milliseconds of the server's processor time: of each warm-up and of each round.
 *
 * @typedef {{
 *   readonly items: ReadonlyArray<string>, readonly targets: ReadonlyArray<Target>, readonly rounds: number,
 *   readonly warmUp: number, readonly duration: number
 * }} Options
 */

/** The cells of an item, by the name of the server. @typedef {Readonly<Record<string, Cell>>} Row */

/** @param {unknown} error */
const failed = (error) => ({ failed: messageOf(error) })

/**
 * Starts the servers that can do the item, and warms them up.
 *
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {string} item
 * @param {Options} options
 * @param {(line: string) => void} log
 */
const prepareAll = async (rig, item, { targets, warmUp }, log) => {
  /** @type {Array<import("../lib/start.mjs").Started & { readonly prepared: Items.Prepared }>} */
  const ready = []
  /** @type {Record<string, Cell>} */
  const others = {}
  for (const target of targets) {
    const reason = Items.reasonToLeaveOut(item, target)
    if (reason !== undefined) {
      others[target.name] = { leftOut: reason }
      continue
    }
    /** @type {import("../lib/start.mjs").Started | undefined} */
    let started
    try {
      started = await start(rig, target, { environment: { ACCOUNTS: String(Items.accountsFor(item)) } })
      ready.push({ ...started, prepared: await Items.prepare(started, item, warmUp) })
    } catch (error) {
      await started?.stop()
      others[target.name] = failed(error)
      log(`${item} ${target.name} failed: ${failed(error).failed}`)
    }
  }
  return { ready, others }
}

/**
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {string} item
 * @param {Options} options
 * @param {(line: string) => void} log
 * @returns {Promise<Row>}
 */
const measureItem = async (rig, item, options, log) => {
  const { others, ready } = await prepareAll(rig, item, options, log)
  /** @type {Map<string, Array<import("../lib/statistics.mjs").Round>>} */
  const rounds = new Map(ready.map(({ target }) => [target.name, []]))
  for (let i = 0; i < options.rounds; i++) {
    for (const started of shuffled(ready)) {
      const { name } = started.target
      if (name in others) continue
      try {
        rounds.get(name)?.push(await Items.round(started, started.prepared, options.duration))
      } catch (error) {
        others[name] = failed(error)
        log(`${item} ${name} failed: ${failed(error).failed}`)
      }
    }
  }
  for (const { stop } of ready) await stop()
  const measured = Object.fromEntries(Array.from(rounds, ([name, list]) => [name, { rounds: list }]))
  return { ...measured, ...others }
}

/**
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {Options} options
 * @param {(line: string) => void} log
 */
export const run = async (rig, options, log) => {
  /** @type {Record<string, Row>} */
  const rows = {}
  for (const item of options.items) {
    const begun = performance.now()
    rows[item] = await measureItem(rig, item, options, log)
    log(`${item}: ${Math.round((performance.now() - begun) / 1e3)} s`)
  }
  const { duration, rounds, targets, warmUp } = options
  /** @type {ReadonlyArray<Pick<Target, "label" | "name" | "place">>} */
  const names = targets.map(({ label, name, place }) => ({ label, name, place }))
  return { warmUp, duration, rounds, targets: names, rows }
}
