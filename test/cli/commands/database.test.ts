/** `latchkey db` while a server runs, and on the database of a stopped server. */
import { chmodSync, copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { latest } from "../../../src/layers/sql/migrations.js"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
  await Tokens.createAccount(server)
})
afterAll(() => server?.stop())

const run = (...args: ReadonlyArray<string>) => Commands.run(["db", ...args], { server })
const json = async (...args: ReadonlyArray<string>) => JSON.parse((await run(...args, "--json")).stdout)
const at = (name: string) => join(server.folder, name)

const withDatabase = <A>(name: string, use: (db: Sqlite.Database) => A): A => {
  const db = new Sqlite(at(name), { timeout: 2_000 })
  try {
    return use(db)
  } finally {
    db.close()
  }
}

describe("db gc", () => {
  it("db gc deletes the expired rows that db status counts, and no others, while a server runs", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    withDatabase("data/latchkey.db", (db) => db.exec("update sessions set expires_at = 1"))
    const before = await json("status")
    expect(before.backlog).toEqual({
      clients: 0,
      consents: 0,
      events: 0,
      grants: 0,
      initial_access_tokens: 0,
      revoked_tokens: 0,
      sessions: 1,
      spent_assertions: 0
    })
    expect(before.oldest.grants).toMatch(/^20\d\d-.*Z$/)
    expect((await run("status")).stdout).toMatch(/\n {2}sessions +1 +since \S+ \S+Z {2}1 expired\n/)
    expect(await json("gc")).toMatchObject({ sessions: 1, grants: 0, failed: [], more: false })
    expect(await run("gc")).toEqual(done(/^There were no expired rows\n$/))
    const after = await json("status")
    expect(after).toMatchObject({ backlog: { sessions: 0 }, rows: { sessions: 0, grants: 1 } })
    expect(after.last_maintenance).toMatch(/^20\d\d-.*Z$/)
    expect(await issued.refresh()).toBe(true)
  })

  it("db gc fails while another process holds the lease of maintenance", async () => {
    withDatabase("data/latchkey.db", (db) =>
      db.prepare("update leases set holder = 'another', held_until = ?").run(Date.now() + 240_000)
    )
    expect(await run("gc")).toEqual(refused(1, /another process/))
    withDatabase("data/latchkey.db", (db) => db.exec("update leases set held_until = 1"))
    expect(await run("gc")).toEqual(done(/^There were no expired rows\n$/))
  })
})

describe("db backup", () => {
  it("db backup copies all rows that were stored before it began, while the server runs", async () => {
    const grants = [await Tokens.issue(server, "notes:read"), await Tokens.issue(server, "notes:read")]
    const refreshed = grants.map(() => 0)
    let isOver = false
    const load = grants.map(async ({ refresh }, i) => {
      while (!isOver) {
        expect(await refresh()).toBe(true)
        refreshed[i] = (refreshed[i] ?? 0) + 1
      }
    })
    while (refreshed.some((count) => count < 3)) await Promise.race([...load, new Promise(setImmediate)])
    const acknowledged = [...refreshed]
    expect(await run("backup", "backup.db")).toEqual(done(/^The backup \S*backup\.db has \d+ bytes.*\n.*master key/))
    isOver = true
    await Promise.all(load)

    expect((statSync(at("backup.db")).mode & 0o777).toString(8)).toBe("600")
    expect(withDatabase("backup.db", (db) => db.pragma("integrity_check", { simple: true }))).toBe("ok")
    const key = readFileSync(at("data/latchkey.db.key"), "utf8").trim()
    copyFileSync(at("backup.db"), at("restored.db"))
    const { stdout } = await Commands.run(["grant", "list", "--json", "--database", "sqlite:restored.db"], {
      server,
      env: { LATCHKEY_MASTER_KEY: key }
    })
    const listed = JSON.parse(stdout) as ReadonlyArray<{ client_id: string; generation: number; state: string }>
    for (const [i, { clientId }] of grants.entries()) {
      const grant = listed.find(({ client_id }) => client_id === clientId)
      expect(grant).toMatchObject({ state: "Active" })
      expect(grant?.generation).toBeGreaterThan(acknowledged[i] ?? 0)
    }
  })

  it("db backup overwrites no file, and leaves no partial file", async () => {
    writeFileSync(at("precious"), "precious")
    expect(await run("backup", "precious")).toEqual(refused(1, /precious: this file exists/))
    expect(readFileSync(at("precious"), "utf8")).toBe("precious")
    expect(await run("backup", "no/such/folder.db")).toEqual(refused(1, /folder\.db: the copy was not written/))
    expect(await run("backup", "other.db", "--database", "sqlite:none.db")).toEqual(refused(1, /no such database/))
    expect(await run("backup", "other.db", "--database", "memory:")).toEqual(refused(2, /memory:/))
    expect(existsSync(at("other.db"))).toBe(false)
  })
})

describe("db migrate", () => {
  it("db migrate updates an older schema and prints the versions before and after", async () => {
    withDatabase("old.db", (db) => {
      chmodSync(at("old.db"), 0o600)
      db.pragma(`application_id = ${0x4c746368}`)
      // Without a write SQLite leaves the file empty.
      db.exec("vacuum")
    })
    const old = ["--database", "sqlite:old.db"]
    expect(await json("status", ...old)).toMatchObject({ schema_version: 0, supported_version: latest })
    expect(await run("copy", "--to", "sqlite:new.db", ...old)).toEqual(refused(1, /latchkey db migrate/))
    expect(await json("migrate", ...old)).toEqual({ path: at("old.db"), from: 0, to: latest })
    expect(await run("migrate", ...old)).toEqual(done(/old\.db is up to date \(version \d+\)\n$/))
    expect(await json("status", ...old)).toMatchObject({ schema_version: latest, rows: { revoked_tokens: 0 } })
    expect(await run("migrate", "--database", "sqlite:none.db")).toEqual(refused(1, /no such database/))
  })
})

describe("db copy", () => {
  it("db copy copies all rows to an empty database, and refuses any other", async () => {
    const { clientId } = await Tokens.issue(server, "notes:read")
    const { rows } = await json("copy", "--to", "sqlite:elsewhere/copy.db")
    const there = await json("status", "--database", "sqlite:elsewhere/copy.db")
    expect(there.rows).toEqual(rows)
    expect(rows.grants).toBeGreaterThan(0)

    // The copy opens only with the key of the original.
    const list = ["grant", "list", "--client", clientId, "--json", "--database", "sqlite:elsewhere/copy.db"]
    expect(await Commands.run(list, { server })).toEqual(refused(1, /the master key is missing/))
    copyFileSync(at("data/latchkey.db.key"), at("elsewhere/copy.db.key"))
    expect(JSON.parse((await Commands.run(list, { server })).stdout)).toMatchObject([{ state: "Active" }])

    expect(await run("copy", "--to", "sqlite:elsewhere/copy.db")).toEqual(refused(1, /this database is not empty/))
    expect(await run("copy", "--to", "sqlite:data/latchkey.db")).toEqual(refused(2, /this is the database itself/))
    expect(await run("copy", "--to", "memory:")).toEqual(refused(2, /--to: memory:/))
    expect(await run("copy", "--to", "somewhere")).toEqual(refused(2, /--to: give/))
  })
})
