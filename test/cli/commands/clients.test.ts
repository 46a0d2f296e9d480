/** `latchkey client create` and `client update`: their errors, and their effect on a running server. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { claimsOf, makeKey, parametersOf, signed } from "../../support/Assertions.js"
import * as Cli from "../../support/Cli.js"
import * as Commands from "../../support/Commands.js"
import { refused } from "../support/Refused.js"

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({})
  const scopes = ["--scope", "notes:read=Read your notes", "--scope", "notes:write=Write notes"]
  await run("resource", "create", `${server.url}/mcp`, ...scopes)
})
afterAll(() => server?.stop())

const run = (...args: ReadonlyArray<string>) => Commands.run(args, { server })

interface Client {
  readonly client_id: string
  readonly client_secret: string
}

/** A client with the client credentials grant. */
const create = async (...args: ReadonlyArray<string>): Promise<Client> => {
  const service = ["--name", "Report", "--confidential", "--grant", "client_credentials"]
  const { code, stderr, stdout } = await run("client", "create", ...service, ...args, "--json")
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return JSON.parse(stdout) as Client
}

const update = ({ client_id }: Client, ...args: ReadonlyArray<string>) => run("client", "update", client_id, ...args)

const ask = async ({ client_id, client_secret }: Client) => {
  const answer = await fetch(`${server.url}/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials" }),
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` }
  })
  return (await answer.json()) as { readonly scope?: string; readonly error?: string }
}

describe("client create", () => {
  const args = ["client", "create", "--name", "A", "--redirect-uri", "https://a.example/cb"]

  it.each([
    ["notes:raed", /--scope: .*"notes:raed" \(did you mean "notes:read"\?\)/],
    ["notes:read note:write", /--scope: .*did you mean "notes:write"/],
    ["latchkey:admim", /--scope: .*did you mean "latchkey:admin"/]
  ])("client create refuses the scope %j and suggests a similar one", async (scope, line) => {
    expect(await run(...args, "--scope", scope)).toEqual(refused(2, line))
    expect((await run("client", "list")).stdout).toBe("")
  })

  it("client create accepts a scope whose resource may come later, and prints a warning", async () => {
    const { code, stderr, stdout } = await run(...args, "--scope", "calendar notes:read")
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'latchkey: no resource of the settings or the database offers the scope "calendar"; they offer notes:read notes:write\n'
    })
    expect(stdout).toMatch(/scope +calendar notes:read/)
  })

  it("client create accepts the scopes of the admin API while the API is not served", async () => {
    const service = ["--name", "Onboarding", "--grant", "client_credentials", "--confidential"]
    const made = await run("client", "create", ...service, "--scope", "latchkey:admin")
    expect(made).toMatchObject({ code: 0, stderr: "" })
  })

  it("client create refuses a public client with the client credentials grant", async () => {
    const service = ["client", "create", "--name", "A", "--grant", "client_credentials", "--scope", "notes:read"]
    expect(await run(...service)).toEqual(refused(2, /--grant client_credentials: .*--confidential/))
  })

  it("client create without --scope creates the client, and prints the command that adds a scope", async () => {
    const { stderr, stdout } = await run(...args, "--json")
    const { client_id } = JSON.parse(stdout) as Client
    expect(stderr).toContain(`latchkey client update ${client_id} --scope`)
    expect(await run("client", "update", client_id, "--scope", "notes:read")).toMatchObject({ code: 0, stderr: "" })
  })
})

describe("a client that signs", () => {
  const key = makeKey("ES256", { kid: "one" })
  const write = async (name: string, content: unknown) => {
    const path = join(server.folder, name)
    await writeFile(path, typeof content === "string" ? content : JSON.stringify(content))
    return path
  }
  const service = ["client", "create", "--name", "Signer", "--grant", "client_credentials", "--scope", "notes:read"]

  const ask = async (client_id: string, by = key) => {
    const assertion = signed(by, {}, claimsOf(client_id, server.url, Date.now()))
    const body = new URLSearchParams({ grant_type: "client_credentials", ...parametersOf(assertion) })
    return (await fetch(`${server.url}/token`, { method: "POST", body })).status
  }

  it("client create takes the keys from a file, which may hold one key, and shows no secret", async () => {
    for (const content of [{ keys: [key.jwk] }, key.jwk]) {
      const file = await write("keys.json", content)
      const { stdout } = await run(...service, "--jwks", file, "--json")
      const client = JSON.parse(stdout)
      expect(client).toMatchObject({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.jwk] } })
      expect(client).not.toHaveProperty("client_secret")
      expect(await ask(client.client_id)).toBe(200)
      expect((await run("client", "show", client.client_id)).stdout).toMatch(/jwks +one\n/)
      expect((await run("client", "list")).stdout).toMatch(new RegExp(`${client.client_id} +confidential`))
      expect(await run("client", "rotate-secret", client.client_id)).toEqual(
        refused(1, /authenticates by private_key_jwt, and has no secret/)
      )
    }
    const { stdout } = await run(...service, "--jwks-uri", "https://keys.example.com/jwks")
    expect(stdout).toMatch(/jwks_uri +https:\/\/keys\.example\.com\/jwks\n/)
  })

  it("client update replaces the keys and keeps everything issued, and another method revokes it", async () => {
    const next = makeKey("RS256")
    const file = await write("keys.json", key.jwk)
    const client = JSON.parse((await run(...service, "--jwks", file, "--json")).stdout) as Client
    const newFile = await write("new-keys.json", { keys: [next.jwk] })
    const replaced = await update(client, "--jwks", newFile)
    expect(replaced).toMatchObject({ code: 0, stderr: "" })
    expect(await ask(client.client_id)).toBe(401)
    expect(await ask(client.client_id, next)).toBe(200)
    const moved = JSON.parse((await update(client, "--jwks-uri", "https://keys.example.com/jwks", "--json")).stdout)
    expect(moved).toMatchObject({ jwks_uri: "https://keys.example.com/jwks" })
    expect(moved).not.toHaveProperty("jwks")
    const changed = await update(client, "--auth-method", "client_secret_basic", "--json")
    expect(changed.stderr).toMatch(/grants and tokens are revoked, because it has a secret now/)
    expect(JSON.parse(changed.stdout)).not.toHaveProperty("jwks_uri")
    expect(await update(client, "--jwks", newFile)).toEqual(refused(2, /give --auth-method private_key_jwt, too/))
    const again = await update(client, "--auth-method", "private_key_jwt", "--jwks", newFile)
    expect(again.stderr).toMatch(/grants and tokens are revoked, because it authenticates by private_key_jwt now/)
  })

  it("client create refuses keys that it cannot use, and names the option", async () => {
    const leaked = await write("private.json", key.privateKey.export({ format: "jwk" }))
    const file = await write("keys.json", key.jwk)
    for (const [args, line] of [
      [["--auth-method", "private_key_jwt"], /give --jwks or --jwks-uri/],
      [["--jwks", leaked], /has a private key or a shared secret/],
      [["--jwks", await write("text.json", "x")], /--jwks: .*text\.json: this file is not JSON/],
      [["--jwks", join(server.folder, "none.json")], /--jwks: .*none\.json: this file cannot be read \(ENOENT\)/],
      [["--jwks", file, "--jwks-uri", "https://keys.example.com/"], /--jwks and --jwks-uri contradict each other/],
      [["--jwks", file, "--auth-method", "client_secret_post"], /for --auth-method private_key_jwt only/],
      [["--jwks-uri", "http://keys.example.com/"], /jwks_uri is no https URL/]
    ] as const) {
      expect(await run(...service, ...args), args.join(" ")).toEqual(refused(2, line))
    }
  })
})

describe("client update", () => {
  it("client update replaces the given values, keeps the others, and the server knows it at once", async () => {
    const client = await create("--scope", "notes:read notes:write")
    expect(await ask(client)).toMatchObject({ scope: "notes:read notes:write" })
    const { code, stdout } = await update(client, "--name", "Nightly report", "--scope", "notes:read")
    expect(code).toBe(0)
    expect(stdout).toContain("The client Nightly report is changed")
    expect(stdout).toMatch(/scope +notes:read\n/)
    expect(await ask(client)).toMatchObject({ scope: "notes:read" })
    const shown = JSON.parse((await run("client", "show", client.client_id, "--json")).stdout)
    expect(shown).toMatchObject({
      client_name: "Nightly report",
      scope: "notes:read",
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "client_secret_basic"
    })
    expect((await run("events", "--client", client.client_id)).stdout).toContain("client metadata changed")
  })

  it("client update prints the effect of a removed scope on tokens", async () => {
    const client = await create("--scope", "notes:read notes:write")
    const { stderr } = await update(client, "--scope", "notes:read")
    expect(stderr).toContain("It gets no new token with notes:write")
    expect(stderr).toContain(`latchkey grant revoke --client ${client.client_id}`)
  })

  it("client update replaces a list as a whole, and removes a name or scope if the new one is empty", async () => {
    const client = await create("--scope", "notes:read", "--redirect-uri", "https://a.example/1")
    const json = async (...args: ReadonlyArray<string>) => JSON.parse((await update(client, ...args, "--json")).stdout)
    const two = ["--redirect-uri", "https://a.example/2", "--redirect-uri", "https://a.example/3"]
    expect(await json(...two)).toMatchObject({ redirect_uris: ["https://a.example/2", "https://a.example/3"] })
    expect(await json("--scope", "")).not.toHaveProperty("scope")
    expect(await json("--name", "")).not.toHaveProperty("client_name")
  })

  it("client update to or from a confidential client revokes all its tokens", async () => {
    const client = await create("--scope", "notes:read")
    const people = ["--grant", "authorization_code", "--redirect-uri", "https://a.example/1"]
    const open = await update(client, "--auth-method", "none", ...people, "--json")
    expect(JSON.parse(open.stdout)).not.toHaveProperty("client_secret")
    expect(open.stderr).toMatch(/grants and tokens are revoked/)
    const { stdout } = await update(client, "--confidential", "--grant", "client_credentials", "--json")
    const { client_secret } = JSON.parse(stdout) as Client
    expect(await ask({ ...client, client_secret })).toMatchObject({ scope: "notes:read" })
    expect(await ask(client)).toMatchObject({ error: "invalid_client" })
  })

  it.each([
    ["the name that it has", ["--name", "Report"], "unchanged"],
    ["--confidential, although it keeps a secret", ["--confidential"], "unchanged"],
    ["another name", ["--name", "Reports"], "changed"],
    ["another way to send its secret", ["--auth-method", "client_secret_post"], "changed"]
  ])("client update with %s prints that the client is %3$s", async (_, args, word) => {
    const client = await create("--scope", "notes:read")
    const { code, stdout } = await update(client, ...args)
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^The client Reports? is ${word}\n`))
  })

  it("client update names --redirect-uri in an error only if the option was given", async () => {
    const env = { LATCHKEY_REDIRECT_SCHEMES: "myapp" }
    const args = ["client", "create", "--name", "A", "--redirect-uri", "myapp://cb", "--scope", "notes:read", "--json"]
    const made = await Commands.run(args, { server, env })
    const client = JSON.parse(made.stdout) as Client
    expect(await update(client, "--name", "B")).toEqual(
      refused(2, /a stored redirect URI .*; give --redirect-uri to replace it/)
    )
    const other = ["--redirect-uri", "other://cb"]
    expect(await update(client, ...other)).toEqual(refused(2, /--redirect-uri: a private-use scheme has a dot/))
    expect(await update(client, "--redirect-uri", "https://a.example/cb", "--name", "B")).toMatchObject({ code: 0 })
  })

  it.each([
    [[], /give .*--confidential/],
    [["--confidential", "--auth-method", "none"], /--confidential and --auth-method none contradict each other/],
    [["--scope", "notes:raed"], /--scope: .*did you mean "notes:read"/],
    [["--scope", 'a"b'], /--scope: give scope tokens/],
    [["--grant", "password"], /--grant: /],
    [["--auth-method", "none"], /--grant client_credentials: .*--confidential/],
    [["--grant", "authorization_code"], /give --redirect-uri/],
    [["--redirect-uri", "http://a.example/"], /--redirect-uri: /],
    [["--name", "Re\u200bport"], /--name holds U\+200B/]
  ])("client update refuses %j, and changes nothing", async (args, line) => {
    const client = await create("--scope", "notes:read")
    const shown = () => run("client", "show", client.client_id, "--json")
    const before = await shown()
    expect(await update(client, ...args)).toEqual(refused(2, line))
    expect(await shown()).toEqual(before)
  })

  it("client update refuses a client that registered itself", async () => {
    const answer = await fetch(`${server.url}/register`, {
      method: "POST",
      body: JSON.stringify({ redirect_uris: ["https://a.example/cb"], token_endpoint_auth_method: "none" }),
      headers: { "content-type": "application/json" }
    })
    const itself = (await answer.json()) as Client
    expect(await update(itself, "--name", "Mine")).toEqual(refused(1, /registered itself/))
    expect(await run("client", "update", "nobody", "--name", "Mine")).toEqual(refused(1, /there is no client nobody/))
  })
})
