/** `latchkey grant` and `latchkey events` while a server runs. */
import { userInfo } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

interface Listed {
  readonly id: string
  readonly client_id: string
  readonly state: string
}

interface Told {
  readonly id: string
  readonly event: string
  readonly grant_id?: string
}

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
  await Tokens.createAccount(server)
})
afterAll(() => server?.stop())

const run = (...args: ReadonlyArray<string>) => Commands.run(args, { server })

const list = async (...args: ReadonlyArray<string>): Promise<ReadonlyArray<Listed>> =>
  JSON.parse((await run("grant", "list", "--json", ...args)).stdout)

/** Registers a client, and issues a grant to it. */
const issue = async () => {
  const issued = await Tokens.issue(server, "notes:read")
  const [grant, ...others] = await list("--client", issued.clientId)
  expect(others).toEqual([])
  return { ...issued, id: grant?.id ?? "" }
}

const statesOf = async (...args: ReadonlyArray<string>) => (await list(...args)).map(({ state }) => state)

const events = async (...args: ReadonlyArray<string>): Promise<ReadonlyArray<Told>> => {
  const { stdout } = await run("events", "--json", ...args)
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
}

/** Waits until these events are stored, in this order: an event is stored a moment after it is published. */
/** The stored events of a grant. Only the first refresh of a day is stored, and midnight may pass during the test. */
const tells = async (names: ReadonlyArray<string>, ...args: ReadonlyArray<string>) => {
  const told = async () => (await events(...args)).map(({ event }) => event).filter((event) => event !== "Refreshed")
  for (let tries = 0; tries < 20 && (await told()).length < names.length; tries++) await sleep(50)
  expect(await told()).toEqual(names)
}

describe("grant", () => {
  it("grant list shows the account, client and scope of each grant", async () => {
    const { clientId, id } = await issue()
    const [grant] = await list("--client", clientId)
    expect(grant).toEqual({
      id,
      state: "Active",
      subject: expect.any(String),
      username: "ada",
      client_id: clientId,
      redirect_uri: expect.stringMatching(/^https?:/),
      scope: "notes:read",
      resources: [`${server.url}/mcp`],
      granted: { [`${server.url}/mcp`]: "notes:read" },
      approved_at: expect.stringMatching(/Z$/),
      redeemed_at: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
      generation: 1,
      refresh_token_expires_at: expect.stringMatching(/Z$/)
    })
    expect(await run("grant", "list", "--client", clientId)).toEqual(
      done(new RegExp(`^\\S+Z {2}${id} {2}active {4}ada {2}${clientId} {2}notes:read\\n$`))
    )
    expect((await list("--user", "ADA")).map(({ id }) => id)).toContain(id)
    expect((await list()).map(({ id }) => id)).toContain(id)
  })

  it("grant list is empty for an account or client without grants", async () => {
    await Commands.run(["user", "create", "bob", "--password-stdin"], { server, stdin: "a password of bob's" })
    expect(await list("--user", "bob")).toEqual([])
    expect(await run("grant", "list", "--user", "bob")).toMatchObject({ code: 0, stdout: "" })
    expect(await run("grant", "list", "--user", "nobody")).toEqual(refused(1, /no account nobody/))
    expect(await run("grant", "list", "--client", "a b")).toEqual(refused(2, /--client/))
  })

  it("grant show lists all events of a grant in order", async () => {
    const { clientId, id, refresh } = await issue()
    expect(await refresh()).toBe(true)
    expect(await refresh()).toBe(true)
    await tells(["Allowed", "Redeemed"], "--grant", id)
    expect((await run("grant", "show", id)).stdout).toMatch(
      / {2}code redeemed {2}by client [^\n]+\n {2}[^\n]* {2}refreshed, generation 3\n$/
    )
    expect(await run("grant", "revoke", id)).toEqual(done(/^1 grant is revoked\n$/))
    expect(await refresh()).toBe(false)

    const { stdout } = await run("grant", "show", id)
    expect(stdout).toMatch(new RegExp(`^The grant ${id} is revoked: the operator revoked it\\n\\n {2}account +ada\\n`))
    expect(stdout).toMatch(
      new RegExp(
        `\\n {2}client +${clientId} {2}\\(Test client\\)\\n {2}redirect URI +https://client.example/callback\\n {2}scope +notes:read\\n`
      )
    )
    expect(stdout).toContain(`${server.url}/mcp  notes:read\n`)
    const story = stdout
      .split("\n\n")
      .at(-1)
      ?.replace(/^.*refreshed.*\n/gm, "")
    const told = story?.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, "TIME").replaceAll(/request=\w{26}/g, "REQUEST")
    expect(told).toBe(
      [
        "  TIME  allowed: notes:read  by user ada REQUEST",
        `  TIME  code redeemed  by client ${clientId} (not authenticated) REQUEST`,
        `  TIME  revoked: the operator revoked it  by operator ${userInfo().username}\n`
      ].join("\n")
    )
    const { story: chapters, ...asJson } = JSON.parse((await run("grant", "show", id, "--json")).stdout)
    expect(asJson).toMatchObject({
      id,
      state: "Revoked",
      reason: "OperatorRevoked",
      revoked_at: expect.any(String)
    })
    const isKept = ({ event }: { readonly event: string }) => event !== "Refreshed"
    expect(chapters.filter(isKept)).toMatchObject([
      { event: "Allowed", scope: "notes:read", at: expect.stringMatching(/Z$/) },
      { event: "Redeemed" },
      { event: "Revoked", reason: "OperatorRevoked" }
    ])
  })

  it("grant revoke ID revokes one grant and prints the number", async () => {
    const { id, refresh } = await issue()
    expect(await run("grant", "revoke", id)).toEqual(done(/^1 grant is revoked\n$/))
    expect(await run("grant", "revoke", id)).toEqual(done(/^0 grants are revoked\n$/))
    expect(await refresh()).toBe(false)
  })

  it("grant revoke revokes all grants of a client, of an account, or all grants, and no others", async () => {
    const [first, second] = [await issue(), await issue()]
    expect(await run("grant", "revoke", "--client", first.clientId)).toEqual(done(/^1 grant is revoked\n$/))
    expect(await statesOf("--client", first.clientId)).toEqual(["Revoked"])
    expect(await statesOf("--client", second.clientId)).toEqual(["Active"])
    expect(await run("grant", "revoke", "--user", "bob")).toEqual(done(/^0 grants are revoked\n$/))
    expect(await statesOf("--client", second.clientId)).toEqual(["Active"])
    expect(await run("grant", "revoke", "--user", "ada")).toEqual(done(/^[1-9]\d* grants? (is|are) revoked\n$/))
    expect(new Set(await statesOf())).toEqual(new Set(["Revoked"]))
    await issue()
    expect(await run("grant", "revoke", "--all")).toEqual(done(/^1 grant is revoked\n$/))
    expect(new Set(await statesOf())).toEqual(new Set(["Revoked"]))
  })

  it("grant revoke refuses none or several of ID, --user, --client and --all", async () => {
    const wrong = [[], ["x", "--all"], ["--user", "ada", "--client", "x"], ["--user", "ada", "--all"]]
    for (const args of wrong) expect(await run("grant", "revoke", ...args)).toEqual(refused(2, /--all/))
  })

  it("a grant command refuses an unknown grant, account or client", async () => {
    const { id } = await issue()
    for (const unknown of ["nothing", id.replace(/.{4}$/, "0000")]) {
      expect(await run("grant", "show", unknown)).toEqual(refused(1, new RegExp(`no grant ${unknown}`)))
      expect(await run("grant", "revoke", unknown)).toEqual(refused(1, new RegExp(`no grant ${unknown}`)))
    }
    expect(await run("grant", "revoke", "--user", "nobody")).toEqual(refused(1, /no account nobody/))
    expect(await run("grant", "revoke", "--client", "nothing")).toEqual(refused(1, /no client nothing/))
  })
})

describe("events", () => {
  it("events are filtered by grant, client and account, and printed one a line", async () => {
    const { clientId, id } = await issue()
    await tells(["Allowed", "Redeemed"], "--grant", id)
    await tells(["Allowed", "Redeemed"], "--client", clientId)
    expect((await events("--user", "ada")).map(({ event }) => event)).toContain("LoggedIn")
    const [allowed] = await events("--grant", id)
    expect(allowed).toEqual({
      id: expect.any(String),
      at: expect.stringMatching(/Z$/),
      event: "Allowed",
      by: "Person",
      grant_id: id,
      subject: expect.any(String),
      client_id: clientId,
      scope: "notes:read",
      actor: { type: "Person", subject: expect.any(String), session_id: expect.any(String) },
      request_id: expect.stringMatching(/^\w{26}$/)
    })
    expect((await run("events", "--grant", id)).stdout).toMatch(
      new RegExp(
        `^\\d{4}-\\d\\d-\\d\\d \\S+Z {2}allowed: notes:read {2}user=ada client=${clientId} grant=${id} {2}by user ada request=\\w{26}\\n`
      )
    )
  })

  it("events are printed oldest first, and --limit prints the last ones", async () => {
    const all = await events()
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort())
    expect(await events("--limit", "2")).toEqual(all.slice(-2))
    expect(await events("--limit", "0")).toEqual([])
  })

  it("a change by a command is an event of the operator", async () => {
    await Commands.run(["user", "create", "carol", "--password-stdin"], { server, stdin: "a password of carol's" })
    await run("user", "disable", "carol")
    await run("user", "enable", "carol")
    expect((await run("events", "--user", "carol")).stdout.replaceAll(/^.{20} {2}/gm, "")).toBe(
      ["account created", "account disabled", "account enabled"]
        .map((text) => `${text}  user=carol  by operator ${userInfo().username}\n`)
        .join("")
    )
  })

  it.each([
    [["--limit", "x"], 2, /--limit/],
    [["--limit", "-1"], 2, /--limit/],
    [["--user", "nobody"], 1, /no account nobody/],
    [["--grant", "nothing"], 2, /--grant/],
    [["--client", "a b"], 2, /--client/]
  ])("latchkey events refuses %j", async (args, code, line) => {
    expect(await run("events", ...args)).toEqual(refused(code, line))
  })

  it("events --follow prints each new event once until it is stopped", async () => {
    const before = (await events()).at(-1)
    // The stored event shows that the command has started. It must not be printed again.
    const listening = await Cli.run(["events", "--follow", "--json", "--limit", "1"], { server, signal: "SIGINT" })
    expect(listening).toMatchObject({ code: 0, stderr: "" })
    expect(JSON.parse(listening.stdout)).toEqual(before)

    const following = Cli.run(["events", "--follow", "--json"], { server, signal: "SIGTERM" })
    let ended = false
    const result = following.then((result) => {
      ended = true
      return result
    })
    while (!ended) {
      await run("client", "create", "--name", "App", "--redirect-uri", "https://client.example/")
    }
    const { code, stderr, stdout } = await result
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const told = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Told)
    expect(new Set(told.map(({ event }) => event))).toEqual(new Set(["ClientRegistered"]))
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length)
  })
})
