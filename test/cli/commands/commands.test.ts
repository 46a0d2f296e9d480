/** Commands on the database of a running server. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo"] })
})
afterAll(() => server?.stop())

const run = (args: ReadonlyArray<string>, stdin?: string) =>
  Commands.run(args, { server, ...(stdin === undefined ? {} : { stdin }) })

describe("user", () => {
  it("user create creates an account that can log in at once", async () => {
    const { code, stderr, stdout } = await run(["user", "create", "Ada", "--password-stdin"], `${Tokens.password}\n`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain(`The account ada is created, and can log in at ${server.url}`)
    expect(await Tokens.accessToken(server, "notes:read")).toMatch(/^lk_at_/)
  })

  it("user create refuses a name that exists", async () => {
    expect(await run(["user", "create", "ADA", "--password-stdin"], "another password")).toEqual(
      refused(1, /ada already/)
    )
  })

  it.each([
    ["too short", "short", /at least 8/],
    ["empty", "", /at least 8/],
    ["two lines", "one password\nanother one", /more than one line/],
    ["endless", "x".repeat(100_000), /1024 bytes/],
    ["well known", "iloveyou1", /list of well-known passwords/],
    ["well known in capitals", "TRUSTNO1", /list of well-known passwords/]
  ])("user create refuses a password that is %s", async (_, password, line) => {
    expect(await run(["user", "create", "bob", "--password-stdin"], password)).toEqual(refused(2, line))
  })

  it.each([
    ["a\u034fda", /NAME: the name holds U\+034F, an invisible character/],
    ["\u2800", /NAME: the name holds U\+2800, a blank character/]
  ])("create refuses the name %j and names the character", async (name, line) => {
    expect(await run(["user", "create", name, "--password-stdin"], "another password")).toEqual(refused(2, line))
  })

  it("user create without a terminal asks for --password-stdin", async () => {
    expect(await run(["user", "create", "bob"])).toEqual(refused(2, /--password-stdin/))
    expect(await run(["user", "create", "bob"], "a password that was not asked for")).toEqual(
      refused(2, /--password-stdin/)
    )
  })

  it("user list shows the accounts, oldest first", async () => {
    await run(["user", "create", "bob", "--password-stdin"], "another password")
    const { code, stderr, stdout } = await run(["user", "list"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/^\S+Z {2}ada\n\S+Z {2}bob\n$/)
  })

  it("user commands refuse a database that has only another issuer", async () => {
    const other = ["--issuer", "https://auth.example.com"]
    for (const args of [["list"], ["create", "bob", "--password-stdin"]]) {
      const { code, stderr, stdout } = await run(["user", ...args, ...other], "correct horse battery")
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
      expect(stderr).toMatch(/^latchkey: sqlite:\S+ is the database of http:\S+, not of http\S+: give that --issuer/)
    }
  })
})

describe("client", () => {
  const create = (...args: ReadonlyArray<string>) =>
    run(["client", "create", "--name", "Reports", "--redirect-uri", "https://reports.example/callback", ...args])

  it("client create registers a public client, and prints the members of RFC 7591", async () => {
    const { code, stderr, stdout } = await create("--scope", "notes:read", "--json")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(JSON.parse(stdout)).toEqual({
      client_id: expect.any(String),
      client_id_issued_at: expect.any(Number),
      client_name: "Reports",
      redirect_uris: ["https://reports.example/callback"],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: "notes:read"
    })
  })

  it("client create prints the secret of a confidential client once, and the server accepts it at once", async () => {
    const { stdout } = await create("--confidential", "--scope", "notes:read", "--json")
    const client = JSON.parse(stdout) as { client_id: string; client_secret: string }
    expect(client).toMatchObject({ token_endpoint_auth_method: "client_secret_basic", client_secret_expires_at: 0 })
    const token = async (secret: string) => {
      const response = await fetch(`${server.url}/token`, {
        method: "POST",
        body: new URLSearchParams({ grant_type: "authorization_code", code: "none", code_verifier: "a".repeat(43) }),
        headers: { authorization: `Basic ${btoa(`${client.client_id}:${secret}`)}` }
      })
      return (await response.json()) as { error: string }
    }
    expect(await token(client.client_secret)).toMatchObject({ error: "invalid_grant" })
    expect(await token("another")).toMatchObject({ error: "invalid_client" })
    expect((await run(["client", "list", "--json"])).stdout).not.toContain(client.client_secret)
  })

  it("client create without --json prints the secret and the metadata", async () => {
    const { stdout } = await create("--auth-method", "client_secret_post", "--scope", "notes:read notes:write")
    expect(stdout).toContain(`Reports is registered at ${server.url}`)
    expect(stdout).toMatch(/client_secret +lk_cs_\S+ +\(shown only once\)/)
    expect(stdout).toMatch(/token_endpoint_auth_method +client_secret_post/)
    expect(stdout).toMatch(/scope +notes:read notes:write/)
  })

  it("client create accepts several redirect URIs and grant types", async () => {
    const { stdout } = await create(
      ...["--redirect-uri", "http://localhost/callback"],
      ...["--grant", "authorization_code", "--scope", "a", "--json"]
    )
    expect(JSON.parse(stdout)).toMatchObject({
      redirect_uris: ["https://reports.example/callback", "http://localhost/callback"],
      grant_types: ["authorization_code"]
    })
  })

  it("client create without --scope prints how to add a scope", async () => {
    const { code, stderr, stdout } = await create("--json")
    expect(code).toBe(0)
    expect(stderr).toMatch(/^latchkey: without --scope/)
    expect(JSON.parse(stdout)).not.toHaveProperty("scope")
  })

  it.each([
    [["--redirect-uri", "http://reports.example/"], /--redirect-uri: .*https/],
    [["--redirect-uri", "unknown-app://callback"], /--redirect-uri: .*dot/],
    [["--grant", "password"], /--grant: .*authorization_code/],
    [["--scope", 'a"b'], /--scope/]
  ])("create refuses %j", async (args, line) => {
    expect(await create(...args)).toEqual(refused(2, line))
  })

  it.each([
    ["Re\u200bports", /--name holds U\+200B, an invisible character/],
    ["\u202estropeR", /--name holds U\+202E, a character that changes the direction of text/],
    ["\u3164", /--name holds U\+3164, an invisible character/],
    [" ", /--name holds nothing that can be seen/]
  ])("create refuses the name %j and names the character", async (name, line) => {
    const args = ["client", "create", "--name", name, "--redirect-uri", "https://reports.example/cb"]
    expect(await run(args)).toEqual(refused(2, line))
  })

  it("client create refuses the authorization code grant without a redirect URI", async () => {
    expect(await run(["client", "create", "--name", "A"])).toEqual(refused(2, /--redirect-uri/))
  })

  it("client list shows who registered each client, and escapes names with control characters", async () => {
    const answer = await fetch(`${server.url}/register`, {
      method: "POST",
      body: JSON.stringify({
        client_name: "Nice app",
        redirect_uris: ["https://client.example/callback"],
        token_endpoint_auth_method: "none"
      }),
      headers: { "content-type": "application/json" }
    })
    const { client_id } = (await answer.json()) as { readonly client_id: string }
    const stored = new Sqlite(join(server.folder, "data", "latchkey.db"))
    stored
      .prepare("update clients set metadata = json_set(metadata, '$.client_name', ?) where id = ?")
      .run("Nice\u001b[31m\u202eapp\u009b", client_id)
    stored.close()
    const { stdout } = await run(["client", "list"])
    expect(stdout).toMatch(/confidential {2}by the operator {2}Reports\n/)
    expect(stdout).toMatch(/public {8}by itself {8}Nice\[31mapp\n/)
    const asJson = (await run(["client", "list", "--json"])).stdout
    expect(JSON.parse(asJson)).toContainEqual(expect.objectContaining({ client_name: "Nice\u001b[31m\u202eapp\u009b" }))
    for (const text of [stdout, asJson]) expect(text).not.toMatch(/[\u001b\u202e\u009b]/)
  })
})

describe("no command", () => {
  it("no command accepts the database memory:", async () => {
    for (const command of ["user list", "client list", "user create ada --password-stdin"]) {
      expect(await run([...command.split(" "), "--database", "memory:"], "a password")).toEqual(refused(2, /memory:/))
    }
  })

  it("no command that reads creates a database", async () => {
    expect(await run(["user", "list", "--database", "sqlite:elsewhere.db"])).toEqual(refused(1, /no such database/))
    expect(existsSync(join(server.folder, "elsewhere.db"))).toBe(false)
  })

  it("no command accepts a folder as a database", async () => {
    expect(await run(["client", "list", "--database", "sqlite:data"])).toEqual(refused(1, /directory/))
  })
})
