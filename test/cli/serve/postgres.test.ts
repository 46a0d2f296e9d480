/** The program with `--database postgres://…`: servers that share a database, and commands on it. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freePort, type Result, run, type Server, startServer, temporaryFolder } from "../../support/Cli.js"
import * as FakeTime from "../../support/FakeTime.js"
import * as Postgres from "../../support/Postgres.js"

const issuer = "http://127.0.0.1:9400"
const masterKey = Buffer.alloc(32, 7).toString("base64url")

describe.skipIf(Postgres.missing)(Postgres.named("with a PostgreSQL database"), () => {
  const scope = Effect.runSync(Scope.make())
  let url: URL
  let env: Readonly<Record<string, string>>
  let servers: ReadonlyArray<Server>

  beforeAll(async () => {
    url = new URL(Redacted.value(await Effect.runPromise(Scope.extend(Postgres.database, scope))))
    env = { LATCHKEY_DATABASE: url.href, LATCHKEY_MASTER_KEY: masterKey, LATCHKEY_ISSUER: issuer }
    servers = await Promise.all([1, 2].map(() => startServer({ env })))
  })
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const keepsQuiet = ({ stderr, stdout }: Pick<Result, "stderr" | "stdout">) => {
    expect(stdout + stderr).not.toContain(url.password)
    expect(stdout + stderr).not.toContain(masterKey)
  }

  it("servers that start at the same time on a new database share it, and commands work on it", async () => {
    const [one, other] = servers as [Server, Server]
    const registered = await fetch(`${one.url}/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: ["https://app.example.com/callback"], client_name: "Shared" })
    })
    expect(registered.status).toBe(201)
    const { client_id } = (await registered.json()) as { readonly client_id: string }
    const listed = await run(["client", "list", "--json"], { server: other })
    expect(listed.stdout).toContain(client_id)
    const made = await run(["user", "create", "ada", "--password-stdin"], {
      server: other,
      stdin: "correct horse battery\n"
    })
    expect(made).toMatchObject({ code: 0, stderr: "" })
    expect((await fetch(`${one.url}/ready`)).status).toBe(200)
    for (const server of servers) keepsQuiet({ stdout: server.stdout(), stderr: server.stderr() })
    for (const result of [listed, made]) keepsQuiet(result)
  })

  it.skipIf(FakeTime.missing)(
    FakeTime.named("a node whose clock is more than two seconds from the database's is not ready"),
    async () => {
      const folder = await temporaryFolder()
      const clock = FakeTime.clock(join(folder.path, "clock"), 10)
      const node = await startServer({ env: { ...env, ...clock.env } })
      const status = async (path: string) => (await fetch(`${node.url}${path}`)).status
      expect([await status("/health"), await status("/ready")]).toEqual([200, 503])
      expect(node.stderr() + node.stdout()).toContain("ClockOff")
      await node.stop()
      await folder.remove()
    }
  )

  it("no output and no file has the password of the database", async () => {
    for (const args of [["config"], ["config", "--json"]]) {
      const shown = await run(args, { env })
      expect(shown.stdout).toContain(`postgres://postgres@${url.host}${url.pathname}`)
      keepsQuiet(shown)
    }
  })

  it.each<[string, (env: Readonly<Record<string, string>>) => Readonly<Record<string, string>>, RegExp]>([
    ["no master key", ({ LATCHKEY_MASTER_KEY: _, ...rest }) => rest, /^latchkey: LATCHKEY_MASTER_KEY is not set/],
    [
      "another master key",
      (env) => ({ ...env, LATCHKEY_MASTER_KEY: Buffer.alloc(32, 8).toString("base64url") }),
      /^latchkey: the master key does not open/
    ],
    [
      "a wrong password",
      (env) => ({ ...env, LATCHKEY_DATABASE: url.href.replace(url.password, "wrong-password") }),
      /^latchkey: postgres:\/\/127\.0\.0\.1:\d+\/latchkey_\w+: the server rejects this user: check the name and the password/
    ],
    [
      "a database that is not there",
      (env) => ({ ...env, LATCHKEY_DATABASE: url.href.replace(url.pathname, "/nothing") }),
      /^latchkey: postgres:\/\/127\.0\.0\.1:\d+\/nothing: this database does not exist/
    ],
    [
      "TLS where the server has none",
      (env) => ({ ...env, LATCHKEY_DATABASE: `${url.href}?sslmode=require` }),
      /^latchkey: postgres:\/\/127\.0\.0\.1:\d+\/latchkey_\w+: the TLS connection failed/
    ],
    [
      "a schema that is another program's",
      (env) => ({ ...env, LATCHKEY_DATABASE_SCHEMA: "theirs" }),
      /: the tables in the schema theirs do not belong to Latchkey/
    ]
  ])("%s is refused in one line, without a secret", async (_, changed, expected) => {
    await Postgres.query(
      url.href,
      "create schema if not exists theirs; create table if not exists theirs.orders (id int)"
    )
    const refused = await run(["serve"], { env: changed(env) })
    expect(refused.code).not.toBe(0)
    expect(refused.stderr.trim().split("\n")).toHaveLength(1)
    expect(refused.stderr).toMatch(expected)
    expect(refused.stderr).not.toContain("wrong-password")
    keepsQuiet(refused)
  })

  it("another issuer is refused in one line that names --new-issuer", async () => {
    const other = { ...env, LATCHKEY_ISSUER: "https://auth.example.org" }
    for (const args of [["serve"], ["user", "create", "bob", "--password-stdin"]]) {
      const refused = await run(args, { env: other, stdin: "correct horse battery\n" })
      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(
        /^latchkey: postgres:\S+ is the database of http:\/\/127\.0\.0\.1:9400, not of https:\S+: give that --issuer.*--new-issuer\n$/
      )
      keepsQuiet(refused)
    }
    const meant = await startServer({ args: ["--new-issuer"], env: other })
    await meant.stop()
    expect((await run(["user", "list"], { env: other })).code).toBe(0)
  })

  it("a server that does not answer is refused in one line", async () => {
    const port = await freePort()
    const refused = await run(["serve"], { env: { ...env, LATCHKEY_DATABASE: `postgres://u:pw@127.0.0.1:${port}/db` } })
    expect(refused.stderr).toBe(
      `latchkey: postgres://127.0.0.1:${port}/db: the server does not answer (ECONNREFUSED)\n`
    )
  })
})
