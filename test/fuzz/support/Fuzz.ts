/**
 * A run: starts the server, sends it requests from a seed, looks at each answer, and at what is left. First a tenth of
 * the requests with the rate limits on, then the rest with the limits off. A case that breaks a promise is reported with
 * its number: with the same seed and `only`, it is played again, alone.
 */
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Cli from "../../support/Cli.js"
import { filesOf, masterKeyOf, Secrets } from "../../support/Secrets.js"
import { Cases, type Finding } from "./Cases.js"
import { Http } from "./Http.js"
import * as Learned from "./Learned.js"
import * as Lives from "./Lives.js"
import * as Oracles from "./Oracles.js"
import * as Setup from "./Setup.js"
import * as Storage from "./Storage.js"
import * as Survivors from "./Survivors.js"

export interface Options {
  readonly requests: number
  readonly seed: number
  /** Cases at a time. */
  readonly concurrency: number
  /** No answer may take longer than a second: for an idle machine. */
  readonly isStrict: boolean
  /** The one case to play. */
  readonly only?: number | undefined
  /** Limit of the whole run in milliseconds; requests that are left then are not sent. */
  readonly timeLimit: number
  /** For controls: another program, and what is done to the database before it is looked at. */
  readonly program?: string
  readonly tamper?: (database: string) => void
}

export interface Report {
  readonly findings: ReadonlyArray<Finding>
  readonly requests: number
  readonly seconds: number
  /** Answers by status; requests by kind of case. */
  readonly statuses: Readonly<Record<string, number>>
  readonly kinds: Readonly<Record<string, number>>
  readonly rows: Storage.Counts
  readonly millis: { readonly p50: number; readonly p99: number; readonly most: number }
  /** The resident set of the server in MiB: after a quarter of the samples, at most, and at the end. */
  readonly memory: { readonly warm: number; readonly most: number; readonly last: number }
  readonly secrets: number
  readonly workingTokens: number
}

/** The server ended too often to go on. */
const maxDeaths = 5

/** A superseded refresh token is a retry for this long; afterwards it is a replay. */
const refreshWindow = 2_000

const environment = {
  LATCHKEY_LOG_LEVEL: "debug",
  LATCHKEY_REFRESH_WINDOW: `${refreshWindow / 1_000} seconds`,
  // Each case has an address of its own: failed logins of one do not keep out the others.
  LATCHKEY_TRUSTED_PROXIES: "127.0.0.1/32",
  // The process ends when its live heap outgrows this, in MiB. It is 45 MiB throughout a run of 20,000 requests.
  NODE_OPTIONS: "--max-old-space-size=256",
  // The hashing of passwords leaves freed memory in as many arenas as there are threads, which would hide a leak.
  MALLOC_ARENA_MAX: "2"
}

const withoutLimits = { ...environment, LATCHKEY_RATE_LIMIT: "off" }

export const run = async (options: Options): Promise<Report> => {
  const startedAt = Date.now()
  const deadline = startedAt + options.timeLimit
  const { path: folder, remove } = await Cli.temporaryFolder()
  const port = await Cli.freePort()
  const database = join(folder, "data", "latchkey.db")
  const secrets = new Secrets()
  const said: Record<string, string> = {}
  const memory: Array<number> = []
  const begin = (env: Readonly<Record<string, string>>) =>
    Lives.begin({
      folder,
      port,
      env,
      program: options.program,
      onSaid: (text) => {
        said[`the output of start ${Object.keys(said).length + 1}`] = text
      },
      onMemory: (samples) => memory.push(...samples)
    })
  const http = new Http({ host: "127.0.0.1", port }, options.concurrency * 2)

  let life = await begin(environment)
  try {
    const world = await Setup.makeWorld(life.server, secrets)
    const cases = new Cases({ world, http, target: { host: "127.0.0.1", port }, options })
    await Setup.populate(cases.unmutated())

    let deaths = 0
    /** Plays cases until so many requests are sent; starts the server again when it died. */
    const play = async (until: number, env: Readonly<Record<string, string>>) => {
      const isOver = () => cases.requests >= until || Date.now() > deadline || deaths >= maxDeaths
      while (!isOver()) {
        await cases.playUntil(() => isOver() || life.hasDied())
        cases.settle(life.hasDied())
        if (!life.hasDied()) continue
        deaths += 1
        cases.reportAll(await life.end(), `${cases.requests} requests, the last of them\n    ${cases.recent()}`)
        life = await begin(env)
      }
    }
    if (options.only !== undefined) {
      await cases.playOne(options.only)
      cases.settle(life.hasDied())
    } else {
      await play(options.requests / 10, environment)
      cases.reportAll(await life.end())
      life = await begin(withoutLimits)
      cases.hasLimits = false
      await play(options.requests, withoutLimits)
    }

    if (!life.hasDied()) await cases.confirmLate()
    await sleep(refreshWindow + 500)
    const survivors = life.hasDied() ? { broken: [], working: 0 } : await Survivors.check(world, http, database)
    cases.reportAll(survivors.broken)
    for (const command of [
      ["db", "status"],
      ["db", "gc"]
    ]) {
      const run = () => Cli.run(command, { server: life.server })
      let { code, stderr } = await run()
      // The server does its own maintenance a minute after its start.
      for (let i = 0; i < 10 && stderr.includes("maintenance is running in another process"); i++) {
        await sleep(1_000)
        ;({ code, stderr } = await run())
      }
      if (code !== 0) cases.reportAll([{ oracle: "storage", detail: `latchkey ${command.join(" ")}: ${stderr}` }])
    }
    cases.reportAll(await life.end())
    options.tamper?.(database)
    const { broken, counts } = Storage.inspect(database, cases.sent)
    cases.reportAll(broken)
    secrets.add("master key", masterKeyOf(database))
    cases.reportAll(Learned.check(secrets, { ...filesOf(join(folder, "data")), ...said }))
    return {
      findings: cases.findings,
      requests: cases.requests,
      seconds: (Date.now() - startedAt) / 1_000,
      statuses: Object.fromEntries(cases.statuses),
      kinds: Object.fromEntries(cases.kinds),
      rows: counts,
      millis: {
        p50: Oracles.percentile(cases.millis, 50),
        p99: Oracles.percentile(cases.millis, 99),
        most: Oracles.percentile(cases.millis, 100)
      },
      memory: {
        warm: memory[Math.floor(memory.length / 4)] ?? 0,
        most: Math.max(0, ...memory),
        last: memory.at(-1) ?? 0
      },
      secrets: secrets.size,
      workingTokens: survivors.working
    }
  } finally {
    http.close()
    await life.end()
    await remove()
  }
}
