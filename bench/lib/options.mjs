/** The command line of the bench. */
import { parseArgs } from "node:util"
import { items } from "./items.mjs"
import * as Machine from "./machine.mjs"
import { named, targets } from "./targets.mjs"

export const parts = /** @type {const} */ (["shares", "scale", "footprint", "capacity", "workers"])

export const help = `Usage: npm run bench -- [options]

Measures Latchkey, its peers and a lower bound on this machine. Linux only; needs two cores and taskset.
A whole run takes 35 to 50 minutes and writes docs/performance.md. A partial run prints its tables.

  --only PARTS       Parts to run, separated by commas: ${parts.join(", ")}
  --items ITEMS      Items of the shares: ${Object.keys(items).join(", ")}
  --targets SERVERS  Servers of the shares; the lower bound and its control are always among them:
                     ${targets
                       .slice(2, 7)
                       .map((target) => target.name)
                       .join(", ")},
                     ${targets
                       .slice(7)
                       .map((target) => target.name)
                       .join(", ")}
  --rounds N         Rounds of each item (default: 15)
  --warm-up MS       Warm-up of each item on each server, in milliseconds of processor time (default: 8000)
  --duration MS      Duration of a round, in milliseconds of processor time (default: 450)
  --quick            Short warm-ups and few rounds: shows that everything works, and measures nothing well
  --server-cores C   Cores of the servers (default: the last core)
  --load-cores C     Cores of the load and of PostgreSQL (default: core 0)
  --out FILE         Write the document to FILE, also after a partial run
  --json FILE        Write the results as JSON
  --from FILE        Measure nothing; write the document of the results in FILE
  --help             Show help`

/** @param {string | undefined} text */
const listOf = (text) => text?.split(",").filter(Boolean)

/**
 * @template {string} A
 * @param {string} option
 * @param {string | undefined} text
 * @param {ReadonlyArray<A>} known
 */
const choice = (option, text, known) => {
  const unknown = listOf(text)?.find((name) => !known.some((other) => other === name))
  if (unknown !== undefined) throw new Error(`--${option}: ${unknown} is unknown; there are ${known.join(", ")}`)
  return known.filter((name) => text === undefined || listOf(text)?.includes(name))
}

/**
 * @param {string} option
 * @param {string | undefined} text
 * @param {number} otherwise
 */
const positive = (option, text, otherwise) => {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option}: ${text} is not a positive integer`)
  return value
}

/** @param {ReadonlyArray<string>} args */
export const parse = (args) => {
  const text = /** @type {const} */ ({ type: "string" })
  const { values } = parseArgs({
    args: Array.from(args),
    options: {
      only: text,
      items: text,
      targets: text,
      rounds: text,
      "warm-up": text,
      duration: text,
      "server-cores": text,
      "load-cores": text,
      out: text,
      json: text,
      from: text,
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false }
    }
  })
  const { quick } = values
  const chosen = choice(
    "targets",
    values.targets,
    targets.slice(2).map((target) => target.name)
  )
  return {
    help: values.help,
    quick,
    isWhole: !quick && values.only === undefined && values.items === undefined && values.targets === undefined,
    only: choice("only", values.only, parts),
    items: choice("items", values.items, Object.keys(items)),
    targets: ["bound", "control", ...chosen].map(named),
    rounds: positive("rounds", values.rounds, quick ? 3 : 15),
    warmUp: positive("warm-up", values["warm-up"], quick ? 400 : 8_000),
    duration: positive("duration", values.duration, quick ? 150 : 450),
    serverCores: values["server-cores"] ?? String(Machine.cores - 1),
    loadCores: values["load-cores"] ?? "0",
    out: values.out,
    json: values.json,
    from: values.from
  }
}

/** @typedef {ReturnType<typeof parse>} Options */
