/** Keys are rotated and replaced while processes that share only a database issue and verify tokens. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Postgres from "../support/Postgres.js"
import * as PostgresServer from "../support/PostgresServer.js"
import * as Keys from "./scenarios/Keys.js"
import * as Races from "./scenarios/Races.js"
import { check } from "./support/Checker.js"
import { type Client, Clients, type Person } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History, operations, type Tokens } from "./support/History.js"

/** Waits for a change, which usually takes a second or two. The change is promised, not its time. */
const patience = { timeout: 30_000, interval: 50 }

const nodes = [0, 1]
const both = new Set(nodes)

/** The answers of the nodes to a token of a user and to a token of a client. */
const good = nodes.map(() => ["ok", 200])
const refusedByAll = nodes.map(() => ["fail", 401])

describe.each(["SQLite", "PostgreSQL"] as const)("two processes on one %s", (kind) => {
  const isLeftOut = kind === "PostgreSQL" && Postgres.missing !== undefined
  let server: PostgresServer.Server | undefined
  let postgres: string | undefined
  let cluster: Cluster.Cluster
  let clients: Clients
  let client: Client
  let person: Person
  let machine: Keys.Machine
  let grants: ReadonlyArray<Tokens>
  beforeAll(async () => {
    if (isLeftOut) return
    // The test needs its own database, because it stops it.
    if (kind === "PostgreSQL") server = await PostgresServer.start({ fsync: "off" })
    postgres = await server?.create()
    cluster = await Cluster.start({ nodes: 2, postgres })
    clients = new Clients({ ...cluster, history: new History() })
    person = await clients.logIn()
    client = await Races.allowedClient(clients, person)
    machine = await Keys.machine(cluster, clients)
    grants = await Races.times(2, () => Races.grant(clients, client, person))
  })
  afterAll(async () => {
    await cluster?.stop()
    await server?.stop()
  })

  const unwell = () => operations(clients.history.entries).filter(({ outcome }) => outcome.type !== "ok")

  it("a rotated key is published before it encrypts, and no token and no page is refused", async ({ skip }) => {
    skip(isLeftOut)
    const before = Keys.keyOf(Races.must(grants[0]).access)
    const page = await clients.consent(client, person)
    const { made, refused, stop } = Keys.traffic(clients, client, grants, { asMachine: machine, uses: true })
    const makersUnder = (id: string | undefined) =>
      new Set(made.filter(({ token }) => Keys.keyOf(token) === id).map(({ node }) => node))
    await vi.waitFor(() => expect(makersUnder(before)).toEqual(both), patience)

    const id = await Keys.make(cluster, "rotate")
    expect(await Keys.listed(cluster)).toEqual({ [before]: "Current", [id]: "Next" })
    const published = made.length
    await vi.waitFor(() => expect(made.length).toBeGreaterThan(published + 10), patience)
    expect(new Set(made.map(({ token }) => Keys.keyOf(token)))).toEqual(new Set([before]))

    await Keys.promote(cluster, postgres)
    await vi.waitFor(() => expect(makersUnder(id)).toEqual(both), patience)
    await stop()

    expect(refused).toEqual([])
    for (const node of nodes) {
      expect(Keys.keyOf(await machine.token(node))).toBe(id)
      // What the key of before sealed is good until its own end.
      expect(await clients.use(client, Races.must(grants[0]).access, node)).toMatchObject({ type: "ok" })
    }
    expect(Races.tokensOf(await clients.redeem(client, Races.must(await page(1)), 0))).toHaveLength(1)
    expect(unwell()).toEqual([])
    expect(check(clients.history.entries, cluster.settings, await cluster.snapshot())).toEqual([])
  })

  it("a replacement ends all earlier access tokens at both nodes, and a refresh returns a valid one", async ({
    skip
  }) => {
    skip(isLeftOut)
    clients.history = new History()
    grants = await Races.times(3, () => Races.grant(clients, client, person))
    const old = await Races.times(2, (node) => Keys.fresh(clients, client, Races.must(grants[node]), machine, node))
    for (const tokens of old) expect(await Keys.opinions(clients, client, machine, tokens)).toEqual(good)
    // For a second one node may use the new key while the other still uses the old one.
    const { made, stop } = Keys.traffic(clients, client, grants.slice(2), { asMachine: machine, uses: false })

    const id = await Keys.make(cluster, "replace")
    for (const tokens of old) {
      await vi.waitFor(
        async () => expect(await Keys.opinions(clients, client, machine, tokens)).toEqual(refusedByAll),
        patience
      )
    }
    const heard = made.length
    await vi.waitFor(() => expect(made.length).toBeGreaterThan(heard + 6), patience)
    await stop()
    expect(new Set(made.slice(heard + 3).map(({ token }) => Keys.keyOf(token)))).toEqual(new Set([id]))
    for (const node of nodes) {
      const { ofGrant } = Races.must(old[node])
      const anew = await Keys.fresh(clients, client, ofGrant, machine, node)
      expect(await Keys.opinions(clients, client, machine, anew)).toEqual(good)
    }
    for (const tokens of old) expect(await Keys.opinions(clients, client, machine, tokens)).toEqual(refusedByAll)
    expect(unwell().filter(({ kind }) => kind !== "Use")).toEqual([])
  })

  it("a node answers 503 while it cannot look up a key, and accepts the token afterwards", async ({ skip }) => {
    // A SQLite file cannot be down while its node runs.
    skip(server === undefined)
    // No request goes to node 1 from now on, so it reads no keys.
    const id = await Keys.make(cluster, "replace")
    const token = await vi.waitFor(async () => {
      const token = await machine.token(0)
      expect(Keys.keyOf(token)).toBe(id)
      return token
    }, patience)
    await server?.pause()
    for (const unknown of [token, Keys.forged()]) {
      const { headers, status } = await machine.ask(unknown, 1)
      expect([status, headers.has("retry-after"), headers.has("www-authenticate")]).toEqual([503, true, false])
    }
    await server?.resume()
    await vi.waitFor(async () => expect((await machine.ask(token, 1)).status).toBe(200), patience)
    expect((await machine.ask(Keys.forged(), 1)).status).toBe(401)
  })
})
