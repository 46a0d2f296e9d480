/** What operators do about limits: paused logins, networks, and clients that nobody uses. */
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Browser } from "../flow/support/Browser.js"
import * as Cli from "../support/Cli.js"
import * as Commands from "../support/Commands.js"
import { done, refused } from "./support/Refused.js"
import * as Tokens from "./support/Tokens.js"

/** Sends a request as a trusted proxy does that got it from this address. */
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

/** Logs in from an address, in a browser of its own. Gives the status of the answer. */
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
    // The first pause is over in a second: here it is an hour.
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

  it("is one address, whatever its port: it waits after some fifty wrong logins, and people elsewhere log in", async () => {
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
