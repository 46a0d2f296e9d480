/**
 * Nothing secret in what the launched program says or keeps: a run over HTTP and on the command line, at the most
 * talkative level, and then a look for every secret of it in standard output, standard error and the data folder.
 */
import { join } from "node:path"
import * as Runtime from "effect/Runtime"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { basic, type Client, outcome, password, TestServer, tokensOf } from "../flow/support/Server.js"
import * as Cli from "../support/Cli.js"
import { filesOf, masterKeyOf, Secrets } from "../support/Secrets.js"

const env = { LATCHKEY_LOG_LEVEL: "all", LATCHKEY_REFRESH_WINDOW: "0 seconds", LATCHKEY_CODE_WINDOW: "0 seconds" }
const newPassword = "another horse battery"

const secrets = new Secrets()
const said: Record<string, string> = {}

let server: Cli.Server
/** The flows of a client and its person, over HTTP: what they need of the inside of a server is not used here. */
let flows: TestServer
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--demo", "--api"], env })
  flows = new TestServer(server.url, secrets.listen(fetch), Runtime.defaultRuntime as TestServer["runtime"])
})
afterAll(() => server?.stop())

/** Runs a command, and keeps what it says; what is shown once, on purpose, is not kept. */
const command = async (args: ReadonlyArray<string>, options: { stdin?: string; shows?: boolean } = {}) => {
  const { shows = false, ...input } = options
  const result = await Cli.run(args, { server, ...input })
  expect(result.code, `${args.join(" ")}: ${result.stderr}`).toBe(0)
  const name = `latchkey ${args.join(" ")}`
  said[`${name}: stderr`] = result.stderr
  if (shows) secrets.addFromText(result.stdout)
  else said[`${name}: stdout`] = result.stdout
  return result.stdout
}

const people = async () => {
  const link = await Cli.firstAccountLink(server)
  secrets.addFromUrl(link)
  const page = await flows.browser().open(link)
  const fields = { username: "ada", password, password_again: password }
  expect((await flows.browser().submit(page, { fields })).status).toBe(200)

  const resource = { resource: `${server.url}/mcp`, state: "the-state-of-this-run" }
  const client = await flows.register()
  const { url } = await flows.request(client, resource)
  const login = await flows.browser().open(url)
  await flows.browser().submit(login, { fields: { username: "ada", password: "wrong horse battery" } })
  const held = await flows.code(client, resource)
  const first = await tokensOf(flows.redeem(client, held))
  expect((await flows.call(first.access_token, resource.resource)).status).not.toBe(401)
  await flows.call(`${first.access_token}x`, resource.resource)
  const second = await tokensOf(flows.refresh(client, first.refresh_token))
  expect(await outcome(flows.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
  expect(await outcome(flows.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
  expect(await outcome(flows.redeem(client, held))).toBe("400 invalid_grant")
  const { refresh_token } = await flows.tokens(client, resource)
  expect(await outcome(flows.ask("/revoke", client, { token: refresh_token }))).toBe("200")
  await flows.send(`/token?${new URLSearchParams({ refresh_token, password })}`, { method: "POST" })
  for (const path of ["/nothing/of/this/name?token=", "/revoke/"]) await flows.send(path + refresh_token)
  return client
}

const operators = async () => {
  await command(["user", "create", "grace", "--password-stdin"], { stdin: password })
  await command(["user", "set-password", "grace", "--password-stdin"], { stdin: newPassword })
  secrets.add("password", newPassword)
  const scope = ["--grant", "client_credentials", "--scope", "latchkey:admin"]
  const made = await command(["client", "create", "--name", "Admin", "--confidential", ...scope, "--json"], {
    shows: true
  })
  const { client_id } = JSON.parse(made) as Client
  const client = JSON.parse(await command(["client", "rotate-secret", client_id, "--json"], { shows: true })) as Client
  const asked = { grant_type: "client_credentials", scope: "latchkey:admin" }
  const byHeader = (secret: unknown) => flows.post("/token", asked, basic(client_id, String(secret)))
  expect(await outcome(byHeader(JSON.parse(made).client_secret))).toBe("401 invalid_client")
  const { access_token } = await tokensOf(byHeader(client.client_secret))
  const answer = await flows.send("/api/admin/users", {
    method: "POST",
    headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
    body: JSON.stringify({ username: "bob", password: "a password of bob" })
  })
  expect(answer.status).toBe(201)
  for (const args of [
    ["user", "list"],
    ["client", "show", client_id],
    ["grant", "list", "--client", client_id],
    ["key", "rotate"],
    ["key", "list"],
    ["events"],
    ["config"]
  ])
    await command(args)
}

describe("latchkey serve --demo --api, at its most talkative", () => {
  it("a whole run prints and stores no secret, in any form", async () => {
    const client = await people()
    await operators()
    await command(["client", "show", client.client_id])
    const data = join(server.folder, "data")
    secrets.add("master key", masterKeyOf(join(data, "latchkey.db")))
    const kinds = ["lk_at_", "lk_ac_", "lk_rt_", "lk_cs_", "lk_fm_", "cookie", "password", "token", "query", "state"]
    for (const kind of kinds) expect(Object.keys(secrets.counts()), kind).toContain(kind)

    const running = filesOf(data)
    expect(Object.keys(running)).toEqual(expect.arrayContaining(["latchkey.db", "latchkey.db-wal"]))
    server.kill("SIGTERM")
    const { stderr, stdout } = await server.ended
    const ended = Object.fromEntries(Object.entries(filesOf(data)).map(([name, bytes]) => [`${name}, closed`, bytes]))
    expect(secrets.search({ ...said, ...running, ...ended, stderr, stdout })).toEqual([])

    for (const word of ["answered", "RefreshTokenReplayed", "WrongSecret"]) expect(stderr).toContain(word)
  })

  it("the search finds a name in the output and in the files", () => {
    const names = new Secrets()
    names.add("resource", `${server.url}/mcp`)
    const found = names.search({ ...filesOf(join(server.folder, "data")), stdout: server.stdout() })
    expect(found.map(({ place }) => place)).toEqual(expect.arrayContaining(["latchkey.db", "stdout"]))
  })
})
