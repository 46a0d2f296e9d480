/** Commands that disable, enable and delete accounts and clients while a server runs, and their effect on tokens. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Browser } from "../../flow/support/Browser.js"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
})
afterAll(() => server?.stop())

const run = (args: ReadonlyArray<string>, stdin?: string) =>
  Commands.run(args, { server, ...(stdin === undefined ? {} : { stdin }) })

const json = async (...args: ReadonlyArray<string>) => JSON.parse((await run([...args, "--json"])).stdout)

const statusOf = async (token: string) => {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`${server.url}/mcp`, { method: "POST", headers })).status
}

const grantStates = async (clientId: string) =>
  (await json("grant", "list", "--client", clientId)).map(({ reason, state }: { reason?: string; state: string }) => [
    state,
    reason
  ])

describe("user", () => {
  beforeAll(() => Tokens.createAccount(server))

  it("user disable revokes all tokens at once, and they stay revoked after user enable", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    expect(await statusOf(issued.access)).not.toBe(401)
    expect(await issued.refresh()).toBe(true)
    expect(await run(["user", "disable", "ADA"])).toEqual(done(/^The account ada is disabled: [^\n]+\n$/))
    expect((await run(["user", "list"])).stdout).toMatch(/^\S+Z {2}ada {2}disabled\n$/)
    expect(await statusOf(issued.access)).toBe(401)
    expect(await issued.refresh()).toBe(false)
    expect(await grantStates(issued.clientId)).toEqual([["Revoked", "SubjectRevoked"]])

    expect(await run(["user", "enable", "ada"])).toEqual(done(/^The account ada is enabled/))
    expect(await json("user", "list")).toEqual([
      { id: expect.any(String), username: "ada", state: "Enabled", created_at: expect.stringMatching(/Z$/) }
    ])
    expect(await statusOf(issued.access)).toBe(401)
    expect(await Tokens.accessToken(server, "notes:read")).toMatch(/^lk_at_/)
  })

  it("user set-password revokes the tokens and sessions of the account", async () => {
    const issued = await Tokens.issue(server, "notes:read")
    const set = await run(["user", "set-password", "ada", "--password-stdin"], "another password")
    expect(set).toEqual(done(/^The account ada has a new password/))
    expect(set.stdout).not.toContain("another")
    expect(await statusOf(issued.access)).toBe(401)
    await run(["user", "set-password", "ada", "--password-stdin"], Tokens.password)
    expect(await Tokens.accessToken(server, "notes:read")).toMatch(/^lk_at_/)
  })

  it.each([
    ["set-password", ["--password-stdin"], Tokens.password],
    ["enable", [], undefined]
  ])("user %s ends the pause of a name after wrong passwords", async (verb, options, stdin) => {
    const attempt = async (password: string) => {
      const browser = new Browser(fetch, server.url)
      const page = await browser.open(`${server.url}/account`)
      return (await browser.submit(page, { fields: { username: "ada", password } })).status
    }
    // Four failures from one address are free; the fifth begins a pause of ten seconds.
    for (let i = 0; i < 5; i++) expect(await attempt("wrong password")).toBe(403)
    expect(await attempt(Tokens.password)).toBe(429)
    expect((await run(["user", verb, "ada", ...options], stdin)).code).toBe(0)
    expect(await attempt(Tokens.password)).toBe(200)
  })

  it("user set-password refuses an invalid password, and asks for --password-stdin without a terminal", async () => {
    expect(await run(["user", "set-password", "ada", "--password-stdin"], "short")).toEqual(refused(2, /at least 8/))
    expect(await run(["user", "set-password", "ada"])).toEqual(refused(2, /--password-stdin/))
  })

  it("user delete deletes an account, and its name is free again", async () => {
    await run(["user", "create", "bob", "--password-stdin"], "a password of bob's")
    expect(await run(["user", "delete", "bob"])).toEqual(done(/^The account bob is deleted/))
    expect((await run(["user", "list"])).stdout).not.toContain("bob")
    expect(await run(["user", "delete", "bob"])).toEqual(refused(1, /no account bob/))
    expect(await run(["user", "create", "bob", "--password-stdin"], "a password of bob's")).toEqual(
      done(/bob is created/)
    )
  })

  it.each(["disable", "enable", "delete"])("user %s refuses an unknown or invalid name", async (verb) => {
    expect(await run(["user", verb, "nobody"])).toEqual(refused(1, /no account nobody/))
    expect(await run(["user", verb, "no body"])).toEqual(refused(2, /NAME: .*space/))
    expect(await run(["user", verb])).toEqual(refused(2, /NAME/))
    expect(await run(["user", verb, "ada", "--database", "sqlite:elsewhere.db"])).toEqual(
      refused(1, /no such database/)
    )
  })
})

describe("client", () => {
  const create = async (...args: ReadonlyArray<string>) =>
    json("client", "create", "--name", "Reports", "--redirect-uri", "https://reports.example/", "--scope", "a", ...args)

  const authenticates = async (id: string, secret: string) => {
    const response = await fetch(`${server.url}/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "authorization_code", code: "none", code_verifier: "a".repeat(43) }),
      headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` }
    })
    return ((await response.json()) as { error: string }).error !== "invalid_client"
  }

  it("client show shows a client without its secret", async () => {
    const { client_id, client_secret } = await create("--confidential")
    expect(await json("client", "show", client_id)).toEqual({
      client_id,
      client_id_issued_at: expect.any(Number),
      client_secret_expires_at: 0,
      client_name: "Reports",
      redirect_uris: ["https://reports.example/"],
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: "a",
      state: "Enabled",
      origin: "Operator"
    })
    const { stdout } = await run(["client", "show", client_id])
    expect(stdout).toMatch(/^The client Reports is enabled\n\n {2}client_id +\S+\n/)
    expect(stdout).toMatch(/last used +not yet\n$/)
    expect(stdout).not.toContain(client_secret)
  })

  it("client disable revokes all tokens at once, and they stay revoked after client enable", async () => {
    const { access, clientId, refresh } = await Tokens.issue(server, "notes:read")
    expect(await json("client", "show", clientId)).toMatchObject({ origin: "Dynamic", used_at: expect.any(String) })
    expect(await run(["client", "disable", clientId])).toEqual(done(/^The client Test client is disabled/))
    expect(await json("client", "show", clientId)).toMatchObject({ state: "Disabled" })
    expect((await run(["client", "list"])).stdout).toMatch(new RegExp(`${clientId} .* disabled {2}Test client\\n`))
    expect(await statusOf(access)).toBe(401)
    expect(await grantStates(clientId)).toEqual([["Revoked", "ClientRevoked"]])
    expect(await run(["client", "enable", clientId])).toEqual(done(/^The client Test client is enabled/))
    expect(await json("client", "show", clientId)).toMatchObject({ state: "Enabled" })
    expect(await statusOf(access)).toBe(401)
    expect(await refresh()).toBe(false)
  })

  it("client rotate-secret prints the new secret once, and the old one is refused", async () => {
    const { client_id, client_secret } = await create("--confidential")
    expect(await authenticates(client_id, client_secret)).toBe(true)
    const rotated = await json("client", "rotate-secret", client_id)
    expect(rotated).toMatchObject({ client_id, client_secret: expect.stringMatching(/^lk_cs_[\w-]{43}$/) })
    expect(await authenticates(client_id, client_secret)).toBe(false)
    expect(await authenticates(client_id, rotated.client_secret)).toBe(true)
    const { stdout } = await run(["client", "rotate-secret", client_id])
    expect(stdout).toMatch(/client_secret +lk_cs_[\w-]{43} {2}\(shown only once\)/)
    expect((await run(["client", "show", client_id])).stdout).not.toContain("lk_cs_")
  })

  it("client rotate-secret refuses a public client", async () => {
    const { client_id } = await create()
    expect(await run(["client", "rotate-secret", client_id])).toEqual(refused(1, /public/))
    expect(await json("client", "show", client_id)).not.toHaveProperty("client_secret_expires_at")
  })

  it("client delete deletes a client", async () => {
    const { client_id, client_secret } = await create("--confidential")
    expect(await run(["client", "delete", client_id])).toEqual(done(/^The client Reports is deleted/))
    expect(await authenticates(client_id, client_secret)).toBe(false)
    expect((await run(["client", "list"])).stdout).not.toContain(client_id)
  })

  it.each(["show", "disable", "enable", "rotate-secret", "delete"])(
    "client %s refuses an unknown client",
    async (verb) => {
      expect(await run(["client", verb, "nothing"])).toEqual(refused(1, /no client nothing/))
      expect(await run(["client", verb, "a\u001b[31mb c"])).toEqual(refused(1, /no client a\\u001b\[31mb c/))
      expect(await run(["client", verb])).toEqual(refused(2, /ID/))
    }
  )
})
