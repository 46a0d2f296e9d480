/**
 * The long runs (`npm run faults`): the scenarios of the tests with numbers that are too large for CI. Each prints rows of the
 * tables in docs/reliability.md, and exits with 1 if a promise was broken.
 */
import { parseArgs } from "node:util"
import * as PostgresServer from "../support/PostgresServer.js"
import * as Crashes from "./scenarios/Crashes.js"
import * as Flushes from "./scenarios/Flushes.js"
import * as Races from "./scenarios/Races.js"
import * as Changed from "./support/Changed.js"
import { check, type Settings, type Violation } from "./support/Checker.js"
import { Clients } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History } from "./support/History.js"
import { seeded } from "./support/Seeded.js"

const usage = `npm run faults -- [crashes] [--rounds 1000] [--lanes 2] [--seed 1]
npm run faults -- flushes [--refreshes 1000] [--at 64]
npm run faults -- races [--codes 1000] [--clients 300] [--rotations 10000] [--nodes 1,2,4] [--postgres]`

/** One row: the fault, the number of rounds, the assertion, and the result. */
interface Row {
  readonly fault: string
  readonly rounds: number
  readonly asserted: string
  readonly result: string
  readonly loggedInAgain: number | string
  readonly isGood: boolean
}

const header = `| Fault | Rounds | Asserted | Result | Logged in again |
|---|---:|---|---|---:|`

const print = ({ asserted, fault, loggedInAgain, result, rounds }: Row) =>
  process.stdout.write(`| ${fault} | ${rounds} | ${asserted} | ${result} | ${loggedInAgain} |\n`)

const inWords = (violations: ReadonlyArray<Violation>): string =>
  violations.length === 0
    ? "no violation"
    : violations.map(({ invariant, where }) => `${invariant} (${where})`).join(", ")

/** kill -9, many times, with several servers at a time. */
const crashes = async (rounds: number, lanes: number, seed: number): Promise<ReadonlyArray<Row>> => {
  const done: Array<Crashes.Round> = []
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async (_, index) => {
      const random = seeded(seed * 1000 + index)
      let lane = await Crashes.start(random)
      for (let own = 1; next < rounds; own++) {
        const kind = Crashes.kinds[next++ % Crashes.kinds.length] ?? "refresh"
        done.push(await lane.round(kind, 100 + random() * 200))
        if (done.length % 50 === 0) process.stderr.write(`${done.length} of ${rounds}\n`)
        // A new database now and then, so that the log is sometimes new.
        if (own % 50 === 0) {
          await lane.stop()
          lane = await Crashes.start(random)
        }
      }
      await lane.stop()
    })
  )
  return Crashes.kinds.map((kind) => {
    const all = done.filter((round) => round.kind === kind)
    const sum = (count: (round: Crashes.Round) => number) => all.reduce((total, round) => total + count(round), 0)
    const unsound = all.filter(({ integrity }) => integrity !== "ok").length
    const violations = all.flatMap((round) => round.violations)
    // Each open redemption may have spent its code. A refresh is retried.
    const tooMany = all.some(({ inFlight, loggedInAgain }) => loggedInAgain > (kind === "redemption" ? inFlight : 0))
    const counts = `${sum((round) => round.acknowledged)} acknowledged, ${sum((round) => round.inFlight)} in flight`
    return {
      fault: `kill -9 in ${kind}`,
      rounds: all.length,
      asserted: "nothing acknowledged lost, no grant forked, none without consent, integrity_check ok",
      result: `${inWords(violations)}; ${unsound} files unsound; ${counts}`,
      loggedInAgain: sum((round) => round.loggedInAgain),
      isGood: violations.length === 0 && unsound === 0 && !tooMany
    }
  })
}

/** The flushes that group commit saves: the same refreshes with the server and with one write in a batch. */
const flushes = async (refreshes: number, atOnce: number): Promise<ReadonlyArray<Row>> => {
  const row = (fault: string, asserted: string, { violations }: Flushed, count = 0, isGood = false): Row => ({
    fault: `${refreshes} refreshes, ${fault}`,
    rounds: refreshes,
    asserted,
    result: `${count} flushes; ${inWords(violations)}`,
    loggedInAgain: "",
    isGood: violations.length === 0 && isGood
  })
  type Flushed = Awaited<ReturnType<typeof Flushes.count>>
  const shared = await Flushes.count({ refreshes, atOnce: [1, atOnce] })
  const { many, one } = Flushes.batches
  const alone = await Changed.using({ [many]: one }, (program) =>
    Flushes.count({ refreshes, atOnce: [atOnce], program })
  )
  const [oneByOne = 0, together = 0] = shared.flushes
  const [apart = 0] = alone.flushes
  return [
    row("one by one", "a flush for each", shared, oneByOne, oneByOne >= refreshes),
    row(`${atOnce} at once`, "flushes are shared", shared, together, together < refreshes / 2),
    row(`${atOnce} at once, without group commit`, "a flush for each", alone, apart, apart >= refreshes)
  ]
}

/** A slow request is no violation. A refused or lost request is. */
const unhurried = { LATCHKEY_DATABASE_TIMEOUT: "20 seconds" }

const races = async (
  nodes: number,
  postgres: PostgresServer.Server | undefined,
  size: { readonly codes: number; readonly clients: number; readonly rotations: number; readonly seed: number }
): Promise<ReadonlyArray<Row>> => {
  const where = `${nodes} ${nodes === 1 ? "process" : "processes"}, ${postgres === undefined ? "SQLite" : "PostgreSQL"}`
  const rows: Array<Row> = []
  const play = async <A extends Readonly<Record<string, number>>>(
    fault: string,
    rounds: number,
    asserted: string,
    isGood: (counted: A) => boolean,
    scenario: (clients: Clients, cluster: Cluster.Cluster) => Promise<A>,
    settings: Settings = Cluster.patient
  ) => {
    const cluster = await Cluster.start({ nodes, settings, postgres: await postgres?.create(), env: unhurried })
    // The output of the servers is lost with them.
    const tell = () => {
      for (const node of cluster.urls.keys()) process.stderr.write(cluster.server(node).stderr().slice(-2000))
    }
    try {
      const clients = new Clients({ ...cluster, history: new History() })
      const counted = await scenario(clients, cluster)
      const violations = check(clients.history.entries, settings, await cluster.snapshot())
      const isWell = violations.length === 0 && isGood(counted)
      if (!isWell) tell()
      const counts = Object.entries(counted).map(([name, count]) => `${count} ${name}`)
      rows.push({
        fault: `${fault} (${where})`,
        rounds,
        asserted,
        result: `${counts.join(", ")}; ${inWords(violations)}`,
        loggedInAgain: "",
        isGood: isWell
      })
    } catch (error) {
      tell()
      throw error
    } finally {
      await cluster.stop()
    }
  }
  await play(
    "20 redemptions of each code at once",
    size.codes,
    "one success each, whose tokens all work",
    ({ codes, successes, working }) => codes === successes && codes === working,
    async (clients) => Races.codes(clients, await clients.logIn(), { codes: size.codes, at: 20 })
  )
  await play(
    "six tasks that share one refresh token, race, lag and retry",
    size.clients,
    "no grant lost",
    ({ clients, living }) => clients === living,
    async (clients) =>
      Races.honest(clients, await clients.logIn(), { clients: size.clients, rounds: 10, random: seeded(size.seed) })
  )
  const window = 1000
  await play(
    "a thief rotates a stolen refresh token",
    1,
    "its owner's next refresh ends it",
    ({ left }) => left === 0,
    async (clients) => Races.thief(clients, await clients.logIn(), { rotations: size.rotations, window }),
    { ...Cluster.patient, retryWindow: window }
  )
  return rows
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    rounds: { type: "string", default: "1000" },
    lanes: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    codes: { type: "string", default: "1000" },
    clients: { type: "string", default: "300" },
    rotations: { type: "string", default: "10000" },
    refreshes: { type: "string", default: "1000" },
    at: { type: "string", default: "64" },
    postgres: { type: "boolean", default: false },
    nodes: { type: "string", default: "1,2,4" }
  }
})
const [which = "crashes"] = positionals
const seed = Number(values.seed)
if (values.help || !["crashes", "flushes", "races"].includes(which)) {
  process.stdout.write(`${usage}\n`)
  process.exit(values.help ? 0 : 2)
}
const all: Array<Row> = []
const show = (rows: ReadonlyArray<Row>) => {
  for (const row of rows) print(row)
  all.push(...rows)
}
process.stdout.write(`${header}\n`)
if (which === "crashes") show(await crashes(Number(values.rounds), Number(values.lanes), seed))
else if (which === "flushes") show(await flushes(Number(values.refreshes), Number(values.at)))
else {
  const size = {
    codes: Number(values.codes),
    clients: Number(values.clients),
    rotations: Number(values.rotations),
    seed
  }
  // A database that keeps acknowledged writes, as in production.
  const postgres = values.postgres ? await PostgresServer.start({ max_connections: "200" }) : undefined
  try {
    for (const nodes of values.nodes.split(",")) show(await races(Number(nodes), postgres, size))
  } finally {
    await postgres?.stop()
  }
}
process.exitCode = all.every(({ isGood }) => isGood) ? 0 : 1
