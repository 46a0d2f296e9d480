/** kill -9 of an operator's command while a server runs: no partial result is used. */
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Keys from "./scenarios/Keys.js"
import * as Races from "./scenarios/Races.js"
import { check } from "./support/Checker.js"
import { type Client, Clients } from "./support/Clients.js"
import * as Cluster from "./support/Cluster.js"
import { History, type Tokens } from "./support/History.js"
import { ofSqlite } from "./support/Snapshot.js"
import * as Strace from "./support/Strace.js"

describe.runIf(Strace.missing === undefined)(Strace.named("a command that is killed beside a server"), () => {
  let cluster: Cluster.Cluster
  let clients: Clients
  let client: Client
  let held: Tokens
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
    clients = new Clients({ ...cluster, history: new History() })
    const person = await clients.logIn()
    client = await Races.allowedClient(clients, person)
    held = await Races.grant(clients, client, person)
  })
  afterAll(() => cluster?.stop())

  /** Queries the database while the server runs. */
  const ask = (text: string) => {
    const db = new Sqlite(cluster.database)
    try {
      const statement = db.prepare<[], { n: number }>(text)
      return statement.reader ? (statement.get()?.n ?? 0) : statement.run().changes
    } finally {
      db.close()
    }
  }
  /** Runs a command that is killed at its nth write to a file. Returns whether it was killed. */
  const killed = async (args: ReadonlyArray<string>, nth: number) => {
    const inject = ["-e", "trace=pwrite64", "-e", `inject=pwrite64:signal=KILL:when=${nth}`]
    const { code } = await cluster.try(args, ["strace", "-D", "-o", "/dev/null", ...inject])
    return code === null
  }
  const goesOn = async () => {
    ;[held] = Races.tokensOf(await clients.refresh(client, held.refresh)) as [Tokens]
    expect(await clients.use(client, held.access)).toMatchObject({ type: "ok" })
    const { integrity, ...snapshot } = ofSqlite(cluster.database)
    expect(integrity).toBe("ok")
    expect(check(clients.history.entries, cluster.settings, snapshot)).toEqual([])
  }

  it("a killed db gc leaves other rows unchanged, and the next pass deletes the rest", async () => {
    ask(`
      with recursive n(i) as (values (1) union all select i + 1 from n where i < 2000)
      insert into events (issuer, id, at, kind)
      select '${cluster.issuer}', printf('%026d', i), 1, '{}' from n`)
    const past = "select count(*) as n from events where at = 1"
    const living =
      "select (select count(*) from grants) + (select count(*) from sessions) + (select count(*) from clients) as n"
    const before = ask(living)
    for (const nth of [2, 40]) {
      expect(await killed(["db", "gc"], nth)).toBe(true)
      expect(ask(past)).toBeGreaterThan(0)
      expect(ask(living)).toBe(before)
      await goesOn()
      // The lease of the killed process expires after minutes.
      ask("delete from leases")
    }
    expect(ask(past)).toBeLessThan(2000)
    await cluster.command(["db", "gc"])
    expect(ask(past)).toBe(0)
    expect(ask(living)).toBe(before)
    await goesOn()
  })

  it("a killed db backup leaves no file with the given name and does not change the database", async () => {
    const target = join(cluster.folder, "backup.db")
    for (const nth of [1, 12]) {
      expect(await killed(["db", "backup", target], nth)).toBe(true)
      await expect(stat(target)).rejects.toMatchObject({ code: "ENOENT" })
      await goesOn()
    }
    await cluster.command(["db", "backup", target])
    expect(ofSqlite(target)).toEqual(ofSqlite(cluster.database))
    // Partial files have other names and can be deleted.
    const left = (await readdir(cluster.folder)).filter(
      (name) => name.startsWith("backup.db.") && name.endsWith(".new")
    )
    expect(left).toHaveLength(2)
  })

  it("a killed key replace leaves one current key, the old or the new one, and all users stay logged in", async () => {
    const current = async () => {
      const keys = Object.entries(await Keys.listed(cluster)).filter(([_, state]) => state === "Current")
      expect(keys).toHaveLength(1)
      return keys[0]?.[0]
    }
    for (const nth of [1, 6, 12]) {
      expect(await killed(["key", "replace"], nth)).toBe(true)
      const key = await current()
      // The server reads its keys again after one second.
      await vi.waitFor(
        async () => {
          ;[held] = Races.tokensOf(await clients.refresh(client, held.refresh)) as [Tokens]
          expect(Keys.keyOf(held.access)).toBe(key)
        },
        { timeout: 30_000, interval: 200 }
      )
      await goesOn()
    }
  })
})
