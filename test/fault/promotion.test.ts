/**
 * The primary is lost, its standby is promoted and gets the address: the servers recover without a restart. With synchronous
 * replication no acknowledged write is lost. With asynchronous replication lost writes are detected.
 */
import Pg from "pg"
import { afterEach, describe, expect, it } from "vitest"
import * as Postgres from "../support/Postgres.js"
import * as PostgresServer from "../support/PostgresServer.js"
import * as Relay from "../support/Relay.js"
import * as Races from "./scenarios/Races.js"
import { check, grantOf, placeOf } from "./support/Checker.js"
import { type Client, Clients, type Person } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History, type Tokens } from "./support/History.js"

const database = "latchkey"
const opened: Array<() => unknown> = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** Retries until an answer is as expected. */
const until = async <A>(ask: () => Promise<A>, isSo: (answer: A) => boolean): Promise<A> => {
  for (;;) {
    const answer = await ask()
    if (isSo(answer)) return answer
  }
}

/** Servers on a primary whose standby can be disconnected and promoted. */
const meet = async (nodes: number, settings: Readonly<Record<string, string>>) => {
  const following = await Relay.listen(new URL("tcp://127.0.0.1:1"))
  opened.push(following.close)
  const pair = await PostgresServer.startPair(settings, async (port) => {
    following.leadTo(port)
    return following.port
  })
  opened.push(pair.stop)
  const primary = new Pg.Client({ connectionString: pair.primary("postgres") })
  primary.on("error", () => {})
  await primary.connect()
  await primary.query(`create database ${database}`)
  const address = await Relay.listen(new URL(pair.primary(database)))
  opened.push(address.close)
  const env = { LATCHKEY_DATABASE_TIMEOUT: "1 second" }
  const cluster = await Cluster.start({ nodes, postgres: address.href, env })
  opened.push(cluster.stop)
  const clients = new Clients({ ...cluster, history: new History() })
  const person = await clients.logIn()
  const client = await Races.allowedClient(clients, person)

  const count = async (text: string) => Number((await primary.query(`select count(*) from ${text}`)).rows[0].count)
  return {
    cluster,
    clients,
    person,
    client,
    /** Number of statements that wait for the standby. */
    waiting: () => count("pg_stat_activity where wait_event = 'SyncRep'"),
    /** Whether the standby has received all writes. */
    hasAll: async () => (await count("pg_stat_replication where replay_lsn >= pg_current_wal_lsn()")) > 0,
    cutOff: () => following.leadTo(),
    crash: async () => {
      await pair.crash()
      address.leadTo()
    },
    promote: async () => {
      await pair.promote()
      address.leadTo(Number(new URL(pair.standby(database)).port))
      for (const node of cluster.urls.keys()) {
        await until(
          () => clients.fetch("/ready", {}, node),
          ({ status }) => status === 200
        )
      }
    }
  }
}

/** Sends requests until one gets no response. Returns the last received tokens. */
const goOn = async (clients: Clients, client: Client, held: Tokens): Promise<Tokens> => {
  for (let tokens = held; ; ) {
    const outcome = await clients.refresh(client, tokens.refresh)
    if (outcome.type !== "ok") return tokens
    tokens = outcome.answer
  }
}

const redeemOn = async (clients: Clients, client: Client, person: Person): Promise<ReadonlyArray<Tokens>> => {
  const all: Array<Tokens> = []
  for (;;) {
    const code = await clients.visit(client, person)
    if (code === undefined) return all
    const outcome = await clients.redeem(client, code)
    if (outcome.type !== "ok") return all
    all.push(outcome.answer)
  }
}

describe.skipIf(Postgres.missing)(Postgres.named("a standby that is promoted"), () => {
  it("after synchronous replication a promoted standby has all acknowledged writes, and servers recover", async () => {
    const { client, clients, cluster, crash, cutOff, person, promote, waiting } = await meet(2, {
      synchronous_standby_names: "*",
      synchronous_commit: "remote_apply"
    })
    const [left, given, ...held] = await Races.times(8, () => Races.grant(clients, client, person))
    const working = [...held.map((tokens) => goOn(clients, client, tokens)), redeemOn(clients, client, person)]
    expect(await clients.giveBack(client, Races.must(given).refresh)).toMatchObject({ type: "ok" })

    cutOff()
    await until(waiting, (count) => count >= working.length)
    // No write that the standby lacks is acknowledged, even to a client that disconnects and retries.
    const hangUp = new AbortController()
    const before = await waiting()
    const abandoned = clients.refresh(client, Races.must(left).refresh, { node: 0, signal: hangUp.signal })
    await until(waiting, (count) => count > before)
    hangUp.abort()
    expect(await abandoned).toEqual({ type: "unknown" })
    expect(await clients.refresh(client, Races.must(left).refresh, { node: 1 })).toEqual({ type: "unknown" })

    const told = (await Promise.all(working)).flat()
    await crash()
    for (const node of cluster.urls.keys()) {
      expect((await clients.fetch("/ready", {}, node)).status).toBe(503)
      const body = new URLSearchParams({
        grant_type: "refresh_token",
        client_id: client.id,
        client_secret: client.secret
      })
      const response = await clients.fetch("/token", { method: "POST", body }, node)
      expect(response.status).toBe(503)
      expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/)
      expect(await response.json()).toMatchObject({ error: "temporarily_unavailable" })
    }

    await promote()
    for (const tokens of [Races.must(left), ...told]) {
      expect(await clients.use(client, tokens.access)).toMatchObject({ type: "ok" })
      expect(await clients.refresh(client, tokens.refresh)).toMatchObject({ type: "ok" })
    }
    expect(await clients.refresh(client, Races.must(given).refresh)).toMatchObject({ error: "invalid_grant" })
    expect(check(clients.history.entries, cluster.settings, await cluster.snapshot())).toEqual([])
  })

  it("after asynchronous replication lost writes are detected, and no grant forks", async () => {
    const { client, clients, cluster, crash, cutOff, hasAll, person, promote } = await meet(1, {})
    const held = await Races.grant(clients, client, person)
    const given = await Races.grant(clients, client, person)
    const code = Races.must(await clients.visit(client, person))
    await until(hasAll, (all) => all)
    cutOff()
    const [newer] = Races.tokensOf(await clients.refresh(client, held.refresh))
    const [redeemed] = Races.tokensOf(await clients.redeem(client, code))
    const unknown = await Races.grant(clients, client, person)
    expect(await clients.giveBack(client, given.refresh)).toMatchObject({ type: "ok" })
    await crash()
    await promote()

    // The token is newer than its row, so the grant is revoked with the previous token.
    expect(await clients.refresh(client, Races.must(newer).refresh)).toMatchObject({ error: "invalid_grant" })
    expect(await clients.refresh(client, held.refresh)).toMatchObject({ error: "invalid_grant" })
    // A grant is invalid if its row or its redemption is lost.
    for (const lost of [unknown, Races.must(redeemed)]) {
      expect(await clients.use(client, lost.access)).toMatchObject({ type: "fail" })
      expect(await clients.refresh(client, lost.refresh)).toMatchObject({ error: "invalid_grant" })
    }
    // As the guide warns, a revocation is undone.
    expect(await clients.use(client, given.access)).toMatchObject({ type: "ok" })

    const events = await cluster.command(["events", "--json"])
    expect(events).toContain("LostWrites")
    const broken = check(clients.history.entries, cluster.settings, await cluster.snapshot())
    const lost = (grant: string) => broken.filter(({ where }) => where === grant).map(({ invariant }) => invariant)
    // The checker must find each loss, or it would prove nothing about synchronous replication.
    expect(lost(placeOf(held.refresh).grant)).toContain("TokenLost")
    expect(lost(placeOf(given.refresh).grant)).toContain("RevokedReturned")
    expect(lost(placeOf(unknown.refresh).grant)).toContain("GrantLost")
    expect(lost(grantOf(code.code))).toContain("TokenLost")
    expect(broken.map(({ invariant }) => invariant)).not.toContain("Forked")
    expect(broken.map(({ invariant }) => invariant)).not.toContain("SpentTwice")
  })
})
