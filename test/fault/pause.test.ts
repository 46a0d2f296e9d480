/** A process that stands still for a while, and goes on as if nothing had been. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Races from "./scenarios/Races.js"
import { check } from "./support/Checker.js"
import { Clients } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History } from "./support/History.js"
import { ofSqlite } from "./support/Snapshot.js"

describe("SIGSTOP, and SIGCONT", () => {
  let cluster: Cluster.Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 2 })
  })
  afterAll(() => cluster?.stop())

  it("of a process with requests under way: another does the same meanwhile, and none of it happens twice", async () => {
    const history = new History()
    const clients = new Clients({ ...cluster, urls: cluster.urls.slice(0, 1), history })
    // Idle until it is stopped, so that it cannot be in the middle of a transaction.
    const other = new Clients({ ...cluster, urls: cluster.urls.slice(1), history })
    const person = await clients.logIn()
    const client = await Races.allowedClient(clients, person)
    const held = await Races.times(8, () => Races.grant(clients, client, person))
    const codes = await Races.times(8, async () => Races.must(await clients.visit(client, person)))

    // Stopped before it reads them, it has them in its sockets, and does them when it goes on.
    cluster.server(1).kill("SIGSTOP")
    const late = [
      ...held.map(({ refresh }) => other.refresh(client, refresh)),
      ...codes.map((code) => other.redeem(client, code))
    ]
    const refreshed = await Promise.all(held.map(({ refresh }) => clients.refresh(client, refresh)))
    const redeemed = await Promise.all(codes.map((code) => clients.redeem(client, code)))
    cluster.server(1).kill("SIGCONT")
    const answers = await Promise.all(late)

    expect([...refreshed, ...redeemed].map(({ type }) => type)).toEqual(Array(16).fill("ok"))
    // The refreshes are retries, and the codes are spent.
    expect(answers.map(({ type }) => type)).toEqual([...Array(8).fill("ok"), ...Array(8).fill("fail")])
    for (const tokens of redeemed.flatMap(Races.tokensOf)) {
      expect(await clients.use(client, tokens.access)).toMatchObject({ type: "ok" })
    }
    expect(check(history.entries, cluster.settings, ofSqlite(cluster.database))).toEqual([])
  })
})
