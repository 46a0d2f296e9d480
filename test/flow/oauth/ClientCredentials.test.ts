/** The client credentials grant: a confidential client of the operator gets a token for itself, valid where a guard allows clients. */
import { describe, expect } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { type Client, ClientId } from "../../../src/domain/Client.js"
import * as Scope from "../../../src/domain/Scope.js"
import { digest } from "../../../src/services/keys/Crypto.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import * as Server from "../support/Server.js"
import { files, guarded, issuer, notes, outcome, resource, type TestServer, test } from "../support/Server.js"

const grant_type = "client_credentials"
const forClients = `${issuer}/files`

/** The notes are for users, as by default; the files are for clients, too. */
const twoGuards: Server.Options = {
  settings: { resources: [notes, files] },
  routes: Layer.merge(
    guarded("/notes", { resource, scopes: ["notes:read"] }),
    guarded("/files", { resource: forClients, scopes: ["files:read"], principals: ["User", "Client"] })
  )
}

const ask = (server: TestServer, client: Server.Client, parameters: Server.Parameters = {}) =>
  server.token(client, { grant_type, ...parameters })

const tokenOf = async (server: TestServer, client: Server.Client, parameters: Server.Parameters = {}) =>
  Server.tokensOf(ask(server, client, parameters))

const setState = (server: TestServer, { client_id }: Server.Client, state: Client["state"]) =>
  server.run(Effect.flatMap(ClientStore, (clients) => clients.setState(ClientId.make(client_id), state)))

describe("the answer", () => {
  for (const method of ["client_secret_basic", "client_secret_post"]) {
    test(`the response to a client with ${method} has an access token and no refresh token (RFC 6749 §4.4.3)`, async (server) => {
      const client = await server.addClient({ token_endpoint_auth_method: method })
      const answer = await ask(server, client)
      expect(answer.status).toBe(200)
      expect(answer.headers.get("cache-control")).toBe("no-store")
      expect(await answer.json()).toEqual({
        access_token: expect.stringMatching(/^lk_at_[A-Za-z0-9_-]+$/),
        token_type: "Bearer",
        expires_in: 600,
        scope: "notes:read notes:write"
      })
    })
  }

  test("the response has no refresh token for a client that registered refresh_token, either (RFC 6749 §4.4.3)", async (server) => {
    const client = await server.addClient({ grant_types: [grant_type, "refresh_token"] })
    expect(await tokenOf(server, client)).not.toHaveProperty("refresh_token")
  })
})

describe("the scope", () => {
  test("a request without scope gets the whole registered scope (RFC 6749 §3.3)", async (server) => {
    const client = await server.addClient({ scope: "notes:write" })
    expect(await tokenOf(server, client)).toMatchObject({ scope: "notes:write" })
  })

  test("a client can request a part of its registered scope (RFC 6749 §3.3)", async (server) => {
    const client = await server.addClient()
    expect(await tokenOf(server, client, { scope: "notes:write" })).toMatchObject({ scope: "notes:write" })
  })

  test("a scope that the client did not register is an invalid_scope (RFC 6749 §5.2)", async (server) => {
    const client = await server.addClient({ scope: "notes:read" })
    for (const scope of ["notes:write", "notes:read notes:write", "admin", "NOTES:READ", "é", " notes:read"]) {
      expect(await outcome(ask(server, client, { scope })), scope).toBe("400 invalid_scope")
    }
  })

  test("a client without a registered scope gets no token (RFC 6749 §3.3)", async (server) => {
    for (const scope of [undefined, "elsewhere"]) {
      const client = await server.addClient({ scope })
      for (const parameters of [{}, { resource }, { scope: "notes:read" }, { scope: "notes:read", resource }]) {
        const answer = ask(server, client, parameters)
        expect(await outcome(answer), JSON.stringify({ registered: scope, ...parameters })).toBe("400 invalid_scope")
      }
    }
  })

  test(
    "the scope of a token is limited to the named resources (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      expect(await tokenOf(server, client)).toMatchObject({ scope: "notes:read files:read" })
      expect(await tokenOf(server, client, { resource: forClients })).toMatchObject({ scope: "files:read" })
      const elsewhere = ask(server, client, { resource: forClients, scope: "notes:read" })
      expect(await outcome(elsewhere)).toBe("400 invalid_scope")
    },
    twoGuards
  )
})

describe("the resource", () => {
  test("an unknown resource is an invalid_target (RFC 8707 §2)", async (server) => {
    const client = await server.addClient()
    for (const unknown of [`${resource}/x`, "https://other.example/", "notes", `${resource}#x`, [resource, "x"]]) {
      expect(await outcome(ask(server, client, { resource: unknown })), String(unknown)).toBe("400 invalid_target")
    }
    expect(await outcome(ask(server, client, { resource: [resource, resource] }))).toBe("200")
  })

  test(
    "a token is valid only at the named resource (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      const { access_token } = await tokenOf(server, client, { resource })
      expect(await outcome(server.call(access_token, forClients))).toBe("401 invalid_token")
    },
    twoGuards
  )
})

describe("the client", () => {
  test("a public client is an unauthorized_client (RFC 6749 §4.4)", async (server) => {
    const client = await server.addClient({ token_endpoint_auth_method: "none" })
    expect(await outcome(ask(server, client))).toBe("400 unauthorized_client")
  })

  test("a self-registered client is an unauthorized_client (RFC 6749 §5.2)", async (server) => {
    for (const token_endpoint_auth_method of ["none", "client_secret_basic"]) {
      const grant_types = ["authorization_code", grant_type]
      const client = await server.register({ token_endpoint_auth_method, grant_types, scope: "notes:read" })
      expect(await outcome(ask(server, client))).toBe("400 unauthorized_client")
    }
  })

  test("a self-registered client is an unauthorized_client even if its row has the grant type", async (server) => {
    await insert(server, { origin: "Dynamic" })
    expect(await outcome(server.token(kept, { grant_type }))).toBe("400 unauthorized_client")
  })

  test("a client that did not register client_credentials is an unauthorized_client (RFC 6749 §5.2)", async (server) => {
    const client = await server.addClient({ grant_types: ["refresh_token"] })
    expect(await outcome(ask(server, client))).toBe("400 unauthorized_client")
  })

  test("the client is authenticated before the rest of the request is checked (RFC 6749 §4.4.2)", async (server) => {
    const client = await server.addClient()
    for (const parameters of [{}, { scope: "admin" }, { resource: "x" }]) {
      const wrong = { ...client, client_secret: "wrong" }
      expect(await outcome(ask(server, wrong, parameters))).toBe("401 invalid_client")
      expect(await outcome(server.post("/token", { grant_type, ...parameters }))).toBe("401 invalid_client")
    }
  })
})

const kept: Server.Client = {
  client_id: "kept",
  client_secret: "secret",
  token_endpoint_auth_method: "client_secret_basic"
}

/** Stores a client that no registration could create. */
const insert = (server: TestServer, changes: Partial<Client>) =>
  server.run(
    Effect.flatMap(ClientStore, (clients) =>
      clients.insert({
        id: ClientId.make("kept"),
        issuedAt: DateTime.unsafeMake(Server.start),
        origin: "Operator",
        approval: Option.none(),
        state: "Enabled",
        usedAt: Option.none(),
        metadata: {
          redirect_uris: [],
          token_endpoint_auth_method: "client_secret_basic",
          grant_types: [grant_type],
          response_types: [],
          scope: Scope.make("notes:read")
        },
        secret: Option.some({ digest: digest(Redacted.make("secret")), expiresAt: Option.none() }),
        epoch: 1,
        registrationDigest: Option.none(),
        ...changes
      })
    )
  )

describe("the secret", () => {
  test("a client secret is valid until its expiry, to the millisecond (RFC 7591 §3.2.1)", async (server) => {
    const expiresAt = Option.some(DateTime.add(DateTime.unsafeMake(Server.start), { minutes: 1 }))
    await insert(server, { secret: Option.some({ digest: digest(Redacted.make("secret")), expiresAt }) })
    await server.advance(59_999)
    expect(await outcome(ask(server, kept))).toBe("200")
    await server.advance(1)
    expect(await outcome(ask(server, kept))).toBe("401 invalid_client")
  })

  test("a client secret without an expiry does not expire (RFC 7591 §3.2.1)", async (server) => {
    await insert(server, {})
    await server.advance("3650 days")
    expect(await outcome(ask(server, kept))).toBe("200")
  })

  test("a client without a stored secret cannot authenticate (RFC 6749 §2.3.1)", async (server) => {
    await insert(server, { secret: Option.none() })
    for (const client_secret of ["secret", "", "no secret has this digest"]) {
      expect(await outcome(ask(server, { ...kept, client_secret })), client_secret).toBe("401 invalid_client")
    }
    expect(await outcome(server.post("/token", { grant_type, client_id: "kept" }))).toBe("401 invalid_client")
  })
})

describe("the token", () => {
  test(
    "a token passes a guard that names clients, and others answer insufficient_scope (RFC 6750 §3.1)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      const { access_token } = await tokenOf(server, client)
      const answer = await server.call(access_token, forClients)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({
        subject: client.client_id,
        clientId: client.client_id,
        // A token for several resources carries at each resource only that resource's scope.
        scope: "files:read"
      })
      expect(await outcome(server.call(access_token))).toBe("403 insufficient_scope")
    },
    twoGuards
  )

  test(
    "a token without the scope of the guard is an insufficient_scope (RFC 6750 §3.1)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      const { access_token } = await tokenOf(server, client, { scope: "notes:read" })
      expect(await outcome(server.call(access_token, forClients))).toBe("403 insufficient_scope")
    },
    twoGuards
  )

  test(
    "a token expires with its lifetime, to the millisecond (RFC 6749 §5.1)",
    async (server) => {
      const client = await server.addClient({ scope: "files:read" })
      const { access_token } = await tokenOf(server, client)
      await server.advance(599_999)
      expect(await outcome(server.call(access_token, forClients))).toBe("200")
      await server.advance(1)
      expect(await outcome(server.call(access_token, forClients))).toBe("401 invalid_token")
    },
    twoGuards
  )

  test(
    "a token is revoked at once when the client is disabled, and stays revoked (RFC 6749 §10.4)",
    async (server) => {
      const client = await server.addClient({ scope: "files:read" })
      const { access_token } = await tokenOf(server, client)
      expect(await setState(server, client, "Disabled")).toBe(true)
      expect(await outcome(server.call(access_token, forClients))).toBe("401 invalid_token")
      expect(await outcome(ask(server, client))).toBe("401 invalid_client")
      await setState(server, client, "Enabled")
      expect(await outcome(server.call(access_token, forClients))).toBe("401 invalid_token")
      const later = await tokenOf(server, client)
      expect(await outcome(server.call(later.access_token, forClients))).toBe("200")
    },
    twoGuards
  )

  test(
    "revoking one token leaves the client's other tokens valid (RFC 7009 §2.1)",
    async (server) => {
      const client = await server.addClient({ scope: "files:read" })
      const [one, other] = [await tokenOf(server, client), await tokenOf(server, client)]
      expect(await outcome(server.ask("/revoke", client, { token: one.access_token }))).toBe("200")
      expect(await outcome(server.call(one.access_token, forClients))).toBe("401 invalid_token")
      expect(await outcome(server.call(other.access_token, forClients))).toBe("200")
    },
    twoGuards
  )
})
