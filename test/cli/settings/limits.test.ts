/** Commands about limits: paused logins, networks, and unused clients. */
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Browser } from "../../flow/support/Browser.js"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

/** Sends a request that a trusted proxy forwards from this address. */
const forwarding =
  (address: () => string): typeof fetch =>
  (input, init) => {
    const request = new Request(input, init)
    request.headers.set("x-forwarded-for", address())
    return fetch(request)
  }

const opened = async (server: Cli.Server, address: () => string) => {
  const browser = new Browser((request) => forwarding(address)(request), server.url)
  return { browser, page: await browser.open(`${server.url}/account`) }
}

/** Logs in from an address with a new browser. Returns the status of the response. */
const logIn = async (server: Cli.Server, address: () => string, password: string, username = Tokens.username) => {
  const { browser, page } = await opened(server, address)
  return (await browser.submit(page, { fields: { username, password } })).status
}

const behindProxy = { LATCHKEY_TRUSTED_PROXIES: "127.0.0.0/8" }

/** Addresses of one host, each with another port. */
const ports = (host: string, first = 1025) => {
  let port = first
  return () => `${host}:${port++}`
}

describe("user", () => {
  let server: Cli.Server
  beforeAll(async () => {
    server = await Cli.startServer({ env: behindProxy })
    await Tokens.createAccount(server)
  })
  afterAll(() => server?.stop())
  const run = (args: ReadonlyArray<string>) => Commands.run(["user", ...args], { server })

  it("list shows whose logins are paused until when, and unlock ends the pauses without a new password", async () => {
    expect((await run(["list"])).stdout).toMatch(/^\S+Z {2}ada\n$/)
    const home = () => "203.0.113.1"
    // Five failures pause the name in one network; nine pause it for all.
    for (let i = 0; i < 5; i++) expect(await logIn(server, home, "wrong password")).toBe(403)
    expect(await logIn(server, home, Tokens.password)).toBe(429)
    for (let i = 2; i < 11; i++) await logIn(server, () => `203.0.113.${i}`, "wrong password")
    // The pause of one second is prolonged to an hour.
    const until = Date.now() + 3_600_000
    const db = new Sqlite(join(server.folder, "data/latchkey.db"), { timeout: 2_000 })
    db.prepare("update login_counters set paused_until = ? where bucket < 65536").run(until)
    db.close()
    expect((await run(["list"])).stdout).toMatch(/^\S+Z {2}ada {2}logins paused until 20\d\d-\S+ \S+Z\n$/)
    expect(JSON.parse((await run(["list", "--json"])).stdout)).toMatchObject([
      { username: "ada", paused_until: new Date(until).toISOString() }
    ])

    expect(await run(["unlock", "Ada"])).toEqual(
      done(/^The account ada is unlocked: its logins are not paused any more/)
    )
    expect(JSON.parse((await run(["list", "--json"])).stdout)[0]).not.toHaveProperty("paused_until")
    expect(await logIn(server, home, Tokens.password)).toBe(200)
    expect((await Commands.run(["events"], { server })).stdout).toMatch(/login pauses ended by the operator +user=ada/)
  })

  it.each([
    [["unlock", "nobody"], 1, /there is no account nobody/],
    [["unlock", "a b"], 2, /NAME: /],
    [["unlock", "external:7"], 2, /NAME: /],
    [["unlock"], 2, /NAME/]
  ])("%j is refused in one line", async (args, code, line) => {
    expect(await run(args)).toEqual(refused(code, line))
  })
})

describe("client prune", () => {
  let server: Cli.Server
  beforeAll(async () => {
    server = await Cli.startServer({ args: ["--demo"], env: { LATCHKEY_MAX_UNUSED_CLIENTS: "5" } })
    await Tokens.createAccount(server)
  })
  afterAll(() => server?.stop())
  const run = (...args: ReadonlyArray<string>) => Commands.run(args, { server })
  const prune = (...args: ReadonlyArray<string>) => run("client", "prune", ...args)
  const json = async (...args: ReadonlyArray<string>) => JSON.parse((await run(...args, "--json")).stdout)
  const names = async () => {
    const clients: ReadonlyArray<{ client_name?: string }> = await json("client", "list")
    return clients.map(({ client_name }) => client_name).sort()
  }

  const register = async (name: string) => {
    const metadata = { client_name: name, redirect_uris: ["https://app.example/callback"] }
    const headers = { "content-type": "application/json" }
    const answer = await fetch(`${server.url}/register`, { method: "POST", body: JSON.stringify(metadata), headers })
    expect(answer.status).toBe(201)
    return ((await answer.json()) as { client_id: string }).client_id
  }

  const withDatabase = (use: (db: Sqlite.Database) => unknown) => {
    const db = new Sqlite(join(server.folder, "data/latchkey.db"), { timeout: 2_000 })
    use(db)
    db.close()
  }
  const daysAgo = (days: number) => Date.now() - days * 86_400_000

  it("client prune deletes unused clients while a server runs, and no client with a grant or consent", async () => {
    await run(
      "client",
      "create",
      "--name",
      "Operator's",
      "--redirect-uri",
      "https://op.example/",
      "--scope",
      "notes:read"
    )
    const ids = Object.fromEntries(
      await Promise.all(["Old", "New", "Withdrawn"].map(async (name) => [name, await register(name)] as const))
    )
    const granted = await Tokens.issue(server, "notes:read")
    const remembered = await Tokens.issue(server, "notes:read")
    withDatabase((db) => {
      db.prepare("update clients set issued_at = ? where id <> ?").run(daysAgo(40), ids.New)
      const setUsed = db.prepare("update clients set used_at = ? where id = ?")
      for (const id of [ids.Withdrawn, granted.clientId, remembered.clientId]) setUsed.run(daysAgo(40), id)
      db.prepare("delete from grants where client_id = ?").run(remembered.clientId)
      db.prepare("delete from consent_items where client_id = ?").run(granted.clientId)
    })

    expect(await json("client", "prune", "--unused-for", "7d", "--dry-run")).toEqual({
      dry_run: true,
      never_used: 1,
      idle: 1,
      more: false
    })
    expect(await names()).toHaveLength(6)
    expect(await prune("--unused-for", "60 days")).toEqual(done(/^No client that registered itself was unused/))
    expect(await prune("--unused-for", "7 days", "--dry-run")).toEqual(done(/^Would delete 2 clients that registered/))
    expect(await prune("--unused-for=7 days")).toEqual(
      done(/^Deleted 2 clients that registered themselves\n\n +1 +never used, [^\n]+\n +1 +last used before [^\n]+\n$/)
    )
    expect(await names()).toEqual(["New", "Operator's", "Test client", "Test client"])
    expect(await granted.refresh()).toBe(true)
    expect(await prune("--unused-for", "1h")).toEqual(done(/^No client/))
    expect(await register("Another")).toMatch(/./)
  })

  it("client prune without a duration deletes the clients that maintenance deletes", async () => {
    withDatabase((db) => db.prepare("update clients set issued_at = ? where used_at is null").run(daysAgo(2)))
    expect(await json("client", "prune")).toEqual({ dry_run: false, never_used: 2, idle: 0, more: false })
    expect(await names()).toEqual(["Operator's", "Test client", "Test client"])
  })

  it("client prune without a duration keeps a used client until its longest grant can be deleted", async () => {
    const id = await register("Used")
    withDatabase((db) => db.prepare("update clients set used_at = ? where id = ?").run(daysAgo(50), id))
    const env = { LATCHKEY_ABANDONED_CLIENT_TTL: "30 days" }
    const idle = async (grantTtl: string) => {
      const args = ["client", "prune", "--dry-run", "--json"]
      const { stdout } = await Commands.run(args, { server, env: { ...env, LATCHKEY_GRANT_TTL: grantTtl } })
      return JSON.parse(stdout).idle
    }
    expect(await idle("45 days")).toBe(0)
    expect(await idle("40 days")).toBe(1)
    withDatabase((db) => db.prepare("delete from clients where id = ?").run(id))
  })

  it.each(["7", "59 minutes", "0h", "-7 days", "soon", "7y", "Infinity"])(
    "client prune --unused-for=%j is refused",
    async (text) => {
      expect(await prune(`--unused-for=${text}`)).toEqual(
        refused(2, /--unused-for: give a duration of at least an hour/)
      )
    }
  )

  it("client prune deletes thousands of clients in batches while clients register", async () => {
    withDatabase((db) => {
      db.exec(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000)
        insert into clients (issuer, id, issued_at, origin, metadata, secret_digest, secret_expires_at, state, used_at, epoch)
        select (select issuer from clients limit 1), 'flood' || i, 1, 'Dynamic',
          (select metadata from clients limit 1), null, null, 'Enabled', null, 1 from n`)
    })
    const pruned = json("client", "prune", "--unused-for", "1 hour")
    const slowest = { millis: 0 }
    for (let i = 0; i < 10; i++) {
      const began = performance.now()
      await register(`App ${i}`)
      slowest.millis = Math.max(slowest.millis, performance.now() - began)
    }
    // Each registration above the maximum takes the row of the oldest unused client.
    expect((await pruned).never_used).toBeGreaterThanOrEqual(2_990)
    expect(slowest.millis).toBeLessThan(2_000)
  })

  it("db status shows the number and the maximum of unused clients", async () => {
    for (const count of [4, 5]) {
      withDatabase((db) => db.exec("delete from clients where origin = 'Dynamic' and used_at is null"))
      for (let i = 0; i < count; i++) await register(`App ${i}`)
      expect((await json("db", "status")).unused_clients).toEqual({ count, maximum: 5 })
    }
    const text = (await run("db", "status")).stdout
    expect(text).toContain(
      "\n\nClients that registered themselves and were never used: 5 of 5; each registration deletes the oldest\n\n"
    )
    const larger = await Commands.run(["db", "status"], { server, env: { LATCHKEY_MAX_UNUSED_CLIENTS: "10000" } })
    expect(larger.stdout).toContain("never used: 5 of 10,000\n\n")
    const closed = await Commands.run(["db", "status"], { server, env: { LATCHKEY_MAX_UNUSED_CLIENTS: "0" } })
    expect(closed.stdout).toContain("never used: 5; registration is closed (LATCHKEY_MAX_UNUSED_CLIENTS is 0)")

    withDatabase((db) =>
      db.exec(`insert into clients (issuer, id, issued_at, origin, metadata, state, epoch)
        select 'https://other.example', id, issued_at, origin, metadata, state, epoch from clients limit 1`)
    )
    expect((await run("db", "status")).stdout).toContain("never used: 5 of 5 (the issuer with the most); each")
  })
})

describe("one address behind a proxy", () => {
  let server: Cli.Server
  beforeAll(async () => {
    server = await Cli.startServer({ env: behindProxy })
    await Tokens.createAccount(server)
    for (const name of ["bob", "eve"]) {
      const args = ["user", "create", name, "--password-stdin"]
      expect(await Commands.run(args, { server, stdin: Tokens.password })).toMatchObject({ code: 0 })
    }
  })
  afterAll(() => server?.stop())

  it("an address with any port must wait after some fifty wrong logins, and users elsewhere can log in", async () => {
    const stranger = ports("203.0.113.66")
    const statuses = []
    for (let i = 0; i < 58; i++) statuses.push(await logIn(server, stranger, "wrong password", `name${i}`))
    expect(statuses.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 403))
    expect(statuses.slice(51)).toContain(429)
    expect(await logIn(server, () => "203.0.113.66:9999", Tokens.password)).toBe(429)
    expect(await logIn(server, () => "198.51.100.21:1025", Tokens.password, "ada")).toBe(200)
    expect(await logIn(server, () => "198.51.100.22:1026", Tokens.password, "bob")).toBe(200)
    expect(await logIn(server, () => "[2001:db8::21]:1027", Tokens.password, "eve")).toBe(200)
  })
})
