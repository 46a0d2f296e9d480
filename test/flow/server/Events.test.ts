/** Events are stored in order, and hold ids only. */
import { describe, expect } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import type { Event } from "../../../src/domain/Event.js"
import { Events } from "../../../src/services/events/Events.js"
import { GrantHistory } from "../../../src/services/grants/GrantHistory.js"
import { kept, moment } from "../support/EventRows.js"
import { issuer, outcome, password, start, type TestServer, test, tokensOf } from "../support/Server.js"

/** Runs from a registration to a logout, with failures in between. Returns the client, the code and every secret seen. */
const wholeRun = async (server: TestServer) => {
  const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
  const { url, verifier } = await server.request(client)
  const browser = server.browser()
  const loginPage = await browser.open(url)
  await browser.submit(loginPage, { fields: { username: "unknown-user-name", password: "not-the-password" } })
  await browser.submit(loginPage, { fields: { username: "ada", password: "not-the-password" } })
  const consentPage = await server.logIn(browser, loginPage)
  const { sentTo } = await browser.submit(consentPage, { button: "allow" })
  const code = sentTo?.searchParams.get("code") ?? ""
  const first = await tokensOf(server.redeem(client, { code, verifier }))
  const second = await tokensOf(server.refresh(client, first.refresh_token))
  const retried = await tokensOf(server.refresh(client, first.refresh_token))
  const third = await tokensOf(server.refresh(client, second.refresh_token))
  // After the retry window the first token is a replay.
  await server.advance("31 seconds")
  expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
  const cookies = [...browser.cookies.values()]
  const logoutPage = await browser.open(`${issuer}/logout`)
  await browser.submit(logoutPage)

  const tokens = [first, second, retried, third].flatMap((one) => [one.access_token, one.refresh_token])
  const forms = [loginPage, consentPage, logoutPage].map(
    ({ document }) => document.querySelector("input[name=form]")?.getAttribute("value") ?? ""
  )
  const secrets = [
    ...tokens,
    ...forms,
    ...cookies,
    code,
    // The secret part of a code or refresh token follows the id of its grant.
    ...[code, ...tokens.filter((token) => token.startsWith("lk_rt_"))].map((token) => token.slice(32)),
    verifier,
    String(client.client_secret),
    password,
    "not-the-password",
    "unknown-user-name"
  ]
  return { client, code, secrets }
}

const tags = [
  "AccountCreated",
  "LoginFailed",
  "LoginFailed",
  "LoggedIn",
  "Allowed",
  "Redeemed",
  "Retried",
  "Revoked",
  "LoggedOut"
]

describe("events", () => {
  test("the events of a whole run are stored in order", async (server) => {
    await wholeRun(server)
    expect((await kept(server)).map(({ kind }) => kind._tag)).toEqual(tags)
  })

  test("events name the account, the client and the grant by their ids", async (server) => {
    const { client, code } = await wholeRun(server)
    const { clientId, id: grantId, subject } = (await server.grant(code)).terms
    expect(clientId).toBe(client.client_id)
    const kinds = (await kept(server)).map(({ kind }) => kind)
    const ids = { grantId, subject, clientId }
    expect(kinds[1]).toEqual({ _tag: "LoginFailed" })
    expect(kinds[2]).toEqual({ _tag: "LoginFailed", subject })
    expect(kinds[4]).toEqual({ _tag: "Allowed", ...ids, scope: "notes:read notes:write", by: "Person" })
    expect(kinds[5]).toEqual({ _tag: "Redeemed", ...ids })
    expect(kinds[6]).toEqual({ _tag: "Retried", ...ids, generation: 2 })
    expect(kinds[7]).toEqual({ _tag: "Revoked", ...ids, reason: "RefreshTokenReplayed" })
    const sessions = kinds.flatMap((one) => ("sessionId" in one ? [one.sessionId] : []))
    expect(sessions.length).toBe(2)
    expect(new Set(sessions).size).toBe(1)
  })

  test("events hold no token, code, secret, password, cookie, form or name", async (server) => {
    const { secrets } = await wholeRun(server)
    const text = JSON.stringify(await kept(server))
    expect(secrets.every((secret) => secret.length >= 8)).toBe(true)
    for (const secret of secrets) expect(text).not.toContain(secret)
  })

  test("the stream has all events, also those that are not stored", async (server) => {
    const live = server.run(
      Effect.flatMap(Events, ({ stream }) => Stream.runCollect(Stream.take(stream, tags.length + 2)))
    )
    await moment()
    await wholeRun(server)
    const streamed = Chunk.toReadonlyArray(await live)
    const isNotStored = ({ kind }: Event) => ["ClientRegistered", "Refreshed"].includes(kind._tag)
    expect(streamed.filter(isNotStored).map(({ kind }) => kind._tag)).toEqual([
      "ClientRegistered",
      "Refreshed",
      "Refreshed"
    ])
    expect(streamed.filter((event) => !isNotStored(event))).toEqual((await kept(server)).slice(1))
  })

  test("only the first refresh of a day is stored, so the number of events does not grow with use", async (server) => {
    const client = await server.register()
    let { refresh_token: token } = await server.tokens(client)
    const refreshTimes = async (count: number) => {
      for (let i = 0; i < count; i++) token = (await tokensOf(server.refresh(client, token))).refresh_token
    }
    const refreshes = async () =>
      (await kept(server)).flatMap(({ kind }) => (kind._tag === "Refreshed" ? [kind.generation] : []))
    await refreshTimes(20)
    expect(await refreshes()).toEqual([])
    await server.advance("1 day")
    await refreshTimes(20)
    await server.advance("1 day")
    await refreshTimes(20)
    expect(await refreshes()).toEqual([22, 42])
    // The history of an active grant ends with its last refresh, which is in its row.
    const grant = await server.grant(token)
    const history = await server.run(Effect.flatMap(GrantHistory, ({ entries }) => entries(grant)))
    expect(history.map(({ kind }) => ("generation" in kind ? kind.generation : kind._tag))).toEqual([
      "Allowed",
      "Redeemed",
      22,
      42,
      61
    ])
  })

  test("events of one millisecond, and events after the clock was set back, are in order", async (server) => {
    const keys = Array.from({ length: 300 }, (_, i) => `key${i}`)
    const publish = (keyId: string) =>
      Effect.flatMap(Events, (events) => events.publish({ _tag: "KeyRotated", keyId, change: "Published" }))
    await server.run(Effect.forEach(keys.slice(0, 200), publish))
    await server.run(TestClock.setTime(start - 1_000))
    await server.run(Effect.forEach(keys.slice(200), publish))
    const events = (await kept(server)).slice(1)
    expect(events.map(({ kind }) => "keyId" in kind && kind.keyId)).toEqual(keys)
  })
})
