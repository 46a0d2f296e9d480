/** The actor of an event: a user, a client, a program of the operator, the server, or an anonymous one. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Actor, EventKind } from "../../../src/domain/Event.js"
import * as Origin from "../../../src/services/events/Origin.js"
import { KeyRotation } from "../../../src/services/maintenance/KeyRotation.js"
import { kept } from "../support/EventRows.js"
import { issuer, type TestServer, test, tokensOf } from "../support/Server.js"

/** Returns the actors of all events of one kind. */
const actorsOf = async (server: TestServer, tag: EventKind["_tag"]): Promise<ReadonlyArray<Actor | undefined>> =>
  (await kept(server)).flatMap(({ actor, kind }) => (kind._tag === tag ? [actor] : []))

const subjectOf = async (server: TestServer) => {
  const [created] = (await kept(server)).flatMap(({ kind }) => (kind._tag === "AccountCreated" ? [kind.subject] : []))
  return created
}

describe("the actor of an event", () => {
  test("the actor of an event at the pages is the user, in the session of the browser", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await browser.submit(page, { button: "allow" })
    const [loggedIn] = await actorsOf(server, "LoggedIn")
    expect(loggedIn).toMatchObject({ _tag: "Person", subject: await subjectOf(server), sessionId: expect.any(String) })
    expect(await actorsOf(server, "Allowed")).toEqual([loggedIn])
  })

  test("the actor of a public client's events is the client, marked as not authenticated", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    // The first refresh of a day is kept.
    await server.advance("25 hours")
    await tokensOf(server.refresh(client, refresh_token))
    const actor = { _tag: "Client", clientId: client.client_id, isAuthenticated: false }
    expect(await actorsOf(server, "Redeemed")).toEqual([actor])
    expect(await actorsOf(server, "Refreshed")).toEqual([actor])
  })

  test("the actor of a revocation by a confidential client is the client, marked as authenticated", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const { refresh_token } = await server.tokens(client)
    await server.ask("/revoke", client, { token: refresh_token })
    expect(await actorsOf(server, "Revoked")).toEqual([
      { _tag: "Client", clientId: client.client_id, isAuthenticated: true }
    ])
  })

  test("the actor of a failed login is anonymous", async (server) => {
    const { url } = await server.request(await server.register())
    const browser = server.browser()
    const page = await browser.open(url)
    for (let i = 0; i < 12; i++) await browser.submit(page, { fields: { username: "ada", password: "wrong" } })
    const actors = await actorsOf(server, "LoginThrottled")
    expect(actors.length).toBeGreaterThan(0)
    expect(actors.every((actor) => actor?._tag === "Anonymous")).toBe(true)
  })

  test(
    "the actor of an event by the admin API is the operator's program",
    async (server) => {
      const program = await server.addClient({ scope: "latchkey:admin" })
      const { access_token } = await tokensOf(
        server.token(program, { grant_type: "client_credentials", scope: "latchkey:admin" })
      )
      const headers = { authorization: `Bearer ${access_token}` }
      const path = `/api/admin/users/${await subjectOf(server)}/disable`
      const answer = await server.send(path, { method: "POST", headers })
      expect(answer.status).toBe(204)
      expect(await actorsOf(server, "AccountChanged")).toEqual([{ _tag: "Program", clientId: program.client_id }])
      const { events } = (await (await server.send("/api/admin/events", { headers })).json()) as {
        readonly events: ReadonlyArray<{ readonly event: string }>
      }
      expect(events.find(({ event }) => event === "AccountChanged")).toMatchObject({
        actor: { type: "Program", client_id: program.client_id },
        request_id: answer.headers.get("x-request-id")
      })
      const id = answer.headers.get("x-request-id")
      const found = (await (await server.send(`/api/admin/events?request=${id}`, { headers })).json()) as {
        readonly events: ReadonlyArray<{ readonly event: string }>
      }
      expect(found.events.map(({ event }) => event)).toEqual(["AccountChanged"])
    },
    { api: true }
  )

  test(
    "the actor of an event by the account API is the user through the client",
    async (server) => {
      const client = await server.register({ scope: "latchkey:account" })
      const parameters = { scope: "latchkey:account", resource: `${issuer}/api` }
      const { access_token } = await server.tokens(client, parameters)
      const headers = { authorization: `Bearer ${access_token}` }
      expect((await server.send(`/api/account/apps/${client.client_id}`, { method: "DELETE", headers })).status).toBe(
        204
      )
      expect(await actorsOf(server, "ConsentWithdrawn")).toEqual([
        { _tag: "Person", subject: await subjectOf(server), clientId: client.client_id }
      ])
    },
    { api: true }
  )

  test("the actor of an event outside a request is the server, or the actor that an app sets", async (server) => {
    const rotate = Effect.flatMap(KeyRotation, ({ replace }) => Effect.asVoid(replace))
    await server.run(rotate)
    const by = await actorsOf(server, "KeyRotated")
    expect(by.length).toBeGreaterThan(0)
    expect(by.every((actor) => actor?._tag === "Server")).toBe(true)
    await server.run(rotate.pipe(Origin.actingAs({ _tag: "Operator", name: "nightly-job" })))
    expect((await actorsOf(server, "KeyRotated")).at(-1)).toEqual({ _tag: "Operator", name: "nightly-job" })
  })

  test("each of two concurrent requests has its own actor", async (server) => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => server.register()))
    const codes = await Promise.all(clients.map((client) => server.code(client)))
    await Promise.all(clients.map((client, index) => server.redeem(client, codes[index] ?? { code: "", verifier: "" })))
    const redeemed = (await kept(server)).flatMap(({ actor, kind }) =>
      kind._tag === "Redeemed" ? [[kind.clientId, actor]] : []
    )
    expect(redeemed).toHaveLength(5)
    for (const [clientId, actor] of redeemed) expect(actor).toMatchObject({ clientId })
  })
})
