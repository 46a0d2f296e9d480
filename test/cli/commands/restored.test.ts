/** `latchkey db restored`: without it, tokens that were revoked after the backup are valid again. */
import { copyFileSync, cpSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Cli from "../../support/Cli.js"
import * as Postgres from "../../support/Postgres.js"
import { done, refused } from "../support/Refused.js"
import * as Tokens from "../support/Tokens.js"

/** Processes that are stopped after the tests, also after a failed one. */
const servers: Array<Cli.Server> = []
const startServer = async (options: Cli.StartOptions): Promise<Cli.Server> => {
  const server = await Cli.startServer({ args: ["--demo"], ...options })
  servers.push(server)
  return server
}
afterAll(() => Promise.all(servers.map((server) => server.stop())))

const opens = async (server: Cli.Server, token: string): Promise<boolean> => {
  const { status } = await fetch(`${server.url}/mcp`, { method: "POST", headers: { authorization: `Bearer ${token}` } })
  return status !== 401
}

/** A token of the client credentials grant, which has no row. */
const machine = async (server: Cli.Server) => {
  const made = await Cli.run(
    [
      "client",
      "create",
      "--name",
      "Job",
      "--confidential",
      "--grant",
      "client_credentials",
      "--scope",
      "notes:read",
      "--json"
    ],
    { server }
  )
  const { client_id, client_secret } = JSON.parse(made.stdout) as { client_id: string; client_secret: string }
  return () =>
    fetch(`${server.url}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        resource: `${server.url}/mcp`,
        scope: "notes:read"
      })
    })
}

const tokenOf = async (answer: Response) => {
  const { access_token, ...rest } = (await answer.json()) as { readonly access_token?: string }
  if (access_token === undefined) throw new Error(`there is no token: ${JSON.stringify(rest)}`)
  return access_token
}

describe("a restored backup", () => {
  let folder: Awaited<ReturnType<typeof Cli.temporaryFolder>>
  let env: Readonly<Record<string, string>>
  beforeAll(async () => {
    folder = await Cli.temporaryFolder()
    env = { LATCHKEY_PORT: String(await Cli.freePort()) }
  })
  afterAll(() => folder.remove())

  it("no token or session of a restored backup is valid after db restored", async () => {
    const here = { env, cwd: folder.path }
    const at = (name: string) => join(folder.path, name)
    const putBack = () => {
      for (const end of ["-wal", "-shm"]) rmSync(at(`data/latchkey.db${end}`), { force: true })
      copyFileSync(at("backup.db"), at("data/latchkey.db"))
    }
    const start = (cwd: string) => startServer({ env, folder: cwd })
    const first = await start(folder.path)
    await Tokens.createAccount(first)
    const kept = await Tokens.issue(first, "notes:read")
    const takenBack = await Tokens.issue(first, "notes:read")
    const pending = await Tokens.allow(first, "notes:read")
    const ofMachine = await tokenOf(await (await machine(first))())
    expect(await Cli.run(["db", "backup", "backup.db"], { server: first })).toEqual(done(/^The backup/))

    await Cli.run(["grant", "revoke", "--client", takenBack.clientId], { server: first })
    expect(await opens(first, takenBack.access)).toBe(false)
    const later = await Tokens.issue(first, "notes:read")
    await first.stop()
    putBack()

    // Without db restored, revoked tokens are valid again.
    cpSync(at("data"), at("unsaid/data"), { recursive: true })
    const unsaid = await start(at("unsaid"))
    expect(await opens(unsaid, takenBack.access)).toBe(true)
    expect(await opens(unsaid, ofMachine)).toBe(true)
    expect(await takenBack.isLoggedIn()).toBe(true)
    await unsaid.stop()

    const oldKey = readFileSync(at("data/latchkey.db.key"), "utf8")
    expect(await Cli.run(["db", "restored"], here)).toEqual(
      done(/latchkey\.db are revoked \(3 grants\)\n.*latchkey\.db\.key is new/)
    )
    expect(readFileSync(at("data/latchkey.db.key"), "utf8")).not.toBe(oldKey)
    expect((statSync(at("data/latchkey.db.key")).mode & 0o777).toString(8)).toBe("600")

    const said = await start(folder.path)
    for (const { access, isLoggedIn, refresh } of [kept, takenBack, later]) {
      expect(await opens(said, access)).toBe(false)
      expect(await refresh()).toBe(false)
      expect(await isLoggedIn()).toBe(false)
    }
    expect(await opens(said, ofMachine)).toBe(false)
    expect(await pending.redeem()).toMatchObject({ error: "invalid_grant" })
    // Accounts and clients are still there.
    expect((await Cli.run(["client", "list", "--json"], { server: said })).stdout).toContain(kept.clientId)
    const anew = await Tokens.issue(said, "notes:read")
    expect(await opens(said, anew.access)).toBe(true)
    expect(await anew.refresh()).toBe(true)
    expect((await Cli.run(["events"], { server: said })).stdout).toMatch(/database restored from a backup.* 3 grants/)
    await said.stop()

    // The old backup does not open with the new key, and the current database does not open with the old key.
    putBack()
    expect(await Cli.run(["serve"], here)).toEqual(refused(1, /the master key does not open/))
    expect(await Cli.run(["db", "restored"], here)).toEqual(done(/3 grants/))
    expect(await Cli.run(["serve"], { ...here, env: { ...env, LATCHKEY_MASTER_KEY: oldKey.trim() } })).toEqual(
      refused(1, /the master key does not open/)
    )
  })

  it("db restored replaces a lost master key", async () => {
    const cwd = join(folder.path, "unsaid")
    rmSync(join(cwd, "data/latchkey.db.key"))
    expect(await Cli.run(["serve"], { env, cwd })).toEqual(refused(1, /the master key is missing/))
    expect(JSON.parse((await Cli.run(["db", "restored", "--json"], { env, cwd })).stdout)).toMatchObject({ grants: 4 })
    const server = await startServer({ folder: cwd, env })
    expect((await fetch(`${server.url}/ready`)).status).toBe(200)
  })
})

describe.skipIf(Postgres.missing)(Postgres.named("a restored PostgreSQL database"), () => {
  const scope = Effect.runSync(Scope.make())
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  it("db restored on PostgreSQL demands a new master key, and a server with the old key issues no more tokens", async () => {
    const [before, after] = [7, 8].map((byte) => Buffer.alloc(32, byte).toString("base64url")) as [string, string]
    const url = Redacted.value(await Effect.runPromise(Scope.extend(Postgres.database, scope)))
    const env = { LATCHKEY_DATABASE: url, LATCHKEY_MASTER_KEY: before }
    const old = await startServer({ env })
    await Tokens.createAccount(old)
    const issued = await Tokens.issue(old, "notes:read")
    const ask = await machine(old)
    const ofMachine = await tokenOf(await ask())

    const restored = (key: string) =>
      Cli.run(["db", "restored"], { server: old, env: { ...env, LATCHKEY_MASTER_KEY: key } })
    expect(await restored(before)).toEqual(
      refused(1, /LATCHKEY_MASTER_KEY still holds the old master key: set a new one/)
    )
    expect(await issued.refresh()).toBe(true)
    const said = await restored(after)
    expect(said).toEqual(done(/ are revoked \(1 grants\)\n.*LATCHKEY_MASTER_KEY is new/))
    expect(said.stdout).not.toContain(after)
    expect(await restored(after)).toEqual(refused(1, /still holds the old master key/))

    await vi.waitFor(async () => expect((await fetch(`${old.url}/ready`)).status).toBe(503), { timeout: 10_000 })
    const refusal = await ask()
    expect([refusal.status, refusal.headers.has("retry-after")]).toEqual([503, true])
    await old.stop()

    const started = await startServer({ env: { ...old.env, LATCHKEY_MASTER_KEY: after } })
    expect(await issued.refresh()).toBe(false)
    expect(await opens(started, issued.access)).toBe(false)
    expect(await opens(started, ofMachine)).toBe(false)
    expect(await opens(started, (await Tokens.issue(started, "notes:read")).access)).toBe(true)
  })
})
