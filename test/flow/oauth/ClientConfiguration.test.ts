/** A client changes its own registration (RFC 7592): what that does to consents, to events, and to other settings. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { type Client, make, redirectUri, type TestServer, test } from "../support/Server.js"

const own = {
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token"],
  client_name: "Test client"
}

const other = "https://other.example/callback"

const send = (server: TestServer, client: Client, method: string, body?: object) =>
  server.send(String(client.registration_client_uri), {
    method,
    headers: {
      authorization: `Bearer ${client.registration_access_token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" })
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })

const update = async (server: TestServer, client: Client, changes: object) => {
  const answer = await send(server, client, "PUT", { ...own, client_id: client.client_id, ...changes })
  expect(answer.status).toBe(200)
}

const changesOf = async (server: TestServer) => {
  await server.advance("1 second")
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
  return events.filter(({ kind }) => kind._tag === "ClientChanged")
}

describe("a client that changes its redirect URIs", () => {
  test("a remembered consent does not apply to a new redirect URI, which the page names first", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await browser.submit(page, { button: "allow" })
    const open = async (parameters: Readonly<Record<string, string>> = {}) =>
      browser.open((await server.request(client, parameters)).url)
    expect((await open()).sentTo?.searchParams.has("code")).toBe(true)

    await update(server, client, { redirect_uris: [redirectUri, other] })
    expect((await open()).sentTo?.searchParams.has("code")).toBe(true)
    const asked = await open({ redirect_uri: other })
    expect(asked.sentTo).toBeUndefined()
    expect(asked.document.querySelector("main")?.text).toContain("other.example")
    expect((await open({ redirect_uri: other, prompt: "none" })).sentTo).toBeUndefined()
    await browser.submit(asked, { button: "allow" })
    expect((await open({ redirect_uri: other })).sentTo?.origin).toBe("https://other.example")
  })

  test("a redirect URI that the client removed gets no code any more, remembered or not", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await browser.submit(page, { button: "allow" })
    await update(server, client, { redirect_uris: [other] })
    const answer = await browser.open((await server.request(client)).url)
    expect(answer.status).toBe(400)
    expect(answer.sentTo).toBeUndefined()
  })

  test("the grants of the client stay, as with a change by the operator", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    await update(server, client, { redirect_uris: [other] })
    expect((await server.refresh(client, tokens.refresh_token)).status).toBe(200)
  })
})

describe("the events of a client's own changes", () => {
  test("a change by a used client is stored, with the client as its actor", async (server) => {
    const client = await server.register()
    await server.tokens(client)
    await update(server, client, { client_name: "Renamed" })
    expect((await send(server, client, "DELETE")).status).toBe(204)
    const actor = { _tag: "Client", clientId: client.client_id, isAuthenticated: true }
    expect(await changesOf(server)).toMatchObject([
      { kind: { clientId: client.client_id, change: "Updated" }, actor },
      { kind: { clientId: client.client_id, change: "Deleted" }, actor }
    ])
  })

  test("changes by a client that no user uses are not stored, because a stranger can repeat them", async (server) => {
    const client = await server.register()
    await update(server, client, { client_name: "Renamed" })
    await send(server, client, "DELETE")
    expect(await changesOf(server)).toEqual([])
  })

  test("an update that changes nothing is no event", async (server) => {
    const client = await server.register()
    await server.tokens(client)
    await update(server, client, {})
    expect(await changesOf(server)).toEqual([])
  })
})

describe("management of registrations", () => {
  it.scoped("a client that registered before registration was closed still manages its registration", () =>
    Effect.gen(function* () {
      const storage = Layer.succeedContext(yield* Layer.build(MemoryStorage.layer))
      const open = yield* make({ storage })
      const closed = yield* make({ storage, isSecond: true, settings: { registration: "Off" } })
      yield* Effect.promise(async () => {
        const client = await open.register()
        expect((await send(closed, client, "GET")).status).toBe(200)
        await update(closed, client, { client_name: "Renamed" })
        expect((await send(closed, client, "DELETE")).status).toBe(204)
      })
    })
  )

  test(
    "requests for a registration count against the limits of registration",
    async (server) => {
      const peer = server.from("192.0.2.1")
      const client = await peer.register()
      expect((await send(peer, client, "GET")).status).toBe(200)
      expect((await send(peer, client, "GET")).status).toBe(429)
      expect((await send(server.from("192.0.2.2"), client, "GET")).status).toBe(200)
    },
    { settings: { rateLimits: { register: { quota: 2, window: "1 hour" } } } }
  )

  test("an app that registers a client gets its registration access token, which no log shows", async (server) => {
    const { client, registrationToken } = await server.run(
      Effect.flatMap(ClientRegistration, ({ register }) => register(own))
    )
    const answer = await server.send(`/register/${client.id}`, {
      headers: { authorization: `Bearer ${Redacted.value(registrationToken)}` }
    })
    expect(answer.status).toBe(200)
    expect(String(registrationToken)).toBe("<redacted>")
  })
})
