/**
 * The load that one core serves with a 99th percentile of at most 20 ms. Requests arrive at random instants, whether the server
 * keeps up or not, on Latchkey with SQLite.
 */
import * as Items from "../lib/items.mjs"
import { closedLoop, connected, messageOf, openLoop } from "../lib/load.mjs"
import { start } from "../lib/start.mjs"
import { named } from "../lib/targets.mjs"

/** Maximum 99th percentile of the latency, in milliseconds. */
const limit = 20

/** Factors of the rate of a closed loop that are tried, one after another, until one is within the limit. */
const factors = [0.98, 0.94, 0.9, 0.86, 0.82, 0.78, 0.74, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]

/** The measured items. */
const measured = ["guard", "client_credentials", "refresh", "introspect"]

/**
 * @param {import("../lib/start.mjs").Rig} rig
 * @param {string} item
 * @param {import("../lib/options.mjs").Options} options
 */
const measure = async (rig, item, options) => {
  const started = await start(rig, named("latchkey-sqlite"), {
    environment: { ACCOUNTS: String(Items.accountsFor(item)) }
  })
  try {
    const prepared = await Items.prepare(started, item, options.warmUp)
    /** @type {{ readonly perSecond: number, readonly p50: number, readonly p99: number } | undefined} */
    let found
    await connected(started.workers, async () => {
      await prepared.before?.(options.duration)
      const closed = await closedLoop(started.server, started.workers, prepared.operation, {
        cpuMillis: options.quick ? 500 : 2_000
      })
      for (const factor of factors) {
        started.client.forget()
        const rate = closed.perSecond * factor
        const millis = options.quick ? 800 : 4_000
        const result = await openLoop(started.workers, prepared.operation, { rate, millis }).catch((error) => {
          if (error instanceof Error && error.message.includes("keep up")) return undefined
          throw error
        })
        if (result !== undefined && result.p99 <= limit) {
          found = result
          return
        }
      }
    })
    return found
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
  /** @type {Record<string, Awaited<ReturnType<typeof measure>> | { readonly failed: string }>} */
  const rows = {}
  for (const item of measured) {
    rows[item] = await measure(rig, item, options).catch((error) => ({ failed: messageOf(error) }))
    log(`capacity ${item}: ${JSON.stringify(rows[item])}`)
  }
  return { limit, rows }
}
