/** The spans and metrics of an app: service calls with ids, and nothing that a client sent. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/TestClock"
import { it } from "vitest"
import * as AuthLayer from "../../../src/layers/AuthLayer.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as NodeServer from "../../../src/layers/NodeServer.js"
import * as SqliteStorage from "../../../src/layers/SqliteStorage.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { Maintenance } from "../../../src/services/maintenance/Maintenance.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { temporaryFile } from "../../layers/temporaryFile.js"
import { freePort } from "../../support/Cli.js"
import { issuer, outcome, password, redirectUri, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Spans from "../support/Spans.js"
import * as Storage from "../support/Storage.js"

/** From a registration to a revocation, with what goes wrong on the way; and every text that was sent or received. */
const wholeRun = async (server: TestServer) => {
  const client = await server.register({ client_name: "Somebody's notes" })
  const { url, verifier } = await server.request(client, { login_hint: "grace-hopper" })
  const browser = server.browser()
  const loginPage = await browser.open(url)
  await browser.submit(loginPage, { fields: { username: "nobody-of-that-name", password: "not-the-password" } })
  const consentPage = await server.logIn(browser, loginPage)
  const { sentTo } = await browser.submit(consentPage, { button: "allow" })
  const code = sentTo?.searchParams.get("code") ?? ""
  const first = await tokensOf(server.redeem(client, { code, verifier }))
  await server.call(first.access_token)
  await server.call("lk_at_not-a-token")
  const second = await tokensOf(server.refresh(client, first.refresh_token))
  await server.ask("/revoke", client, { token: second.refresh_token })
  expect(await outcome(server.call(second.access_token))).toBe("401 invalid_token")
  // The values of a client, a code, a grant type, a path and a method can be any text.
  await server.post("/token", { client_id: "no-such-client", grant_type: "strange-grant" })
  await server.token(client, { grant_type: "strange-grant" })
  await server.redeem(client, { code: "lk_ac_not-a-code", verifier })
  await server.send("/token?strange-query", { method: "PROPFIND" })
  await browser.open(`${issuer}/authorize?client_id=no-such-client`)
  await browser.open((await server.request(client, { response_type: "strange-type" })).url)

  const sent = [
    ...[first, second].flatMap((tokens) => [tokens.access_token, tokens.refresh_token]),
    ...browser.cookies.values(),
    ...[code, first.refresh_token, second.refresh_token].map((token) => token.slice(32)),
    ...["nobody-of-that-name", "grace-hopper", password, "not-the-password", "Somebody's notes", "the state"],
    ...["lk_at_", "lk_ac_", "lk_rt_", "lk_fm_", verifier, issuer, redirectUri],
    ...["no-such-client", "not-a-code", "not-a-token", "PROPFIND", "strange-"]
  ]
  return { client, sent }
}

const sqlite = Layer.unwrapScoped(Effect.map(temporaryFile, (filename) => SqliteStorage.layer({ filename }))).pipe(
  Layer.orDie
)

describe("spans", () => {
  const { spans, tracer } = Spans.keeping()
  const pathsOf = async (request: () => Promise<unknown>) => {
    spans.length = 0
    await request()
    return spans.map((span) => span.path)
  }

  test(
    "a service call has a span under the span of its request",
    async (server) => {
      const client = await server.register()
      const code = await server.code(client)
      expect(await pathsOf(() => server.redeem(client, code))).toEqual([
        "POST /token",
        "POST /token > ClientAuthenticator.authenticate",
        "POST /token > AuthorizationCodeGrant.handle",
        "POST /token > AuthorizationCodeGrant.handle > AccessTokens.issue"
      ])
    },
    { tracer }
  )

  test(
    "the spans of a flow name each service call",
    async (server) => {
      const paths = await pathsOf(() => wholeRun(server))
      for (const path of [
        "POST /register > ClientRegistration.register",
        "GET /authorize > AuthorizationRequests.validate",
        "GET /authorize > Approvals.consider",
        "POST /login > LoginThrottle.guard > Accounts.authenticate > PasswordHasher.verify",
        "POST /login > Sessions.begin",
        "POST /consent > Sessions.find",
        "POST /consent > Approvals.decide",
        "POST /token > RefreshTokenGrant.handle > AccessTokens.issue",
        "POST /revoke > TokenRevocation.revoke",
        // The app's own request: its span is the app's to make.
        "AccessTokens.verify"
      ]) {
        expect(paths).toContain(path)
      }
    },
    { tracer }
  )

  test(
    "a span has the ids of the user, the client and the grant",
    async (server) => {
      const client = await server.register()
      const tokens = await server.tokens(client)
      const { terms } = await server.grant(tokens.refresh_token)
      const ids = { grantId: terms.id, subject: terms.subject, clientId: client.client_id }
      const attributesOf = (name: string) =>
        Object.fromEntries(spans.find((span) => span.name === name)?.attributes ?? [])
      spans.length = 0
      await server.refresh(client, tokens.refresh_token)
      await server.call(tokens.access_token)
      await server.run(Effect.flatMap(Accounts, ({ disable }) => disable(terms.subject)))
      expect(attributesOf("POST /token")).toEqual({
        "http.request.method": "POST",
        "http.route": "/token",
        "http.response.status_code": 200,
        clientId: client.client_id,
        grantType: "refresh_token"
      })
      expect(attributesOf("RefreshTokenGrant.handle")).toEqual(ids)
      expect(attributesOf("AccessTokens.verify")).toEqual(ids)
      expect(attributesOf("Accounts.disable")).toEqual({ subject: terms.subject })
    },
    { tracer }
  )

  for (const [name, storage] of [
    ["memory", Layer.fresh(MemoryStorage.layer)],
    ["SQLite", sqlite]
  ] as const) {
    const { spans, tracer } = Spans.keeping()
    test(
      `hold nothing that was sent, nor the answer, with a store in ${name}`,
      async (server) => {
        const { sent } = await wholeRun(server)
        expect(spans.length).toBeGreaterThan(50)
        for (const text of sent) {
          expect(spans.filter((span) => span.text.includes(text)).map((span) => span.text)).toEqual([])
        }
        expect(spans.map((span) => span.text).join()).not.toMatch(/\bada\b/)
        const ids = spans.flatMap(({ attributes }) =>
          ["clientId", "grantId", "subject"].map((id) => attributes.get(id))
        )
        for (const id of ids) if (id !== undefined) expect(id).toMatch(/^[0-9a-z]{26}$/)
      },
      { storage, tracer }
    )
  }

  it("NodeServer makes no span of the platform, which would contain the URL", async () => {
    const { spans, tracer } = Spans.keeping()
    const port = await freePort()
    const app = AuthLayer.layer({ issuer: `http://127.0.0.1:${port}`, resources: [] }).pipe(
      Layer.provide(Layer.fresh(MemoryStorage.layer))
    )
    const served = NodeServer.serve(app, { host: "127.0.0.1", port })
    const quiet = Logger.remove(Logger.defaultLogger)
    const asked = Effect.promise(() =>
      fetch(`http://127.0.0.1:${port}/authorize?client_id=no-such-client&state=the-state`)
    )
    await asked.pipe(
      Effect.provide(Layer.provideMerge(served, Layer.merge(Layer.setTracer(tracer), quiet))),
      Effect.runPromise
    )
    expect(spans.map((span) => span.path)).toEqual([
      "GET /authorize",
      "GET /authorize > AuthorizationRequests.validate"
    ])
    expect(spans.map((span) => span.text).join()).not.toMatch(/the-state|no-such-client/)
  })
})

/** Returns the metrics so far, by name and tags. A histogram is its number of values. */
const counts = Effect.map(Metric.snapshot, (pairs) =>
  pairs
    .filter(({ metricKey }) => metricKey.name.startsWith("latchkey_"))
    .map(({ metricKey: { name, tags }, metricState }) => ({
      name,
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
      state: metricState as unknown as { readonly count: number; readonly sum?: number }
    }))
)

const pass = Effect.flatMap(Maintenance, ({ pass }) => pass)

describe("metrics", () => {
  /** Returns what a request adds to a metric, because the registry belongs to the process. */
  const added = async (name: string, request: () => Promise<unknown>, of: "count" | "sum" = "count") => {
    const read = async () =>
      (await Effect.runPromise(counts))
        .filter((metric) => metric.name === name)
        .map(({ state, tags }) => [Object.values(tags).join(" "), state[of] ?? 0] as const)
    const before = new Map(await read())
    await request()
    const after = await read()
    return Object.fromEntries(
      after
        // A sum of seconds that others have added to is a floating-point number.
        .map(([tags, count]) => [tags, Number((count - (before.get(tags) ?? 0)).toFixed(6))] as const)
        .filter(([, count]) => count !== 0)
    )
  }

  test("metrics count events and the reasons of revocations", async (server) => {
    const client = await server.register()
    const run = async () => {
      const tokens = await server.tokens(client)
      await server.refresh(client, tokens.refresh_token)
      await server.ask("/revoke", client, { token: tokens.refresh_token })
    }
    expect(await added("latchkey_events_total", run)).toEqual({
      LoggedIn: 1,
      Allowed: 1,
      Redeemed: 1,
      Refreshed: 1,
      "Revoked TokenRevoked": 1
    })
  })

  test("metrics count refusals by endpoint, error and reason, also those of a guard", async (server) => {
    const client = await server.register()
    const { browser } = await server.toConsent(client)
    const run = async () => {
      await server.refresh(client, "lk_rt_not-a-token")
      await server.post("/token", { client_id: "no-such-client" })
      await server.call(undefined)
      await server.call("lk_at_not-a-token")
      await server.send("/authorize?client_id=no-such-client")
      await browser.open((await server.request(client, { response_type: "token" })).url)
    }
    expect(await added("latchkey_refusals_total", run)).toEqual({
      "/token InvalidGrant Unknown": 1,
      "/token InvalidClient UnknownClient": 1,
      "guard MissingToken NoAuthorization": 1,
      "guard InvalidToken Unknown": 1,
      "/authorize AuthorizationRefused UnknownClient": 1,
      "/authorize UnsupportedResponseType UnknownResponseType": 1
    })
  })

  test(
    "metrics count a server error once",
    async (server) => {
      const client = await server.register()
      const code = await server.code(client)
      expect(await added("latchkey_refusals_total", () => server.redeem(client, code))).toEqual({
        "/token ServerError Defect": 1
      })
    },
    { storage: Storage.changed(Storage.around(GrantStore, ["redeem"], () => Effect.die("broken"))) }
  )

  test(
    "metrics measure request times by endpoint, method and class of status",
    async (server) => {
      const client = await server.register()
      const code = await server.code(client)
      const redeem = () => server.redeem(client, code)
      expect(await added("latchkey_request_seconds", redeem, "sum")).toEqual({ "/token POST 2xx": 2 })
      expect(await added("latchkey_request_seconds", () => server.send("/token"))).toEqual({ "/token GET 4xx": 1 })
    },
    {
      storage: Storage.changed(
        Storage.around(GrantStore, ["redeem"], (_, answer) => Effect.zipRight(TestClock.adjust("2 seconds"), answer))
      )
    }
  )

  test(
    "metrics measure the API by its routes, not by ids in them",
    async (server) => {
      const run = () => server.send("/api/admin/users/somebody")
      expect(await added("latchkey_request_seconds", run)).toEqual({ "/api/admin/users/:id GET 4xx": 1 })
    },
    { api: true }
  )

  test("metrics count the rows that maintenance deletes", async (server) => {
    await server.register()
    await server.advance("400 days")
    expect(await added("latchkey_maintenance_total", () => server.run(pass))).toMatchObject({ clients: 1 })
  })

  test("the tags of metrics have fixed values for any request", async (server) => {
    const read = async () =>
      (await Effect.runPromise(counts)).map(({ name, state, tags }) => ({
        tags,
        key: `${name} ${JSON.stringify(tags)}`,
        count: state.count
      }))
    // The registry belongs to the process: only what this test has counted is looked at.
    const before = new Map((await read()).map(({ count, key }) => [key, count]))
    const { client, sent } = await wholeRun(server)
    await server.advance("400 days")
    await server.run(pass)
    const counted = (await read()).filter(({ count, key }) => count !== (before.get(key) ?? 0))
    const values = counted.flatMap(({ tags }) => Object.entries(tags))
    const of = (tag: string) => [...new Set(values.filter(([name]) => name === tag).map(([, value]) => value))].sort()
    expect([...new Set(values.map(([name]) => name))].sort()).toEqual([
      "endpoint",
      "error",
      "event",
      "kind",
      "method",
      "reason",
      "status"
    ])
    expect(of("method")).toEqual(["GET", "POST", "_OTHER"])
    for (const endpoint of of("endpoint")) expect(endpoint).toMatch(/^(guard|\/[a-z/.:-]*)$/)
    for (const [, value] of values) {
      expect(value).not.toContain(client.client_id)
      for (const text of sent) expect(value).not.toContain(text)
    }
  })
})
