/** The admin API: the actions of the command line, for a program of the operator. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { LoginCounters } from "../../../src/services/stores/LoginCounters.js"
import { makeKey } from "../../support/Assertions.js"
import { attempt, failed, headingOf, loggedIn, untilPause } from "../support/Attempts.js"
import { keptOf } from "../support/EventRows.js"
import * as Server from "../support/Server.js"
import { issuer, outcome, password, type TestServer, test } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const withApi: Server.Options = { api: true }
const api = `${issuer}/api`

const admin = async (server: TestServer) => {
  const client = await server.addClient({ scope: "latchkey:admin" })
  const { access_token } = await Server.tokensOf(
    server.token(client, { grant_type: "client_credentials", scope: "latchkey:admin" })
  )
  const call = (method: string, path: string, body?: unknown) =>
    server.send(`${api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${access_token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the endpoint answers
  const json = async (method: string, path: string, body?: unknown): Promise<any> =>
    (await call(method, path, body)).json()
  return { call, client, json }
}

describe("users", () => {
  test(
    "the admin API lists, creates, finds, disables, enables and deletes users",
    async (server) => {
      const { call, json } = await admin(server)
      const made = await call("POST", "/admin/users", { username: "Grace", password: "a long password" })
      expect(made.status).toBe(201)
      const { id } = (await made.json()) as { readonly id: string }
      expect((await json("GET", "/admin/users")).users).toHaveLength(2)
      expect((await json("GET", "/admin/users?username=GRACE")).users).toMatchObject([{ id, state: "Enabled" }])
      expect((await call("POST", `/admin/users/${id}/disable`)).status).toBe(204)
      expect(await json("GET", `/admin/users/${id}`)).toMatchObject({ username: "grace", state: "Disabled" })
      expect((await call("POST", `/admin/users/${id}/enable`)).status).toBe(204)
      expect((await call("PUT", `/admin/users/${id}/password`, { password: "another password" })).status).toBe(204)
      expect((await call("DELETE", `/admin/users/${id}`)).status).toBe(204)
      expect(await outcome(call("GET", `/admin/users/${id}`))).toBe("404 not_found")
      expect(await outcome(call("DELETE", `/admin/users/${id}`))).toBe("404 not_found")
    },
    withApi
  )

  test(
    "the admin API lists users and clients page by page, the oldest first",
    async (server) => {
      const { call, json } = await admin(server)
      for (const name of ["bob", "carol"]) await server.addAccount(name)
      await server.addClient({ scope: "notes:read" })
      for (const [list, ids] of [
        ["users", (await json("GET", "/admin/users")).users.map(({ id }: { id: string }) => id)],
        ["clients", (await json("GET", "/admin/clients")).clients.map(({ client_id }: Server.Client) => client_id)]
      ] as const) {
        const found: Array<string> = []
        for (let after = ""; ; ) {
          const page = await json("GET", `/admin/${list}?limit=1${after}`)
          found.push(...page[list].map((row: Record<string, string>) => row.id ?? row.client_id))
          if (page.next === undefined) break
          after = `&after=${encodeURIComponent(page.next)}`
        }
        expect(found, list).toEqual(ids)
        expect(await outcome(call("GET", `/admin/${list}?after=x`))).toBe("400 invalid_request")
        expect(await outcome(call("GET", `/admin/${list}?limit=501`))).toBe("400 invalid_request")
      }
    },
    withApi
  )

  test(
    "the admin API shows the end of a pause of logins and ends the pause, which is an event",
    async (server) => {
      const { call, json } = await admin(server)
      const [ada] = (await json("GET", "/admin/users")).users
      expect(ada).not.toHaveProperty("paused_until")
      await server.advance("1 minute")
      await server.addAccount("bob")
      for (let i = 0; i < untilPause; i++) expect(headingOf(await attempt(server, "ada"))).toBe(failed)
      const paused_until = "2026-06-01T00:01:01.000Z"
      const [paused, bob] = (await json("GET", "/admin/users")).users
      expect(paused).toEqual({ ...ada, paused_until })
      expect(bob).not.toHaveProperty("paused_until")
      expect((await json("GET", "/admin/users?username=ada")).users).toEqual([paused])
      expect(await json("GET", `/admin/users/${ada.id}`)).toEqual(paused)

      expect((await call("POST", `/admin/users/${ada.id}/unlock`)).status).toBe(204)
      expect(await json("GET", `/admin/users/${ada.id}`)).toEqual(ada)
      expect(headingOf(await attempt(server, "ada", password))).toBe(loggedIn)
      expect(await keptOf(server, "AccountChanged")).toEqual([
        { _tag: "AccountChanged", subject: ada.id, change: "Unlocked" }
      ])
      expect(await outcome(call("POST", "/admin/users/nobody/unlock"))).toMatch(/^40[04] /)
      await call("DELETE", `/admin/users/${ada.id}`)
      expect(await outcome(call("POST", `/admin/users/${ada.id}/unlock`))).toBe("404 not_found")
    },
    withApi
  )

  test(
    "the admin API does not show a pause that has ended",
    async (server) => {
      const { json } = await admin(server)
      for (let i = 0; i < untilPause; i++) await attempt(server, "ada")
      await server.advance("1 second")
      const [ada] = (await json("GET", "/admin/users")).users
      expect(ada).not.toHaveProperty("paused_until")
      expect(await json("GET", `/admin/users/${ada.id}`)).toEqual(ada)
      expect((await json("GET", "/admin/users?username=ada")).users).toEqual([ada])
    },
    withApi
  )

  const rangesRead: Array<string> = []
  test(
    "showing one user does not read the pauses of all users",
    async (server) => {
      const { json } = await admin(server)
      const [{ id }] = (await json("GET", "/admin/users")).users
      expect(rangesRead.splice(0)).toEqual(["paused"])
      expect(await json("GET", `/admin/users/${id}`)).toMatchObject({ username: "ada" })
      expect((await json("GET", "/admin/users?username=ada")).users).toHaveLength(1)
      expect(rangesRead).toEqual([])
    },
    {
      ...withApi,
      storage: Storage.changed(
        Storage.around(LoginCounters, ["paused"], (name, answer) =>
          Effect.zipRight(
            Effect.sync(() => rangesRead.push(name)),
            answer
          )
        )
      )
    }
  )

  test(
    "creating a user whose name is taken is a conflict",
    async (server) => {
      const { call } = await admin(server)
      expect(await outcome(call("POST", "/admin/users", { username: "ADA", password: "a long password" }))).toBe(
        "409 conflict"
      )
    },
    withApi
  )

  test(
    "the admin API refuses invisible characters in the names of users and clients",
    async (server) => {
      const { call } = await admin(server)
      for (const hidden of ["\u034f", "\u115f", "\u2800", "\ufe0f", "\ue000", "\u0378"]) {
        const user = { username: `gra${hidden}ce`, password: "a long password" }
        expect(await outcome(call("POST", "/admin/users", user))).toBe("400 invalid_request")
        const client = { client_name: `No${hidden}tes`, redirect_uris: ["https://client.example/cb"] }
        const answer = await call("POST", "/admin/clients", client)
        expect(answer.status).toBe(400)
        expect(await answer.text()).toContain("client_name holds U+")
      }
    },
    withApi
  )

  test(
    "the error of a malformed user names the member and repeats nothing that was sent",
    async (server) => {
      const { call } = await admin(server)
      const answer = await call("POST", "/admin/users", { username: "grace", password: "s3cret" })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({
        error: "invalid_request",
        error_description: "password is missing or malformed"
      })
    },
    withApi
  )

  test(
    "the admin API refuses well-known passwords for new and existing users",
    async (server) => {
      const { call, json } = await admin(server)
      for (const password of ["password", "Password1", "QWERTYUIOP", "123456789987654321"]) {
        const answer = await call("POST", "/admin/users", { username: "grace", password })
        expect([answer.status, await answer.json()]).toEqual([
          400,
          { error: "invalid_request", error_description: expect.stringContaining("list of well-known passwords") }
        ])
      }
      const [{ id }] = (await json("GET", "/admin/users")).users
      expect(await outcome(call("PUT", `/admin/users/${id}/password`, { password: "letmein123" }))).toBe(
        "400 invalid_request"
      )
    },
    withApi
  )

  test(
    "a new password revokes what was issued under the old one",
    async (server) => {
      const { call, json } = await admin(server)
      const { access_token } = await server.tokens(await server.register())
      expect((await server.call(access_token)).status).toBe(200)
      const [{ id }] = (await json("GET", "/admin/users")).users
      await call("PUT", `/admin/users/${id}/password`, { password: "another password" })
      expect((await server.call(access_token)).status).toBe(401)
    },
    withApi
  )
})

describe("clients", () => {
  test(
    "the admin API creates, disables, enables and deletes clients, and shows a secret once",
    async (server) => {
      const { call, json } = await admin(server)
      const made = await call("POST", "/admin/clients", { grant_types: ["client_credentials"], scope: "notes:read" })
      expect(made.status).toBe(201)
      expect(made.headers.get("cache-control")).toBe("no-store")
      const client = (await made.json()) as Server.Client
      expect(client).toMatchObject({
        client_secret: expect.stringMatching(/^lk_cs_/),
        state: "Enabled",
        scope: "notes:read"
      })
      const path = `/admin/clients/${client.client_id}`
      expect(await json("GET", path)).not.toHaveProperty("client_secret")
      expect((await json("GET", "/admin/clients")).clients).toHaveLength(2)
      const ask = (secret = client.client_secret) =>
        outcome(server.token({ ...client, client_secret: secret }, { grant_type: "client_credentials" }))
      expect(await ask()).toBe("200")
      await call("POST", `${path}/disable`)
      expect(await ask()).toBe("401 invalid_client")
      await call("POST", `${path}/enable`)
      const { client_secret } = await json("POST", `${path}/secret`)
      expect(await ask()).toBe("401 invalid_client")
      expect(await ask(client_secret)).toBe("200")
      expect((await call("DELETE", path)).status).toBe(204)
      expect(await outcome(call("GET", path))).toBe("404 not_found")
    },
    withApi
  )

  test(
    "rotating the secret of a public client is a conflict",
    async (server) => {
      const { call } = await admin(server)
      const { client_id } = await server.register()
      expect(await outcome(call("POST", `/admin/clients/${client_id}/secret`))).toBe("409 conflict")
    },
    withApi
  )

  test(
    "the admin API creates a client that signs, which has keys and no secret, and replaces its keys",
    async (server) => {
      const { call, json } = await admin(server)
      const [key, next] = [makeKey("ES256"), makeKey("RS256")]
      const created = await json("POST", "/admin/clients", {
        grant_types: ["client_credentials"],
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [key.jwk] }
      })
      expect(created).toMatchObject({ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key.jwk] } })
      expect(created).not.toHaveProperty("client_secret")
      const path = `/admin/clients/${created.client_id}`
      const refused = await call("POST", `${path}/secret`)
      expect(refused.status).toBe(409)
      expect(await refused.text()).toContain("authenticates by private_key_jwt")
      expect(await json("PATCH", path, { jwks: { keys: [next.jwk] } })).toMatchObject({ jwks: { keys: [next.jwk] } })
      const remote = await json("PATCH", path, { jwks_uri: "https://keys.example.com/jwks" })
      expect(remote).toMatchObject({ jwks_uri: "https://keys.example.com/jwks" })
      expect(remote).not.toHaveProperty("jwks")
      const leaked = { jwks: { keys: [key.privateKey.export({ format: "jwk" })] } }
      expect(await outcome(call("PATCH", path, leaked))).toBe("400 invalid_client_metadata")
      expect(await json("PATCH", path, { token_endpoint_auth_method: "client_secret_basic" })).toMatchObject({
        client_secret: expect.stringMatching(/^lk_cs_/)
      })
    },
    withApi
  )

  test(
    "a client with a bad redirect URI is refused with invalid_redirect_uri",
    async (server) => {
      const { call } = await admin(server)
      expect(await outcome(call("POST", "/admin/clients", { redirect_uris: ["http://evil.example/"] }))).toBe(
        "400 invalid_redirect_uri"
      )
    },
    withApi
  )
})

describe("initial access tokens", () => {
  test(
    "the admin API creates a token that registers clients, lists it without the secret, and revokes it",
    async (server) => {
      const { call, json } = await admin(server)
      const path = "/admin/initial-access-tokens"
      const made = await call("POST", path, { label: "Partner", expires_in: 3_600, max_uses: 2 })
      expect(made.status).toBe(201)
      const { id, initial_access_token } = (await made.json()) as Readonly<Record<string, string>>
      expect(initial_access_token).toMatch(/^lk_ia_[A-Za-z0-9_-]{43}$/)
      const register = () =>
        server.send("/register", {
          method: "POST",
          body: JSON.stringify({ redirect_uris: [Server.redirectUri] }),
          headers: { "content-type": "application/json", authorization: `Bearer ${initial_access_token}` }
        })
      expect((await register()).status).toBe(201)
      expect((await json("GET", path)).initial_access_tokens).toEqual([
        {
          id,
          label: "Partner",
          created_at: expect.any(String),
          expires_at: expect.any(String),
          max_uses: 2,
          uses: 1,
          used_at: expect.any(String)
        }
      ])
      expect((await call("DELETE", `${path}/${id}`)).status).toBe(204)
      expect((await register()).status).toBe(401)
      expect(await outcome(call("DELETE", `${path}/${id}`))).toBe("404 not_found")
      const events = await json("GET", "/admin/events?limit=500")
      expect(events.events).toContainEqual(
        expect.objectContaining({
          event: "InitialAccessTokenChanged",
          initial_access_token_id: id,
          change: "Revoked",
          actor: expect.objectContaining({ type: "Program" })
        })
      )
    },
    { api: true, settings: { registration: "Token" } }
  )

  test(
    "a token with a bad lifetime, number of uses or label is refused",
    async (server) => {
      const { call } = await admin(server)
      for (const body of [{ expires_in: 0 }, { expires_in: 1.5 }, { max_uses: 0 }, { max_uses: "1" }, { label: "" }]) {
        expect(await outcome(call("POST", "/admin/initial-access-tokens", body))).toBe("400 invalid_request")
      }
    },
    withApi
  )
})

describe("resources", () => {
  const mail = { uri: "https://mail.example/", scopes: { "mail:read": "Read your mail" }, introspects: true }

  test(
    "the admin API creates a resource with its introspection secret, lists it and deletes it",
    async (server) => {
      const { call, json } = await admin(server)
      const made = await call("POST", "/admin/resources", mail)
      expect(made.status).toBe(201)
      expect(await made.json()).toMatchObject({ introspection_secret: expect.stringMatching(/^lk_rs_/) })
      expect((await json("GET", "/admin/resources")).resources).toEqual([
        { uri: mail.uri, scopes: mail.scopes, introspection_id: expect.any(String) }
      ])
      const path = `/admin/resources?uri=${encodeURIComponent(mail.uri)}`
      expect((await call("DELETE", path)).status).toBe(204)
      expect(await outcome(call("DELETE", path))).toBe("404 not_found")
    },
    withApi
  )

  for (const [what, changed] of [
    ["a URI of the settings", { uri: Server.resource }],
    ["the API's own URI", { uri: api }],
    ["the API's own scope", { scopes: { "latchkey:admin": "Run it" } }]
  ] as const) {
    test(
      `creating a resource of ${what} is a conflict`,
      async (server) => {
        const { call } = await admin(server)
        expect(await outcome(call("POST", "/admin/resources", { ...mail, ...changed }))).toBe("409 conflict")
      },
      withApi
    )
  }
})

describe("grants", () => {
  test(
    "the admin API lists grants page by page, shows their history and revokes them",
    async (server) => {
      const { call, json } = await admin(server)
      const client = await server.register()
      const first = await server.tokens(client)
      await server.advance("1 milli")
      await server.tokens(client)
      const page = await json("GET", "/admin/grants?limit=1")
      expect(page.grants).toMatchObject([{ username: "ada", client_id: client.client_id, state: "Active" }])
      const rest = await json("GET", `/admin/grants?limit=1&after=${page.next}`)
      expect(rest.grants).toHaveLength(1)
      expect(rest.grants[0].id).not.toBe(page.grants[0].id)
      const path = `/admin/grants/${page.grants[0].id}`
      expect(await json("POST", `${path}/revoke`)).toEqual({ revoked: 1 })
      expect(await json("POST", `${path}/revoke`)).toEqual({ revoked: 0 })
      expect((await server.call(first.access_token)).status).toBe(401)
      const shown = await json("GET", path)
      expect(shown).toMatchObject({ state: "Revoked", reason: "OperatorRevoked" })
      expect(shown.story.map(({ event }: { event: string }) => event)).toEqual(["Allowed", "Redeemed", "Revoked"])
      expect(await json("POST", "/admin/grants/revoke", { client: client.client_id })).toEqual({ revoked: 1 })
      expect(await outcome(call("POST", "/admin/grants/revoke", {}))).toBe("400 invalid_request")
    },
    withApi
  )
})

describe("events and keys", () => {
  test(
    "the admin API lists events and keys without secrets, from an id on",
    async (server) => {
      const { json } = await admin(server)
      await server.tokens(await server.register())
      await server.advance("1 second")
      const { events } = await json("GET", "/admin/events")
      expect(events.map(({ event }: { event: string }) => event)).toContain("Redeemed")
      expect((await json("GET", `/admin/events?after=${events.at(-2).id}`)).events).toEqual([events.at(-1)])
      expect((await json("GET", "/admin/events?limit=2")).events).toEqual(events.slice(0, 2))
      expect((await json("GET", "/admin/keys")).keys).toEqual([
        { id: expect.any(String), state: "Current", created_at: expect.any(String) }
      ])
    },
    withApi
  )
})

describe("the door", () => {
  test(
    "the admin API answers a request without a token with a challenge",
    async (server) => {
      const answer = await server.send(`${api}/admin/users`)
      expect(answer.status).toBe(401)
      expect(answer.headers.get("www-authenticate")).toContain('scope="latchkey:admin"')
      expect(answer.headers.get("www-authenticate")).toContain(`${issuer}/.well-known/oauth-protected-resource/api`)
      expect(answer.headers.get("access-control-allow-origin")).toBeNull()
    },
    withApi
  )

  test(
    "the admin API refuses a user's token of any scope",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), {
        resource: api,
        scope: "latchkey:account"
      })
      const answer = await server.send(`${api}/admin/users`, { headers: { authorization: `Bearer ${access_token}` } })
      expect(await outcome(answer)).toBe("403 insufficient_scope")
    },
    withApi
  )

  test(
    "the admin API refuses a client's token without its scope",
    async (server) => {
      const client = await server.addClient({ scope: "latchkey:account" })
      const { access_token } = await Server.tokensOf(
        server.token(client, { grant_type: "client_credentials", resource: api })
      )
      const answer = await server.send(`${api}/admin/users`, { headers: { authorization: `Bearer ${access_token}` } })
      expect(await outcome(answer)).toBe("403 insufficient_scope")
    },
    withApi
  )

  test(
    "the admin API refuses a form, malformed JSON, and a body over 64 KiB",
    async (server) => {
      const { call, client } = await admin(server)
      expect(await outcome(call("POST", "/admin/users", { username: "x".repeat(70_000) }))).toBe("413 invalid_request")
      const { access_token } = await Server.tokensOf(
        server.token(client, { grant_type: "client_credentials", scope: "latchkey:admin" })
      )
      const send = (type: string, body: string) =>
        outcome(
          server.send(`${api}/admin/users`, {
            method: "POST",
            body,
            headers: { authorization: `Bearer ${access_token}`, "content-type": type }
          })
        )
      expect(await send("application/json", "{")).toBe("400 invalid_request")
      expect(await send("application/x-www-form-urlencoded", "username=grace&password=12345678")).toBe(
        "400 invalid_request"
      )
      expect(await send("application/json", '{"username":"a","username":"b","password":"12345678"}')).toBe(
        "400 invalid_request"
      )
    },
    withApi
  )

  test(
    "the admin API answers other methods with 405 and Allow",
    async (server) => {
      const { call } = await admin(server)
      const answer = await call("PATCH", "/admin/users")
      expect(answer.status).toBe(405)
      expect(answer.headers.get("allow")).toBe("GET, HEAD, POST")
    },
    withApi
  )
})

describe("the resource", () => {
  test(
    "only the API's own metadata names the API",
    async (server) => {
      const text = await (await server.send(`${issuer}/.well-known/oauth-authorization-server`)).text()
      expect(text).not.toContain("latchkey:")
      const root = (await (await server.send(`${issuer}/.well-known/oauth-protected-resource`)).json()) as {
        resource: string
      }
      expect(root.resource).toBe(Server.resource)
      const own = (await (await server.send(`${issuer}/.well-known/oauth-protected-resource/api`)).json()) as {
        resource: string
      }
      expect(own).toMatchObject({ resource: api, scopes_supported: ["latchkey:account", "latchkey:admin"] })
    },
    withApi
  )

  test(
    "a token is for the API only if the client requests it by name",
    async (server) => {
      const person = await server.tokens(await server.register(), { resource: undefined, scope: undefined })
      expect(person.scope).toBe("notes:read notes:write")
      const client = await server.addClient({ scope: "notes:read latchkey:admin" })
      const { scope } = await Server.tokensOf(server.token(client, { grant_type: "client_credentials" }))
      expect(scope).toBe("notes:read")
    },
    withApi
  )

  test(
    "no token is for the API and another resource, which could then use it here",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read latchkey:admin" })
      const ask = (parameters: Server.Parameters) =>
        outcome(server.token(client, { grant_type: "client_credentials", ...parameters }))
      expect(await ask({ resource: [api, Server.resource] })).toBe("400 invalid_target")
      expect(await ask({ scope: "notes:read latchkey:admin" })).toBe("400 invalid_target")
      const { page } = await server.toConsent(await server.register(), {
        resource: [api, Server.resource],
        scope: undefined
      })
      expect(page.html).toContain("error=invalid_target")
    },
    withApi
  )

  test(
    "the API does not offer latchkey:admin to a user",
    async (server) => {
      const { page } = await server.toConsent(await server.register(), { resource: api, scope: "latchkey:admin" })
      expect(page.html).toContain("error=invalid_scope")
      const all = await server.tokens(await server.register(), { resource: api, scope: undefined })
      expect(all.scope).toBe("latchkey:account")
    },
    withApi
  )

  test("the resource of the API does not exist if the API is not served", async (server) => {
    const client = await server.addClient({ scope: "latchkey:admin" })
    expect(await outcome(server.token(client, { grant_type: "client_credentials", resource: api }))).toBe(
      "400 invalid_target"
    )
  })
})
