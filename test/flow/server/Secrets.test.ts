/**
 * No secret is in logs, spans, metrics, events or the database: a run of everything that a server does collects every secret
 * on the wire, and then each of them is searched for in everything that is stored.
 */
import { dirname } from "node:path"
import * as HttpMiddleware from "@effect/platform/HttpMiddleware"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { OAuthError } from "../../../src/domain/OAuthError.js"
import * as SqliteStorage from "../../../src/layers/SqliteStorage.js"
import * as Routes from "../../../src/layers/wiring/Routes.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { Events } from "../../../src/services/events/Events.js"
import * as GrantTypes from "../../../src/services/GrantTypes.js"
import { Keyring } from "../../../src/services/keys/Keyring.js"
import { KeyRotation } from "../../../src/services/maintenance/KeyRotation.js"
import { Maintenance } from "../../../src/services/maintenance/Maintenance.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { KeyStore } from "../../../src/services/stores/KeyStore.js"
import { withSqlite } from "../../layers/sqliteFiles.js"
import { temporaryFile } from "../../layers/temporaryFile.js"
import { filesOf, masterKeyOf, type Places, Secrets } from "../../support/Secrets.js"
import { type Page, withForm } from "../support/Browser.js"
import * as Observed from "../support/Observed.js"
import {
  type AuthServices,
  basic,
  type Client,
  guarded,
  issuer,
  make,
  outcome,
  password,
  redirectUri,
  resource,
  TestServer,
  tokensOf
} from "../support/Server.js"

const wrongPassword = "wrong horse battery"
const newPassword = "another horse battery"
const gracesPassword = "a password of grace"

/** A run: the server, the secrets seen, and the file of its database. */
interface Run {
  readonly server: TestServer
  readonly secrets: Secrets
  readonly filename: string
}

const state = () => `state-${crypto.randomUUID()}`

/** Adds the present root keys, which are never on the wire. */
const addRootKeys = ({ secrets, server }: Run) =>
  server.run(
    Effect.gen(function* () {
      const keyring = yield* Keyring
      for (const { id } of yield* (yield* KeyStore).list) {
        const key = Option.getOrThrow(yield* keyring.find(id))
        secrets.add("root key", Redacted.value(key.bytes))
      }
    })
  )

const codeOf = (page: Page) => page.sentTo?.searchParams.get("code") ?? ""

/** Logs in a user after failed logins, answers the consent page, and requests the same access again. */
const users = async ({ secrets, server }: Run) => {
  const client = await server.register({ client_name: "An app" })
  const browser = server.browser()
  const hint = "a-hinted-user-name"
  const { url, verifier } = await server.request(client, { state: state(), login_hint: hint })
  const loginPage = await browser.open(url)
  // A typed name may be a password in the wrong field.
  const stranger = "a-stranger-of-that-name"
  secrets.add("tried name", stranger)
  await browser.submit(loginPage, { fields: { username: stranger, password: wrongPassword } })
  await browser.submit(loginPage, { fields: { username: "ada", password: wrongPassword } })
  await browser.submit(loginPage, { fields: { username: password, password: "short one" } })
  await browser.submit(loginPage, { headers: { "sec-fetch-site": "cross-site" } })
  const consentPage = await server.logIn(browser, loginPage)
  await browser.submit(consentPage, { button: "allow", fields: { form: "lk_fm_a-forged-form" } })
  const code = codeOf(await browser.submit(consentPage, { button: "allow" }))
  expect(code).not.toBe("")
  await browser.submit(consentPage, { button: "allow" })

  const trusted = await server.register({ token_endpoint_auth_method: "client_secret_post" })
  for (const button of ["deny", "allow"]) {
    const asked = await browser.open((await server.request(trusted, { state: state() })).url)
    await browser.submit(asked, { button })
  }
  const remembered = await server.request(trusted, { state: state(), prompt: "none" })
  expect(codeOf(await browser.open(remembered.url))).not.toBe("")

  for (const parameters of [{ scope: "made-up:by-a-stranger" }, { client_id: "made-up-by-a-stranger" }]) {
    await browser.open((await server.request(client, { ...parameters, state: state() })).url)
  }
  await browser.open(`${url}&state=a-second-state-of-one-request`)
  return { client, held: { code, verifier } }
}

/** Uses codes and tokens in the right way and in every wrong way. */
const clients = async (run: Run, client: Client, held: { readonly code: string; readonly verifier: string }) => {
  const { filename, secrets, server } = run
  // The database fails, and its errors are logged.
  const table = (from: string, to: string) =>
    withSqlite(filename, (db) => db.exec(`alter table ${from} rename to ${to}`))
  table("grants", "gone")
  expect(await outcome(server.redeem(client, held))).toBe("503 temporarily_unavailable")
  table("gone", "grants")

  const first = await tokensOf(server.redeem(client, held))
  expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
  const other = await server.code(client, { state: state() })
  await server.redeem(client, { ...other, verifier: (await server.request(client)).verifier })
  await server.redeem(client, { ...held, verifier: "too-short-a-verifier" })

  table("grants", "gone")
  expect(await outcome(server.refresh(client, first.refresh_token))).toBe("503 temporarily_unavailable")
  expect((await server.call(first.access_token)).status).toBe(503)
  table("gone", "grants")
  const second = await tokensOf(server.refresh(client, first.refresh_token))
  await tokensOf(server.refresh(client, first.refresh_token))
  await server.refresh(client, second.refresh_token, { scope: "made-up:by-a-stranger" })
  const guarded = [first.access_token, `${first.access_token}x`, first.refresh_token, held.code, undefined]
  for (const token of guarded) await server.call(token)
  await server.send(`${resource}?access_token=${first.access_token}`)
  await server.advance("1 hour")
  expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
  expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")

  const replayed = await server.code(client, { state: state() })
  await tokensOf(server.redeem(client, replayed))
  await server.advance("3 seconds")
  expect(await outcome(server.redeem(client, replayed))).toBe("400 invalid_grant")

  const machine = await server.addClient({ scope: "notes:read" })
  const { access_token } = await tokensOf(server.token(machine, { grant_type: "client_credentials" }))
  await server.ask("/introspect", machine, { token: access_token })
  await server.ask("/introspect", machine, { token: second.refresh_token })
  for (const way of ["client_secret_basic", "client_secret_post"]) {
    const confidential = await server.register({ token_endpoint_auth_method: way })
    const wrong = { ...confidential, client_secret: "lk_cs_the-secret-of-another-client" }
    const tokens = await server.tokens(confidential, { state: state() })
    expect(await outcome(server.refresh(wrong, tokens.refresh_token))).toBe("401 invalid_client")
    await server.ask("/introspect", wrong, { token: tokens.access_token })
    for (const path of ["/introspect", "/revoke"]) {
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        expect(await outcome(server.ask(path, confidential, { token }))).toBe("200")
      }
    }
  }
  secrets.add("tried client", "the-id-of-another-client")
  await server.post("/token", {
    client_id: "the-id-of-another-client",
    client_secret: "lk_cs_tried",
    code: held.code
  })
}

/** Sends secrets in the wrong places: in queries, headers, paths and bodies of the wrong type. */
const misplaced = async ({ server }: Run, client: Client) => {
  const { access_token, refresh_token } = await server.tokens(client, { state: state() })
  const fields = { grant_type: "refresh_token", client_id: client.client_id, refresh_token }
  const json = { "content-type": "application/json" }
  const body = JSON.stringify({ ...fields, password })
  for (const path of ["/token", "/revoke", "/introspect", "/register", "/login", "/consent", "/api/admin/users"]) {
    const query = new URLSearchParams({ ...fields, password, state: state() })
    await server.send(`${path}?${query}`, { method: "POST" })
    await server.send(`${path}?${query}`)
    for (const text of [body, body.slice(0, -1)]) await server.send(path, { method: "POST", headers: json, body: text })
    await server.post(path, { ...fields, refresh_token: [refresh_token, access_token] })
    await server.post(path, { ...fields, grant_type: refresh_token, client_id: access_token, scope: password })
    const headers = [basic(password, access_token), { authorization: `Basic ${refresh_token}` }]
    for (const header of [...headers, { authorization: `Bearer ${password}, ${access_token}` }]) {
      await server.post(path, { ...fields, "x-token": access_token }, { ...header, "x-refresh-token": refresh_token })
    }
  }
  for (const path of [`/${access_token}`, `/token/${refresh_token}`]) await server.send(path)
  await server.send(resource, { headers: { authorization: `bearer  ${access_token}`, "x-token": access_token } })
}

/** Uses the admin API as a program of the operator. */
const operators = async ({ server }: Run) => {
  const admin = await server.addClient({ scope: "latchkey:admin" })
  const { access_token } = await tokensOf(
    server.token(admin, { grant_type: "client_credentials", scope: "latchkey:admin" })
  )
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" }
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await server.send(`/api/admin${path}`, { method, headers, body: JSON.stringify(body) ?? null })
    expect(answer.ok, `${method} ${path}`).toBe(true)
    // biome-ignore lint/suspicious/noExplicitAny: each endpoint has its own response
    return answer.status === 204 ? undefined : ((await answer.json()) as any)
  }
  const { id } = await call("POST", "/users", { username: "grace", password: gracesPassword })
  await call("PUT", `/users/${id}/password`, { password: newPassword })
  await call("POST", `/users/${id}/disable`)
  const made = await call("POST", "/clients", { grant_types: ["client_credentials"], scope: "notes:read" })
  const { client_secret } = await call("POST", `/clients/${made.client_id}/secret`)
  for (const secret of [made.client_secret, client_secret]) {
    await server.token({ ...made, client_secret: secret }, { grant_type: "client_credentials" })
  }
  const uri = `${issuer}/files`
  const files = await call("POST", "/resources", { uri, scopes: { "files:read": "Read files" }, introspects: true })
  for (const secret of [files.introspection_secret, "lk_rs_the-secret-of-another-resource"]) {
    await server.post("/introspect", { token: access_token }, basic(files.introspection_id, secret))
  }
  for (const path of ["/users", "/clients", "/resources", "/grants", "/events"]) await call("GET", path)
  await call("DELETE", `/users/${id}`)
  const wrong = { username: "grace", password: "too-long-".repeat(200) }
  const refused = await server.send("/api/admin/users", { method: "POST", headers, body: JSON.stringify(wrong) })
  expect(refused.status).toBe(400)
}

/** Uses each button of the account page as a user. */
const accountPage = async ({ server }: Run, client: Client) => {
  const { page: asked, browser } = await server.toConsent(client, { state: state() })
  await browser.submit(asked, { button: "allow" })
  const url = `${issuer}/account`
  const submit = async (button: string, fields: Readonly<Record<string, string>> = {}) =>
    browser.submit(withForm(await browser.open(url), button), { button, fields })
  const passwords = { password: newPassword, password_again: newPassword }
  await submit("withdraw")
  await submit("end")
  await submit("password", { ...passwords, current_password: wrongPassword })
  const changed = await submit("password", { ...passwords, current_password: password })
  expect(changed.document.querySelector(".good")?.text).toContain("Your password is changed.")
  await browser.submit(await browser.open(`${issuer}/logout`))
}

/** Rotates a key, replaces one, and runs maintenance. */
const keys = async (run: Run) => {
  const pass = () => run.server.run(Effect.flatMap(Maintenance, ({ pass }) => pass))
  await run.server.run(Effect.flatMap(KeyRotation, ({ publish }) => publish))
  // A second later every node knows the key.
  await run.server.advance("1 second")
  await addRootKeys(run)
  await run.server.advance("1 minute")
  await pass()
  await run.server.run(Effect.flatMap(KeyRotation, ({ replace }) => replace))
  await run.server.advance("1 second")
  await addRootKeys(run)
  await pass()
}

/** Calls a broken grant type of the app. */
const defect = async ({ server }: Run) => {
  const grantType = "urn:example:broken"
  const parameters = Schema.Struct({ token: Schema.String })
  const broken = GrantTypes.layer({ grantType, parameters, handle: () => Effect.die(new Error("this is broken")) })
  await server.run(Effect.scoped(Effect.asVoid(Layer.build(broken))))
  const client = await server.register({ grant_types: ["authorization_code", grantType] })
  const answer = server.token(client, { grant_type: grantType, token: "the-token-of-the-app" })
  expect(await outcome(answer)).toBe("500 server_error")
}

const everything = async (run: Run) => {
  await addRootKeys(run)
  const { client, held } = await users(run)
  await clients(run, client, held)
  await misplaced(run, client)
  await defect(run)
  await operators(run)
  await keys(run)
  await accountPage(run, client)
}

/**
 * Uses a server on a SQLite file. Returns every secret that was sent, and everything that was stored: while the server runs,
 * and after its end.
 */
const after = (use: (run: Run) => Promise<unknown>) =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const secrets = new Secrets()
    const observed = Observed.make()
    const kept = Effect.sync(() => filesOf(dirname(filename)))
    const [running, events] = yield* Effect.gen(function* () {
      const silent = yield* make({
        storage: Layer.orDie(SqliteStorage.layer({ filename })),
        api: true,
        // As in every server of this project, because the router's own error names the whole path.
        routes: Layer.merge(guarded("/notes", { resource, scopes: ["notes:read"] }), Routes.notFound)
      })
      const server = new TestServer(silent.issuer, secrets.listen(silent.fetch), silent.runtime)
      secrets.add("master key", masterKeyOf(filename))
      yield* Effect.promise(() => use({ filename, secrets, server }))
      // Events are stored a moment later.
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
      const stored = yield* Effect.promise(() =>
        server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 10_000 })))
      )
      return [yield* kept, stored] as const
    }).pipe(
      Effect.scoped,
      Effect.provide(observed.layer),
      // As in every server of this project, because the platform's spans record whole URLs.
      Effect.locally(HttpMiddleware.currentTracerDisabledWhen, () => true)
    )
    const ended: Places = Object.fromEntries(
      Object.entries(yield* kept).map(([name, bytes]) => [`${name}, closed`, bytes])
    )
    const places: Places = { ...observed.places(), events: JSON.stringify(events), ...running, ...ended }
    return { observed, places, secrets }
  })

describe("of a run of everything", () => {
  // SECRET-01, TOKEN-15, RS-25, INJ-06
  it.scoped(
    "after a run of everything, no secret is in the log, a span, a metric, an event or the database, in any form",
    () =>
      Effect.gen(function* () {
        const { observed, places, secrets } = yield* after(everything)
        const kinds = ["lk_at_", "lk_ac_", "lk_rt_", "lk_cs_", "lk_ra_", "lk_rs_", "lk_fm_", "cookie", "query", "state"]
        const others = ["password", "code_verifier", "credentials", "client secret", "root key", "master key"]
        for (const kind of [...kinds, ...others]) expect(Object.keys(secrets.counts()), kind).toContain(kind)
        expect(secrets.size).toBeGreaterThan(300)
        expect(Object.keys(places)).toEqual(expect.arrayContaining(["auth.db", "auth.db-wal", "auth.db, closed"]))

        expect(secrets.search(places)).toEqual([])

        // The log has expected refusals, failures with their causes, and a defect.
        const logged = ["WrongSecret", "RefreshTokenReplayed", "Duplicate", "CrossSite", "ForgedForm", "this is broken"]
        for (const word of [...logged, "no such table: "]) expect(places.log).toContain(word)
        expect(observed.spans.length).toBeGreaterThan(100)
      })
  )
})

describe("a secret that leaks", () => {
  const inEvents = (keyId: string) =>
    Effect.flatMap(Events, (events) => events.publish({ _tag: "KeyRotated", keyId, change: "Removed" }))
  const inClients = (secret: string) =>
    Effect.flatMap(ClientRegistration, (clients) =>
      clients.create({ redirect_uris: [redirectUri], client_name: Buffer.from(secret).toString("base64") })
    )
  type Leak = (secret: string) => Effect.Effect<unknown, OAuthError, AuthServices>
  const leaks: ReadonlyArray<readonly [place: string, how: string, leak: Leak]> = [
    ["log", "annotation", (secret) => Effect.annotateLogs(Effect.logTrace("a line"), { secret })],
    ["log", "cause", (cause) => Effect.logDebug("a line", Cause.die(new Error("outer", { cause })))],
    ["log", "bytes", (secret) => Effect.logDebug({ secret: new TextEncoder().encode(secret) })],
    ["log", "log span", (secret) => Effect.withLogSpan(Effect.logTrace("a line"), secret)],
    ["spans", "name", (secret) => Effect.withSpan(Effect.void, secret)],
    ["spans", "attribute", (secret) => Effect.withSpan(Effect.void, "a span", { attributes: { secret } })],
    ["spans", "failure", (secret) => Effect.exit(Effect.withSpan(Effect.fail({ secret }), "a span"))],
    ["spans", "event", (secret) => Effect.withSpan(Effect.logInfo(secret), "a span")],
    ["metrics", "tag", (secret) => Metric.increment(Metric.tagged(Metric.counter("planted"), "secret", secret))],
    ["events", "event", inEvents],
    ["auth.db-wal", "column", inClients],
    ["auth.db, closed", "closed column", inClients]
  ]

  it.scoped("a leaked secret is found in every place", () =>
    Effect.gen(function* () {
      const { places, secrets } = yield* after(async ({ secrets, server }) => {
        for (const [, how, leak] of leaks) {
          const secret = `a secret that leaks as ${how}`
          secrets.add(how, secret)
          await server.run(Effect.orDie(leak(secret)))
        }
      })
      const found = secrets.search(places)
      for (const [place, how] of leaks) expect(found, how).toContainEqual(expect.objectContaining({ place, kind: how }))
    })
  )
})
