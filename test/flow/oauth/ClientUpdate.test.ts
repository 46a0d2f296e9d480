/** The operator updates a client: the named members change, and no token gives more than the client may have then. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ClientId } from "../../../src/domain/Client.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { AccessTokens } from "../../../src/services/tokens/AccessTokens.js"
import type * as Server from "../support/Server.js"
import { issuer, outcome, redirectUri, type TestServer, test, tokensOf } from "../support/Server.js"

const idOf = (client: Server.Client) => ClientId.make(client.client_id)

const update = (server: TestServer, client: Server.Client, changes: unknown) =>
  server.run(
    Effect.flatMap(ClientRegistration, (registration) => Effect.either(registration.update(idOf(client), changes)))
  )

/** The error of a refused update. */
const refusal = async (server: TestServer, client: Server.Client, changes: unknown) => {
  const answer = await update(server, client, changes)
  return answer._tag === "Left" ? `${answer.left._tag} ${answer.left.reason}: ${answer.left.description}` : "changed"
}

const stored = (server: TestServer, client: Server.Client) =>
  server.run(Effect.flatMap(ClientStore, (clients) => Effect.map(clients.find(idOf(client)), Option.getOrThrow)))

const forPeople = {
  grant_types: ["authorization_code", "refresh_token"],
  redirect_uris: [redirectUri],
  client_name: "Reports",
  token_endpoint_auth_method: "client_secret_basic"
}

const changesOf = async (server: TestServer) => {
  await server.advance("1 second")
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
  return events.flatMap(({ kind }) => (kind._tag === "ClientChanged" ? [kind.change] : []))
}

describe("a change", () => {
  test("an update replaces the named members, removes those that are null, and keeps the others", async (server) => {
    const client = await server.addClient({ ...forPeople, client_uri: "https://reports.example/" })
    const before = await stored(server, client)
    await update(server, client, {
      client_name: "Reporting",
      redirect_uris: ["https://reports.example/a", "https://reports.example/b"],
      client_uri: null,
      scope: "notes:read"
    })
    const { client_uri: _, ...metadata } = before.metadata
    expect(await stored(server, client)).toEqual({
      ...before,
      metadata: {
        ...metadata,
        client_name: "Reporting",
        redirect_uris: ["https://reports.example/a", "https://reports.example/b"],
        scope: new Set(["notes:read"])
      }
    })
  })

  test("an update of the grant types changes the response types with them (RFC 7591 §2.1)", async (server) => {
    const client = await server.addClient(forPeople)
    await update(server, client, { grant_types: ["client_credentials"] })
    expect((await stored(server, client)).metadata).toMatchObject({ response_types: [] })
    expect(await outcome(server.token(client, { grant_type: "client_credentials" }))).toBe("200")
    await update(server, client, { grant_types: ["authorization_code"] })
    expect((await stored(server, client)).metadata).toMatchObject({ response_types: ["code"] })
    expect(await outcome(server.token(client, { grant_type: "client_credentials" }))).toBe("400 unauthorized_client")
  })

  test("an update publishes one event; one that changes nothing publishes none", async (server) => {
    const client = await server.addClient(forPeople)
    await update(server, client, { client_name: "Reports" })
    await update(server, client, {})
    expect(await changesOf(server)).toEqual([])
    await update(server, client, { client_name: "Reporting" })
    expect(await changesOf(server)).toEqual(["Updated"])
  })

  test("concurrent updates of different members are all stored", async (server) => {
    const client = await server.addClient(forPeople)
    const changes = [{ client_name: "Reporting" }, { scope: "notes:read" }, { client_uri: "https://reports.example/" }]
    await Promise.all(changes.map((change) => update(server, client, change)))
    expect((await stored(server, client)).metadata).toMatchObject({
      client_name: "Reporting",
      scope: new Set(["notes:read"]),
      client_uri: "https://reports.example/"
    })
  })
})

describe("a change is refused", () => {
  const malformed: ReadonlyArray<readonly [unknown, string]> = [
    [{ redirect_uris: ["http://reports.example/"] }, "InvalidRedirectUri NotAllowed"],
    [{ redirect_uris: null }, "InvalidRedirectUri Missing"],
    [{ redirect_uris: [redirectUri, "http://reports.example/"] }, "InvalidRedirectUri NotAllowed"],
    [{ client_name: "Re\u200bports" }, "InvalidClientMetadata UnreadableName"],
    [{ grant_types: ["implicit"] }, "InvalidClientMetadata Unsupported"],
    [{ token_endpoint_auth_method: "private_key_jwt" }, "InvalidClientMetadata UnusableKeys"],
    [{ scope: 'a"b' }, "InvalidClientMetadata MalformedMember"],
    [{ scope: "notes:raed" }, "InvalidClientMetadata MisspeltScope"],
    [[], "InvalidClientMetadata NotAnObject"],
    [null, "InvalidClientMetadata NotAnObject"]
  ]
  for (const [changes, expected] of malformed) {
    test(`the update ${JSON.stringify(changes)} is refused, and the client stays unchanged`, async (server) => {
      const client = await server.addClient(forPeople)
      const before = await stored(server, client)
      expect(await refusal(server, client, changes)).toContain(expected)
      expect(await stored(server, client)).toEqual(before)
    })
  }

  test("an update of a self-registered or unknown client is refused", async (server) => {
    const itself = await server.register()
    expect(await refusal(server, itself, { client_name: "x" })).toContain("Conflict SelfRegistered")
    expect(await refusal(server, { client_id: "nobody" }, { client_name: "x" })).toContain("NotFound")
  })
})

describe("a scope that is taken from a client", () => {
  test("a removed scope is in none of the client's own tokens, at once", async (server) => {
    const client = await server.addClient()
    const { access_token } = await tokensOf(server.token(client, { grant_type: "client_credentials" }))
    await update(server, client, { scope: "notes:write" })
    const introspected = await server.run(
      Effect.flatMap(AccessTokens, (tokens) => tokens.verifyAll(Redacted.make(access_token)))
    )
    expect(Array.from(introspected.access.scope)).toEqual(["notes:write"])
    expect(await outcome(server.token(client, { grant_type: "client_credentials", scope: "notes:read" }))).toBe(
      "400 invalid_scope"
    )
  })

  test("a removed scope is in no token of a refresh, and the grant stays", async (server) => {
    const client = await server.addClient(forPeople)
    const first = await server.tokens(client)
    expect(first.scope).toBe("notes:read notes:write")
    await update(server, client, { scope: "notes:read" })
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    expect(second.scope).toBe("notes:read")
    expect(await (await server.call(second.access_token)).json()).toMatchObject({ scope: "notes:read" })
    const named = await tokensOf(server.refresh(client, second.refresh_token, { scope: "notes:read notes:write" }))
    expect(named.scope).toBe("notes:read")
    // The user had allowed the scope that the client gets back.
    await update(server, client, { scope: "notes:read notes:write" })
    expect((await tokensOf(server.refresh(client, named.refresh_token))).scope).toBe("notes:read notes:write")
  })

  test("a removed scope is in no token of a code that was issued before", async (server) => {
    const client = await server.addClient(forPeople)
    const code = await server.code(client)
    await update(server, client, { scope: "notes:read" })
    expect((await tokensOf(server.redeem(client, code))).scope).toBe("notes:read")
  })

  test("a refresh without a remaining scope fails, and does not spend the refresh token", async (server) => {
    const client = await server.addClient(forPeople)
    const tokens = await server.tokens(client, { scope: "notes:write" })
    await update(server, client, { scope: "notes:read" })
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    await update(server, client, { scope: "notes:write" })
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
  })

  test("a scope that the client gets later is not added to a grant", async (server) => {
    const client = await server.addClient({ ...forPeople, scope: "notes:read" })
    const tokens = await server.tokens(client, { scope: "notes:read" })
    await update(server, client, { scope: "notes:read notes:write" })
    expect((await tokensOf(server.refresh(client, tokens.refresh_token))).scope).toBe("notes:read")
  })
})

describe("a client that", () => {
  test("a client that becomes confidential gets a secret, and loses everything issued to it", async (server) => {
    const client = await server.addClient({ ...forPeople, token_endpoint_auth_method: "none" })
    const tokens = await server.tokens(client)
    const answer = await update(server, client, { token_endpoint_auth_method: "client_secret_post" })
    const secret = answer._tag === "Right" ? Redacted.value(Option.getOrThrow(answer.right.secret)) : ""
    expect(secret).toMatch(/^lk_cs_/)
    const confidential = { ...client, token_endpoint_auth_method: "client_secret_post", client_secret: secret }
    expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("401 invalid_client")
    expect(await outcome(server.refresh(confidential, tokens.refresh_token))).toBe("400 invalid_grant")
    expect((await server.tokens(confidential)).scope).toBe("notes:read notes:write")
    expect(await changesOf(server)).toEqual(["Updated"])
  })

  test("a client that becomes public has no secret, and loses everything issued to it", async (server) => {
    const client = await server.addClient(forPeople)
    const tokens = await server.tokens(client)
    await update(server, client, { token_endpoint_auth_method: "none" })
    expect((await stored(server, client)).secret).toEqual(Option.none())
    const open = { client_id: client.client_id, token_endpoint_auth_method: "none" }
    expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
    expect(await outcome(server.refresh(open, tokens.refresh_token))).toBe("400 invalid_grant")
    expect((await server.tokens(open)).scope).toBe("notes:read notes:write")
  })

  test("a client with another way to send its secret keeps the secret and its tokens", async (server) => {
    const client = await server.addClient(forPeople)
    const tokens = await server.tokens(client)
    await update(server, client, { token_endpoint_auth_method: "client_secret_post" })
    const moved = { ...client, token_endpoint_auth_method: "client_secret_post" }
    expect(await outcome(server.refresh(moved, tokens.refresh_token))).toBe("200")
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
  })

  test("a removed redirect URI gets no redirect", async (server) => {
    const client = await server.addClient(forPeople)
    await update(server, client, { redirect_uris: ["https://elsewhere.example/callback"] })
    const page = await server.browser().open((await server.request(client)).url)
    expect(page.status).toBe(400)
    expect(page.url.startsWith(issuer)).toBe(true)
  })

  test("a client without the refresh_token grant type cannot refresh", async (server) => {
    const client = await server.addClient(forPeople)
    const tokens = await server.tokens(client)
    await update(server, client, { grant_types: ["authorization_code"] })
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 unauthorized_client")
  })
})

describe("the admin API", () => {
  test(
    "the admin API updates a client by PATCH, and gives the reason of a refusal",
    async (server) => {
      const admin = await server.addClient({ scope: "latchkey:admin" })
      const { access_token } = await tokensOf(
        server.token(admin, { grant_type: "client_credentials", scope: "latchkey:admin" })
      )
      const patch = (client: Server.Client, body: unknown) =>
        server.send(`${issuer}/api/admin/clients/${client.client_id}`, {
          method: "PATCH",
          headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
          body: JSON.stringify(body)
        })
      const client = await server.addClient({ ...forPeople, token_endpoint_auth_method: "none" })
      const answer = await patch(client, { client_name: null, scope: "notes:read", client_uri: "https://a.example/" })
      expect(answer.status).toBe(200)
      const changed = await answer.json()
      expect(changed).toMatchObject({
        scope: "notes:read",
        client_uri: "https://a.example/",
        redirect_uris: [redirectUri]
      })
      expect(changed).not.toHaveProperty("client_name")
      expect(changed).not.toHaveProperty("client_secret")
      expect(await (await patch(client, { token_endpoint_auth_method: "client_secret_basic" })).json()).toMatchObject({
        client_secret: expect.stringMatching(/^lk_cs_/)
      })
      expect(await outcome(patch(client, { redirect_uris: ["http://a.example/"] }))).toBe("400 invalid_redirect_uri")
      const misspelt = await patch(client, { scope: "notes:raed" })
      expect(await misspelt.json()).toEqual({
        error: "invalid_client_metadata",
        error_description:
          "no resource offers the scope notes:raed (did you mean notes:read?); if it is right, make its resource first"
      })
      expect(await outcome(patch(await server.register(), { client_name: "x" }))).toBe("409 conflict")
      expect(await outcome(patch({ client_id: "nobody" }, { client_name: "x" }))).toBe("404 not_found")
    },
    { api: true }
  )
})
