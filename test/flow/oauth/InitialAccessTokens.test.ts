/** Initial access tokens: whom the operator lets register (RFC 7591 §3), and what such a client has over a stranger's. */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as oauth from "oauth4webapi"
import { ClientId } from "../../../src/domain/Client.js"
import { InitialAccessTokens, type NewInitialAccessToken } from "../../../src/services/clients/InitialAccessTokens.js"
import * as Maintenance from "../../../src/services/maintenance/Maintenance.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { challengeOf } from "../../conformance/support/Conformance.js"
import { outcome, redirectUri, type TestServer, test } from "../support/Server.js"

const good = { redirect_uris: [redirectUri], token_endpoint_auth_method: "none" }

const create = async (server: TestServer, options: NewInitialAccessToken = {}) => {
  const { secret, token } = await server.run(Effect.flatMap(InitialAccessTokens, ({ create }) => create(options)))
  return { secret: Redacted.value(secret), id: token.id }
}

const register = (server: TestServer, authorization?: string, metadata: object = good) =>
  server.send("/register", {
    method: "POST",
    body: JSON.stringify(metadata),
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) }
  })

const registerWith = (server: TestServer, secret: string) => register(server, `Bearer ${secret}`)

const find = (server: TestServer, id: string) =>
  server.run(Effect.flatMap(ClientStore, (clients) => clients.find(ClientId.make(id))))

const token = { registration: "Token" } as const

describe("registration with an initial access token", () => {
  test(
    "oauth4webapi registers with an initial access token, and the client works",
    async (server) => {
      const { secret } = await create(server)
      const as = await server.discover()
      expect(as.registration_endpoint).toBe(`${server.issuer}/register`)
      const response = await oauth.dynamicClientRegistrationRequest(as, good, {
        ...server.options,
        initialAccessToken: secret
      })
      const client = await oauth.processDynamicClientRegistrationResponse(response)
      expect((await server.tokens(client)).access_token).toMatch(/^lk_at_/)
    },
    { settings: token }
  )

  test(
    "a registration without a token gets 401 with a challenge that has no error (RFC 6750 §3.1)",
    async (server) => {
      for (const authorization of [undefined, "", "Basic YTpi", "Bearer", "Bearer a b"]) {
        const answer = await register(server, authorization)
        expect(answer.status, authorization).toBe(401)
        expect(challengeOf(answer)).toEqual({ realm: server.issuer })
        expect(answer.headers.get("cache-control")).toBe("no-store")
        expect(answer.headers.get("access-control-allow-origin")).toBe("*")
      }
    },
    { settings: token }
  )

  test(
    "an unknown, revoked, expired or used-up token gets 401 invalid_token with a challenge",
    async (server) => {
      const revoked = await create(server)
      const expired = await create(server, { lifetime: Duration.minutes(1) })
      const usedUp = await create(server, { maxUses: 1 })
      expect((await registerWith(server, usedUp.secret)).status).toBe(201)
      await server.run(Effect.flatMap(InitialAccessTokens, ({ revoke }) => revoke(revoked.id)))
      await server.advance("1 minute")
      for (const secret of ["lk_ia_unknown", "another-token", revoked.secret, expired.secret, usedUp.secret]) {
        const answer = await registerWith(server, secret)
        expect(answer.status, secret).toBe(401)
        expect(challengeOf(answer)).toMatchObject({ realm: server.issuer, error: "invalid_token" })
        expect(await answer.json()).toMatchObject({ error: "invalid_token" })
      }
    },
    { settings: token }
  )

  test(
    "a token is valid until its expiry, to the millisecond",
    async (server) => {
      const { secret } = await create(server, { lifetime: Duration.minutes(1) })
      await server.advance(59_999)
      expect((await registerWith(server, secret)).status).toBe(201)
      await server.advance(1)
      expect((await registerWith(server, secret)).status).toBe(401)
    },
    { settings: token }
  )

  test(
    "of concurrent registrations exactly as many succeed as the token has uses",
    async (server) => {
      const { secret } = await create(server, { maxUses: 3 })
      const statuses = await Promise.all(
        Array.from({ length: 10 }, async () => (await registerWith(server, secret)).status)
      )
      expect(statuses.filter((status) => status === 201)).toHaveLength(3)
      expect(statuses.filter((status) => status === 401)).toHaveLength(7)
    },
    { settings: token }
  )

  test(
    "a registration that is refused for its metadata uses up nothing",
    async (server) => {
      const { secret } = await create(server, { maxUses: 1 })
      expect(await outcome(register(server, `Bearer ${secret}`, { redirect_uris: [] }))).toBe(
        "400 invalid_redirect_uri"
      )
      expect((await registerWith(server, secret)).status).toBe(201)
    },
    { settings: token }
  )

  test("open registration needs no token, and ignores the token of another server", async (server) => {
    for (const authorization of [undefined, "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YTpi"]) {
      expect((await register(server, authorization)).status).toBe(201)
    }
  })

  test("open registration refuses a wrong initial access token, whose client would be deleted in a day", async (server) => {
    expect(await outcome(registerWith(server, "lk_ia_unknown"))).toBe("401 invalid_token")
  })

  test(
    "a client that registers with a token is outside the quota of strangers, and is kept for a year without use",
    async (server) => {
      const { secret } = await create(server)
      const admitted = (await (await registerWith(server, secret)).json()) as { readonly client_id: string }
      const strangers = [await server.register(), await server.register(), await server.register()]
      const kept = async (id: string) => Option.isSome(await find(server, id))
      expect(await Promise.all(strangers.map(({ client_id }) => kept(client_id)))).toEqual([false, false, true])
      await server.advance("364 days")
      await server.run(Effect.flatMap(Maintenance.Maintenance, ({ pass }) => pass))
      expect(await kept(admitted.client_id)).toBe(true)
      await server.advance("2 days")
      await server.run(Effect.flatMap(Maintenance.Maintenance, ({ pass }) => pass))
      expect(await kept(admitted.client_id)).toBe(false)
    },
    { settings: { maxUnusedClients: 1 } }
  )

  test(
    "events say who made a token, which client registered with it, and that it was revoked",
    async (server) => {
      const { id, secret } = await create(server)
      const { client_id } = (await (await registerWith(server, secret)).json()) as { readonly client_id: string }
      await server.run(Effect.flatMap(InitialAccessTokens, ({ revoke }) => revoke(id)))
      await server.advance("1 second")
      const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
      const about = events.filter(({ kind }) => "initialAccessTokenId" in kind)
      expect(about.map(({ kind }) => kind)).toEqual([
        { _tag: "InitialAccessTokenChanged", initialAccessTokenId: id, change: "Created" },
        { _tag: "ClientRegistered", clientId: client_id, origin: "Dynamic", initialAccessTokenId: id },
        { _tag: "InitialAccessTokenChanged", initialAccessTokenId: id, change: "Revoked" }
      ])
      expect(about.map(({ actor }) => actor?._tag)).toEqual(["Server", "Anonymous", "Server"])
    },
    { settings: token }
  )

  test(
    "a revoked token ends no client that registered with it",
    async (server) => {
      const { id, secret } = await create(server)
      const { client_id } = (await (await registerWith(server, secret)).json()) as { readonly client_id: string }
      await server.run(Effect.flatMap(InitialAccessTokens, ({ revoke }) => revoke(id)))
      expect(Option.isSome(await find(server, client_id))).toBe(true)
    },
    { settings: token }
  )

  test(
    "closed registration refuses everyone, with a token too, and is not in the metadata",
    async (server) => {
      const { secret } = await create(server)
      expect(await outcome(registerWith(server, secret))).toBe("403 access_denied")
      expect(await outcome(register(server))).toBe("403 access_denied")
      expect((await server.discover()).registration_endpoint).toBeUndefined()
    },
    { settings: { registration: "Off" } }
  )

  test(
    "without room for strangers a client registers with a token",
    async (server) => {
      const { secret } = await create(server)
      expect((await registerWith(server, secret)).status).toBe(201)
      expect((await register(server)).status).toBe(401)
    },
    { settings: { ...token, maxUnusedClients: 0 } }
  )
})
