/**
 * Measures the speed of Latchkey beside its peers and a hand-written lower bound, and writes `docs/performance.md`.
 *
 * Usage: `npm run bench -- --help`
 */
import { execFileSync } from "node:child_process"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as Machine from "./lib/machine.mjs"
import * as Options from "./lib/options.mjs"
import * as Postgres from "./lib/postgres.mjs"
import { killAll } from "./lib/process.mjs"
import { render } from "./lib/report.mjs"
import * as Capacity from "./parts/capacity.mjs"
import * as Footprint from "./parts/footprint.mjs"
import * as Scale from "./parts/scale.mjs"
import * as Shares from "./parts/shares.mjs"
import * as Workers from "./parts/workers.mjs"

const document = fileURLToPath(new URL("../docs/performance.md", import.meta.url))
const peers = fileURLToPath(new URL("peers", import.meta.url))

/** @param {string} line */
const log = (line) => process.stderr.write(`${line}\n`)

/** The command as it is repeated; where the results go is no part of it. @param {ReadonlyArray<string>} args */
const commandLine = (args) => {
  const kept = args.filter(
    (arg, i) => !/^--(?:out|json)\b/.test(arg) && !["--out", "--json"].includes(args[i - 1] ?? "")
  )
  return kept.length === 0 ? "npm run bench" : `npm run bench -- ${kept.join(" ")}`
}

/** Installs the peers' packages, if they are missing. */
const installPeers = () => {
  if (Fs.existsSync(`${peers}/node_modules/.package-lock.json`)) return
  log("Installing the packages of the peers in bench/peers")
  execFileSync("npm", ["ci", "--prefix", peers, "--no-audit", "--no-fund"], { stdio: ["ignore", "ignore", "inherit"] })
}

/**
 * Runs a part. A part that fails leaves the others their results.
 *
 * @template A
 * @param {string} name
 * @param {() => Promise<A>} run
 */
const attempt = async (name, run) => {
  const begun = performance.now()
  try {
    return await run()
  } catch (error) {
    log(`${name} failed: ${error instanceof Error ? error.stack : error}`)
    return { failed: error instanceof Error ? error.message : String(error) }
  } finally {
    log(`${name}: ${Math.round((performance.now() - begun) / 1e3)} s`)
  }
}

/** @param {Options.Options} options */
const measure = async (options) => {
  const { loadCores, only, serverCores } = options
  if (options.targets.some(({ place }) => place === "peer")) installPeers()
  Machine.pin(process.pid, loadCores)
  const begun = performance.now()
  const postgres = await attempt("PostgreSQL", () => Postgres.start(loadCores))
  const createDatabase = "create" in postgres ? postgres.create : undefined
  const rig = { serverCores, loadCores, createDatabase }
  try {
    const results = {
      date: new Date().toISOString().slice(0, 10),
      command: commandLine(process.argv.slice(2)),
      machine: Machine.describe(),
      isQuick: options.quick,
      ...(only.includes("shares") && { shares: await attempt("shares", () => Shares.run(rig, options, log)) }),
      ...(only.includes("scale") && { scale: await attempt("scale", () => Scale.run(rig, options, log)) }),
      ...(only.includes("footprint") && {
        footprint: await attempt("footprint", () => Footprint.run(rig, options, log))
      }),
      ...(only.includes("capacity") && { capacity: await attempt("capacity", () => Capacity.run(rig, options, log)) }),
      ...(only.includes("workers") && { workers: await attempt("workers", () => Workers.run(rig, options, log)) })
    }
    return { ...results, minutes: Math.round((performance.now() - begun) / 6e4) }
  } finally {
    if ("stop" in postgres) await postgres.stop()
  }
}

/** @param {ReadonlyArray<string>} args */
const main = async (args) => {
  const options = Options.parse(args)
  if (options.help) return void process.stdout.write(`${Options.help}\n`)
  const results = options.from ? JSON.parse(Fs.readFileSync(options.from, "utf8")) : await measure(options)
  if (options.json) Fs.writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`)
  const text = render(results)
  const out = options.out ?? (options.isWhole && options.from === undefined ? document : undefined)
  if (out === undefined) process.stdout.write(text)
  else Fs.writeFileSync(out, text)
  if (out !== undefined) log(`wrote ${out}`)
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    killAll()
    process.exit(1)
  })
}
try {
  await main(process.argv.slice(2))
  process.exit(0)
} catch (error) {
  log(error instanceof Error ? (error.stack ?? error.message) : String(error))
  killAll()
  process.exit(1)
}
