/** Introspection: a token's client and its resource server get its members, and no other caller does. */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ClientId } from "../../../src/domain/Client.js"
import { ResourceIndicator, ResourceServerId } from "../../../src/domain/Resource.js"
import { digest } from "../../../src/services/keys/Crypto.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { ResourceStore } from "../../../src/services/stores/ResourceStore.js"
import * as Server from "../support/Server.js"
import { basic, files, issuer, outcome, resource, type TestServer, test, tokensOf } from "../support/Server.js"

const confidential = { token_endpoint_auth_method: "client_secret_basic" }
const filesServer = { id: "files-server", secret: "files secret" }
const everything = { scope: "notes:read notes:write files:read", resource: [resource, files.uri] }

/** Creates the resource of the files, whose server may introspect tokens, in addition to the notes of the settings. */
const addFiles = async (server: TestServer) => {
  await server.run(
    Effect.flatMap(ResourceStore, (resources) =>
      resources.insert({
        uri: ResourceIndicator.make(files.uri),
        scopes: files.scopes,
        credentials: Option.some({
          id: ResourceServerId.make(filesServer.id),
          digest: digest(Redacted.make(filesServer.secret))
        })
      })
    )
  )
  await server.advance("1 second")
}

const json = async (answer: Response | Promise<Response>) => {
  const response = await answer
  expect(response.status).toBe(200)
  return (await response.json()) as Readonly<Record<string, unknown>>
}

/** Introspects a token as a client. */
const told = (server: TestServer, client: Server.Client, token: string, parameters: Server.Parameters = {}) =>
  json(server.ask("/introspect", client, { token, ...parameters }))

/** Introspects a token as the server of the files. */
const toldFiles = (server: TestServer, token: string) =>
  json(server.post("/introspect", { token }, basic(filesServer.id, filesServer.secret)))

const inactive = { active: false }
const active = expect.objectContaining({ active: true })

describe("who asks", () => {
  test("an unknown caller of introspection is refused (RFC 7662 §2.1)", async (server) => {
    const { access_token: token } = await server.tokens(await server.register(confidential))
    for (const parameters of [{ token }, {}, { token, client_id: "nobody" }]) {
      const answer = await server.post("/introspect", parameters)
      expect(answer.headers.get("www-authenticate")).toBe(`Basic realm="${issuer}"`)
      expect(await outcome(answer)).toBe("401 invalid_client")
    }
    expect(await outcome(server.post("/introspect", { token }, { authorization: `Bearer ${token}` }))).toBe(
      "401 invalid_client"
    )
  })

  test("a public client may not introspect, not even its own tokens (RFC 7662 §2.1, §4)", async (server) => {
    const client = await server.register()
    const { access_token: token } = await server.tokens(client)
    expect(await outcome(server.ask("/introspect", client, { token }))).toBe("401 invalid_client")
  })

  test("a caller with a wrong secret may not introspect (RFC 7662 §2.3)", async (server) => {
    await addFiles(server)
    const client = await server.register(confidential)
    const { access_token: token } = await server.tokens(client)
    for (const id of [client.client_id, filesServer.id, files.uri]) {
      for (const secret of ["wrong", "", `${filesServer.secret} `, digest(Redacted.make(filesServer.secret))]) {
        const byHeader = server.post("/introspect", { token }, basic(id, secret))
        expect(await outcome(byHeader), id).toBe("401 invalid_client")
        const byBody = server.post("/introspect", { token, client_id: id, client_secret: secret })
        expect(await outcome(byBody), id).toBe("401 invalid_client")
      }
      expect(await outcome(server.post("/introspect", { token, client_id: id }))).toBe("401 invalid_client")
    }
  })

  test("a client and a resource server may introspect by either method (RFC 7662 §2.1)", async (server) => {
    await addFiles(server)
    for (const token_endpoint_auth_method of ["client_secret_basic", "client_secret_post"]) {
      const client = await server.register({ token_endpoint_auth_method })
      const { access_token } = await server.tokens(client)
      expect(await told(server, client, access_token)).toEqual(active)
    }
    const { access_token: token } = await server.tokens(await server.register(), everything)
    expect(await toldFiles(server, token)).toEqual(active)
    const { id, secret } = filesServer
    expect(await json(server.post("/introspect", { token, client_id: id, client_secret: secret }))).toEqual(active)
  })

  test("a resource server may neither get nor revoke tokens (RFC 7662 §4)", async (server) => {
    await addFiles(server)
    const header = basic(filesServer.id, filesServer.secret)
    const ask = { grant_type: "client_credentials" }
    expect(await outcome(server.post("/token", ask, header))).toBe("401 invalid_client")
    expect(await outcome(server.post("/revoke", { token: "x" }, header))).toBe("401 invalid_client")
  })
})

describe("a client", () => {
  test("a client introspects its own access token and gets these members (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const tokens = await server.tokens(client)
    const { terms } = await server.grant(tokens.refresh_token)
    expect(await told(server, client, tokens.access_token)).toEqual({
      active: true,
      iss: issuer,
      token_type: "Bearer",
      scope: "notes:read notes:write",
      client_id: client.client_id,
      sub: terms.subject,
      aud: resource,
      iat: Server.start / 1000,
      exp: Server.start / 1000 + 600,
      jti: expect.stringMatching(/^[0-9a-z]{26}$/)
    })
  })

  test("a client introspects its own refresh token and gets these members (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const tokens = await server.tokens(client)
    const { terms } = await server.grant(tokens.refresh_token)
    expect(await told(server, client, tokens.refresh_token)).toEqual({
      active: true,
      iss: issuer,
      token_type: "refresh_token",
      scope: "notes:read notes:write",
      client_id: client.client_id,
      sub: terms.subject,
      aud: [resource],
      exp: (Server.start + Duration.toMillis("30 days")) / 1000
    })
  })

  test("a client introspects a token that it got for itself (RFC 7662 §2.2, RFC 6749 §4.4)", async (server) => {
    const client = await server.addClient({ scope: "notes:read" })
    const { access_token } = await tokensOf(server.token(client, { grant_type: "client_credentials" }))
    expect(await told(server, client, access_token)).toMatchObject({
      active: true,
      scope: "notes:read",
      client_id: client.client_id,
      sub: client.client_id
    })
    await server.run(Effect.flatMap(ClientStore, (clients) => clients.advanceEpoch(ClientId.make(client.client_id))))
    expect(await told(server, client, access_token)).toEqual(inactive)
  })

  test("introspection returns the scope of the token, not of its grant (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const first = await server.tokens(client)
    const narrow = await tokensOf(server.refresh(client, first.refresh_token, { scope: "notes:read" }))
    expect(await told(server, client, narrow.access_token)).toMatchObject({ scope: "notes:read" })
  })

  test("introspection returns every resource of the token (RFC 7662 §2.2)", async (server) => {
    await addFiles(server)
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client, everything)
    expect(await told(server, client, access_token)).toMatchObject({ aud: [resource, files.uri] })
  })

  test("a token of another client is inactive (RFC 7662 §2.2, §4)", async (server) => {
    const asker = await server.register(confidential)
    for (const metadata of [confidential, {}]) {
      const tokens = await server.tokens(await server.register(metadata))
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        expect(await told(server, asker, token)).toEqual(inactive)
      }
    }
  })

  test("a text that never was a token is inactive (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const { access_token, refresh_token } = await server.tokens(client)
    const [head, generation, tail = ""] = refresh_token.split(".")
    const malformed = [
      "x",
      "é",
      "lk_at_",
      "lk_rt_",
      "a".repeat(10_000),
      `${access_token}A`,
      access_token.slice(0, -1),
      access_token.replace("lk_at_", "lk_rt_"),
      `${refresh_token}A`,
      `${head}.${Number(generation) + 1}.${tail}`,
      `${head}.${generation}.${"A".repeat(tail.length)}`,
      (await server.code(client)).code
    ]
    for (const token of malformed) expect(await told(server, client, token), token).toEqual(inactive)
  })

  test("a revoked token is inactive at once (RFC 7662 §2.2, RFC 7009 §2.1)", async (server) => {
    const client = await server.register(confidential)
    const tokens = await server.tokens(client)
    await server.ask("/revoke", client, { token: tokens.access_token })
    expect(await told(server, client, tokens.access_token)).toEqual(inactive)
    expect(await told(server, client, tokens.refresh_token)).toEqual(active)
    await server.ask("/revoke", client, { token: tokens.refresh_token })
    expect(await told(server, client, tokens.refresh_token)).toEqual(inactive)
  })

  test("a refresh token is active until it was used (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const first = await server.tokens(client)
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    expect(await told(server, client, first.refresh_token)).toEqual(inactive)
    expect(await told(server, client, second.refresh_token)).toEqual(active)
    // Asking about a token is no use of it: nothing was taken for a replay.
    expect(await outcome(server.refresh(client, second.refresh_token))).toBe("200")
  })
})

describe("the end of a token", () => {
  test("an access token is inactive exactly from its expiry on (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    await server.advance(599_999)
    expect(await told(server, client, access_token)).toEqual(active)
    await server.advance(1)
    expect(await told(server, client, access_token)).toEqual(inactive)
  })

  test("an idle refresh token is inactive exactly from its expiry on (RFC 7662 §2.2)", async (server) => {
    const client = await server.register(confidential)
    const { refresh_token } = await server.tokens(client)
    await server.advance(Duration.toMillis("30 days") - 1)
    expect(await told(server, client, refresh_token)).toEqual(active)
    await server.advance(1)
    expect(await told(server, client, refresh_token)).toEqual(inactive)
  })
})

describe("the server of a resource", () => {
  test("a resource server introspects a token for its resource and gets only its own scope (RFC 7662 §2.2, §5)", async (server) => {
    await addFiles(server)
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client, everything)
    const { terms } = await server.grant(refresh_token)
    const second = Server.start / 1000 + 1
    expect(await toldFiles(server, access_token)).toEqual({
      active: true,
      iss: issuer,
      token_type: "Bearer",
      scope: "files:read",
      client_id: client.client_id,
      sub: terms.subject,
      aud: files.uri,
      iat: second,
      exp: second + 600,
      jti: expect.stringMatching(/^[0-9a-z]{26}$/)
    })
  })

  test("a token for another resource is inactive for a resource server (RFC 7662 §4)", async (server) => {
    await addFiles(server)
    const client = await server.register()
    const elsewhere = await server.tokens(client)
    expect(await toldFiles(server, elsewhere.access_token)).toEqual(inactive)
    const both = await server.tokens(client, everything)
    const narrow = await tokensOf(server.refresh(client, both.refresh_token, { resource }))
    expect(await toldFiles(server, narrow.access_token)).toEqual(inactive)
  })

  test("a refresh token is inactive for a resource server (RFC 7662 §4, RFC 6749 §1.5)", async (server) => {
    await addFiles(server)
    const { refresh_token } = await server.tokens(await server.register(), everything)
    expect(await toldFiles(server, refresh_token)).toEqual(inactive)
  })

  test("a revoked or expired token is inactive for a resource server (RFC 7662 §2.2)", async (server) => {
    await addFiles(server)
    const client = await server.register()
    const [revoked, expired] = [await server.tokens(client, everything), await server.tokens(client, everything)]
    await server.ask("/revoke", client, { token: revoked.refresh_token })
    expect(await toldFiles(server, revoked.access_token)).toEqual(inactive)
    await server.advance(599_999)
    expect(await toldFiles(server, expired.access_token)).toEqual(active)
    await server.advance(1)
    expect(await toldFiles(server, expired.access_token)).toEqual(inactive)
  })

  test("a resource server may introspect until the operator deletes the resource (RFC 7662 §2.1)", async (server) => {
    await addFiles(server)
    const { access_token: token } = await server.tokens(await server.register(), everything)
    await server.run(Effect.flatMap(ResourceStore, (resources) => resources.remove(ResourceIndicator.make(files.uri))))
    const answer = server.post("/introspect", { token }, basic(filesServer.id, filesServer.secret))
    expect(await outcome(answer)).toBe("401 invalid_client")
  })
})

describe("the request", () => {
  test("an introspection request has one token (RFC 7662 §2.1)", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    for (const token of [undefined, "", [access_token, access_token]]) {
      expect(await outcome(server.ask("/introspect", client, { token }))).toBe("400 invalid_request")
    }
  })

  test("introspection finds a token with a right or a wrong hint (RFC 7662 §2.1)", async (server) => {
    const client = await server.register(confidential)
    const tokens = await server.tokens(client)
    for (const token_type_hint of ["access_token", "refresh_token", "saml", ""]) {
      for (const token of [tokens.access_token, tokens.refresh_token]) {
        expect(await told(server, client, token, { token_type_hint })).toEqual(active)
      }
    }
  })

  test("introspection refuses parameters in the URL (RFC 7662 §4)", async (server) => {
    const client = await server.register(confidential)
    const { access_token: token } = await server.tokens(client)
    for (const query of [`token=${token}`, "x"]) {
      expect(await outcome(server.ask(`/introspect?${query}`, client, { token })), query).toBe("400 invalid_request")
    }
  })

  test("an introspection request is a POST (RFC 7662 §2.1)", async (server) => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const answer = await server.send("/introspect?token=x", { method })
      expect(answer.status, method).toBe(405)
      expect(answer.headers.get("allow"), method).toBe("POST")
    }
  })
})

test("no cache stores an introspection response, and no script of another origin reads it (RFC 7662 §4)", async (server) => {
  const client = await server.register(confidential)
  const { access_token } = await server.tokens(client)
  for (const token of [access_token, "x", undefined]) {
    const { headers } = await server.ask("/introspect", client, { token })
    expect(headers.get("content-type")).toBe("application/json")
    expect(headers.get("cache-control")).toBe("no-store")
    expect(headers.has("access-control-allow-origin")).toBe(false)
  }
})
