/** The client credentials grant: a client that its operator made acts for itself, and passes only where it may. */
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

/** The notes are for people, as any route is that says nothing of it; the files for clients, too. */
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
    test(`to a client of ${method} holds a token, and no refresh token (RFC 6749 §4.4.3)`, async (server) => {
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

  test("holds no refresh token for one that registered them, either (RFC 6749 §4.4.3)", async (server) => {
    const client = await server.addClient({ grant_types: [grant_type, "refresh_token"] })
    expect(await tokenOf(server, client)).not.toHaveProperty("refresh_token")
  })
})

describe("the scope", () => {
  test("that is not asked for is all that the client registered (RFC 6749 §3.3)", async (server) => {
    const client = await server.addClient({ scope: "notes:write" })
    expect(await tokenOf(server, client)).toMatchObject({ scope: "notes:write" })
  })

  test("may be a part of what the client registered (RFC 6749 §3.3)", async (server) => {
    const client = await server.addClient()
    expect(await tokenOf(server, client, { scope: "notes:write" })).toMatchObject({ scope: "notes:write" })
  })

  test("is none that the client did not register (RFC 6749 §5.2)", async (server) => {
    const client = await server.addClient({ scope: "notes:read" })
    for (const scope of ["notes:write", "notes:read notes:write", "admin", "NOTES:READ", "é", " notes:read"]) {
      expect(await outcome(ask(server, client, { scope })), scope).toBe("400 invalid_scope")
    }
  })

  test("is never empty: a client that registered none gets no token (RFC 6749 §3.3)", async (server) => {
    for (const scope of [undefined, "elsewhere"]) {
      const client = await server.addClient({ scope })
      for (const parameters of [{}, { resource }, { scope: "notes:read" }, { scope: "notes:read", resource }]) {
        const answer = ask(server, client, parameters)
        expect(await outcome(answer), JSON.stringify({ registered: scope, ...parameters })).toBe("400 invalid_scope")
      }
    }
  })

  test(
    "is of the resources that are named (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      expect(await tokenOf(server, client)).toMatchObject({ scope: "notes:read files:read" })
      expect(await tokenOf(server, client, { resource: forClients })).toMatchObject({ scope: "files:read" })
      const beside = ask(server, client, { resource: forClients, scope: "notes:read" })
      expect(await outcome(beside)).toBe("400 invalid_scope")
    },
    twoGuards
  )
})

describe("the resource", () => {
  test("is one that there is (RFC 8707 §2)", async (server) => {
    const client = await server.addClient()
    for (const unknown of [`${resource}/x`, "https://other.example/", "notes", `${resource}#x`, [resource, "x"]]) {
      expect(await outcome(ask(server, client, { resource: unknown })), String(unknown)).toBe("400 invalid_target")
    }
    expect(await outcome(ask(server, client, { resource: [resource, resource] }))).toBe("200")
  })

  test(
    "is the only one where the token is good (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      const { access_token } = await tokenOf(server, client, { resource })
      expect(await outcome(server.call(access_token, forClients))).toBe("401 invalid_token")
    },
    twoGuards
  )
})

describe("the client", () => {
  test("keeps a secret: a public one may not act for itself (RFC 6749 §4.4)", async (server) => {
    const client = await server.addClient({ token_endpoint_auth_method: "none" })
    expect(await outcome(ask(server, client))).toBe("400 unauthorized_client")
  })

  test("is its operator's: one that registered itself may not, whatever it asked for (RFC 6749 §5.2)", async (server) => {
    for (const token_endpoint_auth_method of ["none", "client_secret_basic"]) {
      const grant_types = ["authorization_code", grant_type]
      const client = await server.register({ token_endpoint_auth_method, grant_types, scope: "notes:read" })
      expect(await outcome(ask(server, client))).toBe("400 unauthorized_client")
    }
  })

  test("is its operator's, though a store says that one that registered itself has the grant type", async (server) => {
    await insert(server, { origin: "Dynamic" })
    expect(await outcome(server.token(kept, { grant_type }))).toBe("400 unauthorized_client")
  })

  test("registered the grant type (RFC 6749 §5.2)", async (server) => {
    const client = await server.addClient({ grant_types: ["refresh_token"] })
    expect(await outcome(ask(server, client))).toBe("400 unauthorized_client")
  })

  test("proves who it is before anything else is looked at (RFC 6749 §4.4.2)", async (server) => {
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

/** A client as no registration makes it, put into the store. */
const insert = (server: TestServer, changes: Partial<Client>) =>
  server.run(
    Effect.flatMap(ClientStore, (clients) =>
      clients.insert({
        id: ClientId.make("kept"),
        issuedAt: DateTime.unsafeMake(Server.start),
        origin: "Operator",
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
        ...changes
      })
    )
  )

describe("the secret", () => {
  test("is good until its end, to the millisecond (RFC 7591 §3.2.1)", async (server) => {
    const expiresAt = Option.some(DateTime.add(DateTime.unsafeMake(Server.start), { minutes: 1 }))
    await insert(server, { secret: Option.some({ digest: digest(Redacted.make("secret")), expiresAt }) })
    await server.advance(59_999)
    expect(await outcome(ask(server, kept))).toBe("200")
    await server.advance(1)
    expect(await outcome(ask(server, kept))).toBe("401 invalid_client")
  })

  test("without an end does not end (RFC 7591 §3.2.1)", async (server) => {
    await insert(server, {})
    await server.advance("3650 days")
    expect(await outcome(ask(server, kept))).toBe("200")
  })

  test("that was never there is matched by none (RFC 6749 §2.3.1)", async (server) => {
    await insert(server, { secret: Option.none() })
    for (const client_secret of ["secret", "", "no secret has this digest"]) {
      expect(await outcome(ask(server, { ...kept, client_secret })), client_secret).toBe("401 invalid_client")
    }
    expect(await outcome(server.post("/token", { grant_type, client_id: "kept" }))).toBe("401 invalid_client")
  })
})

describe("the token", () => {
  test(
    "passes only where the guard names clients; elsewhere it is told that it is of no person (RFC 6750 §3.1)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      const { access_token } = await tokenOf(server, client)
      const answer = await server.call(access_token, forClients)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({
        subject: client.client_id,
        clientId: client.client_id,
        // A token of several resources carries at each what is of that one.
        scope: "files:read"
      })
      expect(await outcome(server.call(access_token))).toBe("403 insufficient_scope")
    },
    twoGuards
  )

  test(
    "passes only with the scope that the guard needs (RFC 6750 §3.1)",
    async (server) => {
      const client = await server.addClient({ scope: "notes:read files:read" })
      const { access_token } = await tokenOf(server, client, { scope: "notes:read" })
      expect(await outcome(server.call(access_token, forClients))).toBe("403 insufficient_scope")
    },
    twoGuards
  )

  test(
    "ends with its lifetime, to the millisecond (RFC 6749 §5.1)",
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
    "dies at once when the client is disabled, and for good (RFC 6749 §10.4)",
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
    "is revoked alone (RFC 7009 §2.1)",
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
