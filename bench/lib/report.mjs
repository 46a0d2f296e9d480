/** Renders the results as the document `docs/performance.md`. */
import { items } from "./items.mjs"
import { median, share } from "./statistics.mjs"
import { number, oneLine, shareText, table } from "./tables.mjs"

/** The share of the bound, in percent, that Latchkey on SQLite must have. @type {Readonly<Record<string, number>>} */
export const required = {
  guard: 45,
  makeGuard: 90,
  client_credentials: 25,
  flow: 35,
  refresh: 26,
  introspect: 32,
  revoke: 25,
  register: 33,
  metadata: 66
}

/** @typedef {import("./statistics.mjs").Cell} Cell */
/** @typedef {{ readonly failed: string }} Failed */
/** @template {(...args: any) => Promise<any>} F @typedef {Awaited<ReturnType<F>>} Result */

/**
 * @typedef {{
 *   readonly date: string, readonly command: string, readonly machine: ReturnType<typeof import("./machine.mjs").describe>,
 *   readonly isQuick: boolean, readonly minutes: number,
 *   readonly shares?: Result<typeof import("../parts/shares.mjs").run> | Failed,
 *   readonly scale?: Result<typeof import("../parts/scale.mjs").run> | Failed,
 *   readonly footprint?: Result<typeof import("../parts/footprint.mjs").run> | Failed,
 *   readonly capacity?: Result<typeof import("../parts/capacity.mjs").run> | Failed,
 *   readonly workers?: Result<typeof import("../parts/workers.mjs").run> | Failed
 * }} Results
 */

/** @param {Cell | undefined} cell @param {Cell | undefined} bound */
const cellText = (cell, bound) => {
  if (cell === undefined || "leftOut" in cell) return "–"
  if ("failed" in cell) return "failed"
  const ratio = share(cell, bound)
  return ratio === undefined ? "–" : shareText(ratio)
}

/** Whether Latchkey on SQLite has the required share. @param {string} item @param {Cell | undefined} cell @param {Cell | undefined} bound */
export const requirement = (item, cell, bound) => {
  const percent = required[item]
  if (percent === undefined) return ""
  const ratio = share(cell, bound)
  const isMet = ratio !== undefined && Math.round(ratio.median * 100) >= percent
  return `≥ ${percent} %${ratio === undefined ? "" : isMet ? ", met" : ", **missed**"}`
}

/** @param {Cell | undefined} cell */
const micros = (cell) =>
  cell !== undefined && "rounds" in cell ? number(median(cell.rounds.map((round) => round.cpuMicros))) : "–"

/** @param {Exclude<Results["shares"], undefined | Failed>} shares */
const sharesSection = ({ duration, rounds, rows, targets, warmUp }) => {
  const label = (/** @type {string} */ item) => items[item]?.label ?? item
  const entries = Object.entries(rows)
  const latchkey = targets.filter(({ place }) => place === "latchkey")
  const peers = targets.filter(({ place }) => place === "peer")
  const own = table(
    ["Share of the bound", ...latchkey.map((target) => target.label), "Required of SQLite", "Control"],
    entries.map(([item, row]) => [
      label(item),
      ...latchkey.map(({ name }) => cellText(row[name], row.bound)),
      requirement(item, row["latchkey-sqlite"], row.bound),
      cellText(row.control, row.bound)
    ])
  )
  const others = table(
    ["Share of the bound", ...peers.map((target) => target.label)],
    entries
      .filter(([item]) => item !== "makeGuard")
      .map(([item, row]) => [label(item), ...peers.map(({ name }) => cellText(row[name], row.bound))])
  )
  const absolute = table(
    ["Processor time of an operation, µs", ...targets.map((target) => target.label)],
    entries.map(([item, row]) => [label(item), ...targets.map(({ name }) => micros(row[name]))])
  )
  const failures = entries.flatMap(([item, row]) =>
    Object.entries(row).flatMap(([name, cell]) =>
      "failed" in cell ? [`- ${label(item)}, ${name}: ${oneLine(cell.failed)}`] : []
    )
  )
  const foreign = entries.flatMap(([, row]) =>
    Object.values(row).flatMap((cell) => ("rounds" in cell ? cell.rounds.map((round) => round.foreign) : []))
  )
  return `## Shares of the lower bound

The bound is a hand-written server on bare node:http and better-sqlite3 (\`bench/servers/bound.mjs\`): WAL, \`synchronous=FULL\`, one
commit for all writes of a turn of the event loop. A share compares operations in a second of the server's processor time. Each cell
has the median of ${rounds} rounds and their range. In a round, all servers take turns in a random order, for ${duration} ms of processor time each, on
32 connections, after a warm-up of ${warmUp / 1000} s of processor time. Every answer is checked; an item with one wrong answer is *failed*.
*Control* is the bound against a second process of itself: differences within its range mean nothing.

${own}

The name of a server says where it stores. Only the bound and Latchkey on SQLite and PostgreSQL have their writes on the disk when
they answer: SQLite with \`synchronous=NORMAL\` can lose the last ones in a power failure. A dash is an item that a server does not have.
The spent refresh tokens of every server are refused; workers-oauth-provider refuses one only after its successor was used. Logins
are not measured. The processor time of PostgreSQL itself is not counted.

${peers.length === 0 ? "" : others}

${absolute}

During the rounds other processes, among them PostgreSQL, used ${number(median(foreign) * 100)} % of the machine (median).
${failures.length === 0 ? "" : `\nFailed items:\n\n${failures.join("\n")}\n`}`
}

/** @param {Exclude<Results["scale"], undefined | Failed>} scale */
const scaleSection = ({ rates, rows }) => `## From a thousand grants to a million

The app of the bench on SQLite. Requests arrive at random instants: ${rates.refresh} refreshes or ${rates.guard} guarded calls a second, each
of another grant. A grant includes the consent of its user. *Start* is the time from the start of the process to its first response.

${table(
  [
    "Grants",
    "Refresh p50 / p99, ms",
    "Guarded call p50 / p99, ms",
    "Start, ms",
    "Memory after the start, MiB",
    "Memory after the load, MiB",
    "Bytes a grant on the disk"
  ],
  rows.map((row) => {
    if ("failed" in row) return [number(row.grants), `failed: ${oneLine(row.failed)}`, "", "", "", "", ""]
    const latency = (/** @type {{ readonly p50: number, readonly p99: number } | undefined} */ value) =>
      value === undefined ? "–" : `${value.p50.toFixed(2)} / ${value.p99.toFixed(2)}`
    const memory = [number(row.startMiB), number(row.loadedMiB)]
    const { guard, refresh } = row.latencies
    const bytes = number(row.bytes / row.grants)
    return [
      row.grants.toLocaleString("en-US"),
      latency(refresh),
      latency(guard),
      number(row.startMillis),
      ...memory,
      bytes
    ]
  })
)}
`

/** @param {Exclude<Results["footprint"], undefined | Failed>} footprint */
const footprintSection = ({ guardedMicros, idleMiB, loadedMiB, startMillis, tokens }) => `## One server

${table(
  ["`latchkey serve` on SQLite", "Measured"],
  [
    [
      `start to the first response of \`/ready\`, median of ${startMillis.rounds} starts`,
      `${number(startMillis.median)} ms (${number(startMillis.low)}–${number(startMillis.high)})`
    ],
    ["resident memory, idle", `${number(idleMiB)} MiB`],
    [`resident memory after ${tokens.toLocaleString("en-US")} tokens`, `${number(loadedMiB)} MiB`],
    ["processor time of a million calls of a guarded route", `${number(guardedMicros.guard)} s`],
    ["processor time of a million calls of `makeGuard` on node:http", `${number(guardedMicros.makeGuard)} s`]
  ]
)}
`

/** @param {Exclude<Results["capacity"], undefined | Failed>} capacity */
const capacitySection = ({ limit, rows }) => `## Capacity of one core

The highest load that Latchkey on SQLite serves on one core with a 99th percentile of at most ${limit} ms. Requests arrive at random
instants, and a latency counts from the instant at which a request was due.

${table(
  ["Item", "Requests a second", "p50, ms", "p99, ms"],
  Object.entries(rows).map(([item, row]) => {
    const label = items[item]?.label ?? item
    if (row === undefined) return [label, "none of the tried loads", "", ""]
    if ("failed" in row) return [label, `failed: ${oneLine(row.failed)}`, "", ""]
    return [label, number(row.perSecond), number(row.p50), number(row.p99)]
  })
)}
`

/** @param {Exclude<Results["workers"], undefined | Failed>} workers */
const workersSection = (workers) => {
  if ("leftOut" in workers) return `## Workers\n\nLeft out: ${workers.leftOut}.\n`
  const note = workers.isShared
    ? " This machine has two cores, so two workers share them with the load: the requests a second do not show the scaling, and the processor time does."
    : ""
  const lines = workers.rows.flatMap((row) => {
    const place = [row.storage, String(row.workers)]
    if ("failed" in row) return [[...place, "", `failed: ${oneLine(row.failed)}`, "", ""]]
    const one = workers.rows.find((other) => other.storage === row.storage && other.workers === 1)
    return /** @type {const} */ (["client_credentials", "introspect"]).map((item) => {
      const result = row[item]
      if ("failed" in result) return [...place, item, `failed: ${oneLine(result.failed ?? "")}`, "", ""]
      const single = one === undefined || "failed" in one ? undefined : one[item].cpuMicros
      const scaling = single === undefined ? Number.NaN : (row.workers * single) / result.cpuMicros
      return [...place, item, number(result.cpuMicros), number(scaling), number(result.perSecond)]
    })
  })
  return `## Workers

\`latchkey serve --workers N\`. *Scaling* is the number of workers, times the processor time of a request with one worker, divided by
that with this number: 2.0 with two workers means that nothing is lost.${note}

${table(["Storage", "Workers", "Item", "Processor time of a request, µs", "Scaling", "Requests a second"], lines)}
`
}

/**
 * @template A
 * @param {string} title
 * @param {A | Failed | undefined} part
 * @param {(part: A) => string} section
 */
const sectionOf = (title, part, section) => {
  if (part === undefined) return []
  const isFailed = typeof part === "object" && part !== null && "failed" in part
  return [isFailed ? `## ${title}\n\nFailed: ${oneLine(String(part.failed))}\n` : section(/** @type {A} */ (part))]
}

/** @param {Results} results */
export const render = (results) => {
  const { command, date, isQuick, machine, minutes } = results
  const warning = isQuick ? "\nThis was a quick run. It shows that the bench works; its numbers mean nothing.\n" : ""
  const head = `# Performance

\`${command}\` wrote this page on ${date} in ${minutes} minutes. Machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB,
${machine.system}, Node ${machine.node.slice(1)}. The server runs on one core, and the load and PostgreSQL on another. All numbers are of this machine:
compare the shares, not the times.
${warning}`
  const sections = [
    ...sectionOf("Shares of the lower bound", results.shares, sharesSection),
    ...sectionOf("From a thousand grants to a million", results.scale, scaleSection),
    ...sectionOf("One server", results.footprint, footprintSection),
    ...sectionOf("Capacity of one core", results.capacity, capacitySection),
    ...sectionOf("Workers", results.workers, workersSection)
  ]
  return `${[head, ...sections]
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trimEnd()}\n`
}
