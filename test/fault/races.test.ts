/**
 * Processes that share only a database race for codes, refresh tokens, consents and registrations, over HTTP. The numbers are
 * small here; `npm run faults -- races` plays the same with large numbers.
 */
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import * as Postgres from "../support/Postgres.js"
import * as Races from "./scenarios/Races.js"
import { check } from "./support/Checker.js"
import { Clients, type Person } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History } from "./support/History.js"
import * as Operator from "./support/Operator.js"
import { seeded } from "./support/Seeded.js"

const deployments: ReadonlyArray<readonly [name: string, nodes: number, kind: "SQLite" | "PostgreSQL"]> = [
  ["2 processes on one SQLite file", 2, "SQLite"],
  ["4 processes on one SQLite file", 4, "SQLite"],
  [Postgres.named("2 nodes on one PostgreSQL"), 2, "PostgreSQL"]
]

describe.each(deployments)("%s", (_, nodes, kind) => {
  const isLeftOut = kind === "PostgreSQL" && Postgres.missing !== undefined
  const scope = Effect.runSync(Scope.make())
  const random = seeded(nodes)
  let cluster: Cluster.Cluster
  let person: Person
  let clients: Clients
  let operator: Operator.Operator
  beforeAll(async () => {
    if (isLeftOut) return
    const postgres =
      kind === "PostgreSQL"
        ? Redacted.value(await Effect.runPromise(Scope.extend(Postgres.database, scope)))
        : undefined
    cluster = await Cluster.start({ nodes, postgres })
    clients = new Clients({ ...cluster, history: new History() })
    person = await clients.logIn()
    if (nodes === 2) operator = await Operator.make(cluster, clients)
  })
  afterAll(async () => {
    await cluster?.stop()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  beforeEach(({ skip }) => {
    skip(isLeftOut)
    clients.history = new History()
  })
  afterEach(async () => {
    const snapshot = await cluster.snapshot()
    expect(snapshot.integrity).toBe("ok")
    expect(check(clients.history.entries, cluster.settings, snapshot)).toEqual([])
  })

  it("one of twenty concurrent redemptions of a code succeeds, and its tokens are valid", async () => {
    expect(await Races.codes(clients, person, { codes: 8, at: 20 })).toEqual({ codes: 8, successes: 8, working: 8 })
  })

  it("six tasks that share a refresh token, race, lag and retry never lose their grant", async () => {
    const size = { clients: 4, rounds: 4, random }
    expect(await Races.honest(clients, person, size)).toEqual({ clients: 4, living: 4 })
  })

  // These two are the same for any number of processes.
  if (nodes > 2) return

  it("a consent page that is submitted several times at once gives one code", async () => {
    expect(await Races.consents(clients, person, { pages: 10, at: 4 })).toEqual({ pages: 10, codes: 10 })
  })

  it("a client is known to every process as soon as it is registered", async () => {
    expect(await Races.registrations(clients, { clients: 20, nodes })).toEqual({ clients: 20, known: 20 })
  })

  it.each(["Token", "Client", "Subject"] as const)(
    "no token is valid after a concurrent end of its %s",
    async (which) => {
      const left = await Races.times(4, (round) => Races.ending(clients, operator, which, round, random))
      expect(left).toEqual([0, 0, 0, 0])
    }
  )

  it("no earlier grant is valid after a concurrent withdrawal of its consent", async () => {
    // The checker decides whether a remaining grant was allowed again or is dead.
    await Races.times(4, (round) => Races.ending(clients, operator, "Consent", round, random))
  })

  it("a process that is suspended and resumed repeats nothing that another process did meanwhile", async () => {
    const { history } = clients
    const one = new Clients({ ...cluster, urls: cluster.urls.slice(0, 1), history })
    const other = new Clients({ ...cluster, urls: cluster.urls.slice(1), history })
    const client = await Races.allowedClient(one, person)
    const held = await Races.times(8, () => Races.grant(one, client, person))
    const codes = await Races.times(8, async () => Races.must(await one.visit(client, person)))

    // The requests are in its sockets when it is suspended, and it handles them when it resumes. With the lock of a file it
    // would block all others.
    const file = kind === "SQLite" ? new Sqlite(cluster.database) : undefined
    file?.exec("begin immediate")
    cluster.server(1).kill("SIGSTOP")
    file?.exec("rollback").close()
    const late = [
      ...held.map(({ refresh }) => other.refresh(client, refresh)),
      ...codes.map((code) => other.redeem(client, code))
    ]
    const refreshed = await Promise.all(held.map(({ refresh }) => one.refresh(client, refresh)))
    const redeemed = await Promise.all(codes.map((code) => one.redeem(client, code)))
    cluster.server(1).kill("SIGCONT")
    const answers = await Promise.all(late)

    expect([...refreshed, ...redeemed].map(({ type }) => type)).toEqual(Array(16).fill("ok"))
    // The refreshes are retries, and the codes are spent.
    expect(answers.map(({ type }) => type)).toEqual([...Array(8).fill("ok"), ...Array(8).fill("fail")])
    for (const tokens of redeemed.flatMap(Races.tokensOf)) {
      expect(await one.use(client, tokens.access)).toMatchObject({ type: "ok" })
    }
  })
})
