/** SECRET: the files, the output and the dependencies of the server. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { connect } from "node:net"
import { join } from "node:path"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { afterAll, expect } from "vitest"
import * as PostgresStorage from "../../src/layers/PostgresStorage.js"
import { digestOf, equals } from "../../src/services/keys/Crypto.js"
import { basic, type guarded, password, TestServer, tokensOf } from "../flow/support/Server.js"
import * as Cli from "../support/Cli.js"
import * as Postgres from "../support/Postgres.js"
import { Secrets } from "../support/Secrets.js"
import { family } from "./support/Catalogue.js"
import * as CryptoCalls from "./support/CryptoCalls.js"
import { type Launched, launched } from "./support/Launched.js"
import * as Sources from "./support/Sources.js"

const { check, control } = family()

const scope = Effect.runSync(Scope.make())
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

/** Flows of a client and a user, correct and wrong ones, with every kind of secret. */
const everything = async (flows: TestServer) => {
  const client = await flows.register({ token_endpoint_auth_method: "client_secret_basic" })
  const held = await flows.code(client)
  const first = await tokensOf(flows.redeem(client, held))
  const second = await tokensOf(flows.refresh(client, first.refresh_token))
  await flows.call(second.access_token)
  await flows.call(`${second.access_token}x`)
  await flows.redeem(client, held)
  await flows.redeem(client, { ...held, verifier: "x".repeat(43) })
  await flows.post("/token", { grant_type: "x" }, basic(client.client_id, "a wrong secret of a client"))
  await flows.send(`/token?client_secret=${client.client_secret}&code=${held.code}`, { method: "POST" })
  await flows.send(`/nothing/${second.refresh_token}?token=${second.refresh_token}`)
  await flows.ask("/introspect", client, { token: second.access_token })
  await flows.ask("/revoke", client, { token: second.refresh_token })
  const browser = flows.browser()
  const page = await browser.open(`${flows.issuer}/account`)
  await browser.submit(page, { fields: { username: "ada", password: "a wrong password of ada" } })
  await browser.submit(page, { fields: { username: password, password: "another wrong password" } })
}

const kinds = ["lk_ac_", "lk_at_", "lk_rt_", "lk_cs_", "lk_fm_", "cookie", "password", "code_verifier", "query"]

const hasEveryKind = (secrets: Secrets) => {
  for (const kind of kinds) expect(Object.keys(secrets.counts()), kind).toContain(kind)
}

check("SECRET-01", "no secret is in a log, a span, a metric or the output, at any log level", async (target) => {
  const secrets = new Secrets()
  secrets.add("password", password)
  const fetched = secrets.listen((request) => fetch(request, { redirect: "manual" }))
  await everything(new TestServer(target.issuer, fetched, target.runtime, target.resource))
  hasEveryKind(secrets)
  const places = target.observed.places()
  expect(String(places.log).length).toBeGreaterThan(1_000)
  expect(secrets.search(places)).toEqual([])

  await launched(async ({ flows, output, secrets: ofProcess }) => {
    await everything(flows)
    hasEveryKind(ofProcess)
    expect(String(output().stderr)).toContain("WrongSecret")
    expect(ofProcess.search(output())).toEqual([])
  })
})

/** Everything that is in a PostgreSQL database, as text. */
const dump = async (url: string): Promise<string> => {
  const tables = await Postgres.query(
    url,
    "select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"
  )
  const rows = await Promise.all(tables.map(({ name }) => Postgres.query(url, `select * from ${name}`)))
  return JSON.stringify(rows)
}

check("SECRET-02", "the database, its log and a backup hold no usable secret", async (target) => {
  await launched(async ({ data, files, flows, secrets, server }) => {
    await everything(flows)
    const backup = await Cli.run(["db", "backup", join(data, "backup.db")], { server: server() })
    expect(backup.code, backup.stderr).toBe(0)
    hasEveryKind(secrets)
    expect(Object.keys(files())).toEqual(expect.arrayContaining(["latchkey.db", "latchkey.db-wal", "backup.db"]))
    expect(secrets.search(files())).toEqual([])
  })
  if (Postgres.missing !== undefined) return
  const address = await Effect.runPromise(Scope.extend(Postgres.database, scope))
  const masterKey = Redacted.make(new Uint8Array(32).fill(7))
  const storage = Layer.orDie(PostgresStorage.layer({ url: address, masterKey, timeout: "20 seconds" }))
  const other = await target.another({ storage })
  const secrets = new Secrets()
  secrets.add("password", password)
  secrets.add("master key", Redacted.value(masterKey))
  const fetched = secrets.listen((request) => fetch(request, { redirect: "manual" }))
  await everything(new TestServer(other.issuer, fetched, other.runtime, other.resource))
  hasEveryKind(secrets)
  const text = await dump(Redacted.value(address))
  expect(text).toContain('"digest"')
  expect(secrets.search({ text })).toEqual([])
})

check("SECRET-03", "a deleted account leaves no trace of its name in the files", () =>
  launched(async ({ files, server }) => {
    const command = async (args: ReadonlyArray<string>, stdin = "") => {
      const result = await Cli.run(args, { server: server(), stdin })
      expect(result.code, result.stderr).toBe(0)
    }
    const name = "canary-who-is-deleted"
    const holding = () => Object.values(files()).some((bytes) => Buffer.from(bytes as Uint8Array).includes(name))
    await command(["user", "create", name, "--password-stdin"], password)
    expect(holding()).toBe(true)
    await command(["user", "delete", name])
    server().kill("SIGTERM")
    await server().ended
    expect(holding()).toBe(false)
  })
)

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

check("SECRET-04", "only their owner can read the files, and a key that others may read is refused", () =>
  launched(async ({ data, server }) => {
    expect(modeOf(data)).toBe("700")
    const names = readdirSync(data)
    expect(names).toEqual(expect.arrayContaining(["latchkey.db", "latchkey.db-wal", "latchkey.db.key"]))
    for (const name of names) expect(modeOf(join(data, name)), name).toBe("600")
    const key = join(data, "readable.key")
    await writeFile(key, readFileSync(join(data, "latchkey.db.key")), { mode: 0o644 })
    const { folder } = server()
    const env = { LATCHKEY_MASTER_KEY_FILE: key, LATCHKEY_DATABASE: join(folder, "other.db") }
    const refused = await Cli.run(["db", "status"], { cwd: folder, env })
    expect(refused.code).not.toBe(0)
  })
)

check("SECRET-05", "secrets are compared in constant time, wherever they differ", async () => {
  // Both compare two parts of the same request.
  expect(Sources.secretsComparedByText()).toEqual([
    "src/services/accounts/Accounts.ts",
    "src/services/clients/BasicCredentials.ts"
  ])
  const right = Buffer.from(digestOf("the right one"))
  const [near, far] = [Buffer.from(right), Buffer.from(right)]
  near[near.length - 1] = 0
  far[0] = 0
  for (const other of [right, near, far]) {
    const calls = await CryptoCalls.during(() => expect(equals(right, other)).toBe(other === right))
    expect(calls.timingSafeEqual).toBe(1)
  }
})

/** Whether anything listens on a port of loopback. */
const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

/** The port on which Node's inspector listens. */
const inspector = 9_229

/** Ends a server by a signal, and checks its output and its files. */
const ended = async ({ flows, output, secrets, server }: Launched, signal: NodeJS.Signals) => {
  await everything(flows)
  server().kill(signal)
  await server().ended
  expect(readdirSync(server().folder).filter((name) => name.startsWith("core"))).toEqual([])
  expect(secrets.search(output())).toEqual([])
}

check("SECRET-06", "no signal opens a debugger, and a process that is killed prints no secret", async () => {
  const wasOpen = await isOpen(inspector)
  await launched(async (running) => {
    running.server().kill("SIGUSR1")
    expect((await running.flows.send("/health")).status).toBe(200)
    if (!wasOpen) expect(await isOpen(inspector)).toBe(false)
    expect(running.server().stderr()).not.toContain("Debugger")
    await ended(running, "SIGQUIT")
  })
  await launched((running) => ended(running, "SIGABRT"))
})

check(
  "SECRET-07",
  "dependencies come from one registry with their digests, and the package has no install script",
  async () => {
    const read = (name: string) => JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"))
    const lock: Readonly<Record<string, Readonly<Record<string, unknown>>>> = read("package-lock.json").packages
    const packages = Object.entries(lock).filter(([path, { link }]) => path !== "" && link !== true)
    expect(packages.length).toBeGreaterThan(100)
    for (const [path, { integrity, resolved }] of packages) {
      // A package without an address comes from the registry in npm's configuration. The digest decides in both cases.
      expect(String(resolved ?? "https://registry.npmjs.org/"), path).toMatch(/^https:\/\/registry\.npmjs\.org\//)
      expect(String(integrity), path).toMatch(/^sha512-/)
    }
    const { dependencies, scripts } = read("package.json")
    expect(Object.keys(dependencies).length).toBeLessThanOrEqual(14)
    // No script runs when the package is installed.
    for (const name of ["preinstall", "install", "postinstall"]) expect(scripts).not.toHaveProperty(name)
  }
)

/** A route that logs its Authorization header. */
const loose = () => {
  const handler = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) =>
    Effect.as(Effect.logDebug("called", headers.authorization ?? ""), HttpServerResponse.unsafeJson({}))
  )
  return HttpLayerRouter.add("*", "/notes", handler) as unknown as ReturnType<typeof guarded>
}
control("SECRET-01", "if a route logs the Authorization header", { routes: loose })
