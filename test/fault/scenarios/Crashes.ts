/**
 * A server under load is killed at a random moment and started again. Then every client continues: it repeats requests without a
 * response, and uses the tokens that it has.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { check, type Violation } from "../support/Checker.js"
import { type Client, Clients, type Code, type Person } from "../support/Clients.js"
import * as Cluster from "../support/Cluster.js"
import { History, operations, type Tokens } from "../support/History.js"
import * as Operator from "../support/Operator.js"
import { ofSqlite } from "../support/Snapshot.js"
import { allowedClient, tokensOf } from "./Races.js"

/** The operations of the clients when the server is killed. */
export const kinds = ["redemption", "refresh", "registration", "consent"] as const
export type Kind = (typeof kinds)[number]

export interface Round {
  readonly kind: Kind
  /** Number of acknowledged operations before the kill. */
  readonly acknowledged: number
  /** Number of open operations at the kill. */
  readonly inFlight: number
  /** Number of codes that were spent without a response, so that their users authorize again. */
  readonly loggedInAgain: number
  readonly violations: ReadonlyArray<Violation>
  /** The result of SQLite's integrity_check: "ok". */
  readonly integrity: unknown
}

/** One server, which is killed and started again. */
export interface Lane {
  /** The server is killed between `after` milliseconds of load and twice that. */
  readonly round: (kind: Kind, after: number) => Promise<Round>
  readonly stop: () => Promise<void>
}

/** The default windows of a server, which must suffice for an honest client. */
const settings = { ...Cluster.patient, retryWindow: 30_000, codeWindow: 2000 }

const workers = 8

/** The codes and tokens of the clients, which a crash could lose. */
interface Held {
  readonly codes: Array<Code>
  readonly grants: Array<Tokens>
  readonly clients: Array<Client>
  /** Pages that were submitted without a response. */
  readonly pages: Array<() => Promise<Code | undefined>>
}

export const start = async (random: () => number): Promise<Lane> => {
  const cluster = await Cluster.start({ nodes: 1, settings })
  const clients = new Clients({ ...cluster, history: new History() })
  const person = await clients.logIn()
  const client = await allowedClient(clients, person)
  const operator = await Operator.make(cluster, clients)

  const round = async (kind: Kind, after: number): Promise<Round> => {
    clients.history = new History()
    const held: Held = { codes: [], grants: [], clients: [], pages: [] }
    const load = loads[kind]({ clients, client, person, operator, held })
    await load.prepare()
    let over = false
    const working = Promise.all(
      Array.from({ length: workers }, async (_, index) => {
        while (!over && (await load.work(index).catch(() => false)));
      })
    )
    await sleep(after * (1 + random()))
    over = true
    await cluster.kill(0)
    await working
    clients.history.settle()
    const logged = operations(clients.history.entries)
    await cluster.restart(0)
    const loggedInAgain = await recover({ clients, client, held })
    const { integrity, ...snapshot } = ofSqlite(cluster.database)
    return {
      kind,
      acknowledged: logged.filter(({ outcome }) => outcome.type === "ok").length,
      inFlight: logged.filter(({ outcome }) => outcome.type === "unknown").length,
      loggedInAgain,
      violations: check(clients.history.entries, settings, snapshot),
      integrity
    }
  }
  return { round, stop: cluster.stop }
}

interface Scene {
  readonly clients: Clients
  readonly client: Client
  readonly person: Person
  readonly operator: Operator.Operator
  readonly held: Held
}

interface Load {
  readonly prepare: () => Promise<unknown>
  /** Runs operations in sequence by each worker. `false` if the server does not answer. */
  readonly work: (worker: number) => Promise<boolean>
}

const loads: Readonly<Record<Kind, (scene: Scene) => Load>> = {
  redemption: ({ client, clients, held, person }) => ({
    prepare: async () => {},
    work: async () => {
      const code = await clients.visit(client, person)
      if (code === undefined) return false
      held.codes.push(code)
      const outcome = await clients.redeem(client, code)
      held.grants.push(...tokensOf(outcome))
      return outcome.type !== "unknown"
    }
  }),

  refresh: ({ client, clients, held, person }) => ({
    prepare: async () => {
      const codes = await Promise.all(Array.from({ length: workers }, () => clients.visit(client, person)))
      for (const code of codes) if (code) held.grants.push(...tokensOf(await clients.redeem(client, code)))
    },
    work: async (worker) => {
      const [tokens] = tokensOf(await clients.refresh(client, held.grants[worker]?.refresh ?? ""))
      if (tokens !== undefined) held.grants[worker] = tokens
      return tokens !== undefined
    }
  }),

  registration: ({ clients, held, operator }) => ({
    prepare: async () => {},
    work: async (worker) => {
      const client = await clients.register()
      if (client === undefined) return false
      held.clients.push(client)
      return worker > 0 || (await operator.deleteClient(client)).type !== "unknown"
    }
  }),

  consent: ({ client, clients, held, person }) => ({
    prepare: async () => {},
    work: async () => {
      const send = await clients.consent(client, person)
      const [code, again] = await Promise.all([send(), send()])
      const given = code ?? again
      if (given === undefined) held.pages.push(send)
      else held.codes.push(given)
      return given !== undefined
    }
  })
}

/** Every client continues. Returns the number of users who have to authorize again. */
const recover = async ({ client, clients, held }: Pick<Scene, "client" | "clients" | "held">): Promise<number> => {
  for (const send of held.pages) {
    const code = await send()
    if (code === undefined) throw new Error("a page that was not answered can be sent again")
    held.codes.push(code)
  }
  const spent = new Set(
    operations(clients.history.entries).flatMap(({ ask, kind, outcome }) =>
      kind === "Redeem" && outcome.type === "ok" && "code" in ask ? [ask.code] : []
    )
  )
  let loggedInAgain = 0
  for (const code of held.codes.filter(({ code }) => !spent.has(code))) {
    const tokens = tokensOf(await clients.redeem(client, code))
    if (tokens.length === 0) loggedInAgain++
    held.grants.push(...tokens)
  }
  for (const one of held.clients) await clients.authenticate(one)
  for (const { access, refresh } of held.grants) {
    await clients.use(client, access)
    const [next] = tokensOf(await clients.refresh(client, refresh))
    if (next === undefined) loggedInAgain++
    else await clients.use(client, next.access)
  }
  return loggedInAgain
}
