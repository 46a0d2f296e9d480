/** RFC 7662: token introspection. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ResourceIndicator, ResourceServerId } from "../../src/domain/Resource.js"
import { digest } from "../../src/services/keys/Crypto.js"
import { ResourceStore } from "../../src/services/stores/ResourceStore.js"
import {
  basic,
  type Client,
  files,
  issuer,
  outcome,
  resource,
  start,
  type TestServer,
  test,
  tokensOf
} from "../flow/support/Server.js"
import { apart, confidential, json } from "./support/Conformance.js"

apart([
  {
    section: "§2.1",
    requirement: "the caller may authenticate with a bearer token",
    how: "otherwise",
    why: "callers authenticate as clients or as the server of a resource, by Basic or in the body"
  },
  {
    section: "§2.2",
    requirement: "the response may have `username` and `nbf`",
    how: "otherwise",
    why: "both are optional: a resource server gets the subject and no name, and a token is valid from its issue"
  },
  {
    section: "§4",
    requirement: "the endpoint is reached over TLS",
    how: "elsewhere",
    why: "`test/domain/Issuer.test.ts`: an issuer is https, or http on loopback"
  },
  {
    section: "§4",
    requirement: "a resource server that caches answers does not do so past `exp`",
    how: "not applicable",
    why: "a rule for resource servers that introspect"
  },
  {
    section: "§2.2",
    requirement: "a JWT's signature is checked",
    how: "not applicable",
    why: "access tokens are sealed, not signed; a test shows that a changed one is inactive"
  }
])

const inactive = { active: false }

const told = (server: TestServer, client: Client, token: string, more = {}) =>
  json(server.ask("/introspect", client, { token, ...more }))

/** The operator makes a second resource, whose server may ask. */
const addFiles = async (server: TestServer) => {
  const credentials = Option.some({ id: ResourceServerId.make("files"), digest: digest(Redacted.make("secret")) })
  const stored = { uri: ResourceIndicator.make(files.uri), scopes: files.scopes, credentials }
  await server.run(Effect.flatMap(ResourceStore, (resources) => resources.insert(stored)))
  await server.advance("1 second")
}

const toldFiles = (server: TestServer, token: string) =>
  json(server.post("/introspect", { token }, basic("files", "secret")))

describe("RFC 7662", () => {
  test("§2 the endpoint is in the metadata", async (server) => {
    const metadata = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(metadata.introspection_endpoint).toBe(`${issuer}/introspect`)
  })

  test("§2.1 an introspection request must be a POST [INTRO-07]", async (server) => {
    for (const method of ["GET", "PUT"]) expect((await server.send("/introspect", { method })).status).toBe(405)
  })

  test("§2.1 a token in the URI is not read [INTRO-07]", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    expect(await outcome(server.ask(`/introspect?token=${access_token}`, client, {}))).toBe("400 invalid_request")
  })

  test("§2.1 an introspection request needs a token", async (server) => {
    const client = await server.register(confidential)
    expect(await outcome(server.ask("/introspect", client, {}))).toBe("400 invalid_request")
  })

  test("§2.1 a caller without credentials gets 401 [INTRO-01]", async (server) => {
    const { access_token: token } = await server.tokens(await server.register())
    expect(await outcome(server.post("/introspect", { token }))).toBe("401 invalid_client")
    const bearer = { authorization: `Bearer ${token}` }
    expect(await outcome(server.post("/introspect", { token }, bearer))).toBe("401 invalid_client")
  })

  test("§2.1 a public client gets 401 [INTRO-01]", async (server) => {
    const client = await server.register()
    const { access_token: token } = await server.tokens(client)
    expect(await outcome(server.ask("/introspect", client, { token }))).toBe("401 invalid_client")
  })

  test("§2.1 a wrong or unknown token_type_hint is ignored", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    for (const token_type_hint of ["refresh_token", "unknown", ""]) {
      expect(await told(server, client, access_token, { token_type_hint })).toMatchObject({ active: true })
    }
  })

  test("§2.2 the response is JSON, not cached", async (server) => {
    const client = await server.register(confidential)
    const answer = await server.ask("/introspect", client, { token: "x" })
    expect(answer.headers.get("cache-control")).toBe("no-store")
    await json(answer)
  })

  test("§2.2 an active access token has its scope, client, subject, audience and times [INTRO-04]", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    expect(await told(server, client, access_token)).toEqual({
      active: true,
      iss: issuer,
      token_type: "Bearer",
      scope: "notes:read notes:write",
      client_id: client.client_id,
      sub: expect.any(String),
      aud: resource,
      iat: start / 1000,
      exp: start / 1000 + 600,
      jti: expect.any(String)
    })
  })

  test("§2.2 the subject is the same for every token of a user, and is not the username", async (server) => {
    const client = await server.register(confidential)
    const first = await told(server, client, (await server.tokens(client)).access_token)
    const second = await told(server, client, (await server.tokens(client)).access_token)
    expect(first.sub).toBe(second.sub)
    expect(first.sub).not.toBe("ada")
    expect(first.jti).not.toBe(second.jti)
  })

  test("§2.2 the response for an inactive token has only active false [INTRO-02]", async (server) => {
    const client = await server.register(confidential)
    for (const token of ["x", "lk_at_x", "lk_rt_x", "eyJhbGciOiJub25lIn0.e30."]) {
      expect(await told(server, client, token), token).toEqual(inactive)
    }
  })

  test("§2.2 an expired token is inactive [INTRO-05]", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    await server.advance("599 seconds")
    expect(await told(server, client, access_token)).toMatchObject({ active: true })
    await server.advance("1 second")
    expect(await told(server, client, access_token)).toEqual(inactive)
  })

  test("§2.2 a revoked token is inactive [REVOKE-08]", async (server) => {
    const client = await server.register(confidential)
    const { access_token, refresh_token } = await server.tokens(client)
    await server.ask("/revoke", client, { token: refresh_token })
    for (const token of [access_token, refresh_token]) expect(await told(server, client, token)).toEqual(inactive)
  })

  test("§2.2 a changed token is inactive [INTRO-09]", async (server) => {
    const client = await server.register(confidential)
    const { access_token } = await server.tokens(client)
    const at = Math.floor(access_token.length / 2)
    const letter = access_token[at] === "A" ? "B" : "A"
    const changed = access_token.slice(0, at) + letter + access_token.slice(at + 1)
    expect(await told(server, client, changed)).toEqual(inactive)
  })

  test("§2.2 only its client gets the claims of a refresh token [INTRO-06]", async (server) => {
    const client = await server.register(confidential)
    const { refresh_token } = await server.tokens(client)
    expect(await told(server, client, refresh_token)).toMatchObject({ active: true, token_type: "refresh_token" })
    const successor = await tokensOf(server.refresh(client, refresh_token))
    expect(await told(server, client, refresh_token)).toEqual(inactive)
    expect(await told(server, await server.register(confidential), successor.refresh_token)).toEqual(inactive)
  })

  test("§2.2 a resource server gets the claims of tokens for its resource [INTRO-03]", async (server) => {
    await addFiles(server)
    const client = await server.register()
    const { access_token } = await server.tokens(client, { scope: "files:read", resource: files.uri })
    expect(await toldFiles(server, access_token)).toMatchObject({
      active: true,
      aud: files.uri,
      client_id: client.client_id
    })
  })

  test("§2.2 a resource server gets active false for a token of another resource [INTRO-03]", async (server) => {
    await addFiles(server)
    const { access_token, refresh_token } = await server.tokens(await server.register())
    for (const token of [access_token, refresh_token]) expect(await toldFiles(server, token)).toEqual(inactive)
  })

  test("§2.2 a resource server gets only the scope of its resource [INTRO-03]", async (server) => {
    await addFiles(server)
    const both = { scope: "notes:read files:read", resource: [resource, files.uri] }
    const { access_token } = await server.tokens(await server.register(), both)
    expect(await toldFiles(server, access_token)).toMatchObject({ scope: "files:read", aud: files.uri })
  })

  test("§2.3 wrong credentials get 401 invalid_client with a challenge [INTRO-01]", async (server) => {
    await addFiles(server)
    for (const id of ["files", "nobody"]) {
      const answer = await server.post("/introspect", { token: "x" }, basic(id, "wrong"))
      expect(answer.headers.get("www-authenticate")).toMatch(/^Basic /)
      expect(await outcome(answer)).toBe("401 invalid_client")
    }
  })

  test("§4 a token of another client gets the same response as an unknown token [INTRO-08]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const other = await server.register(confidential)
    for (const token of [access_token, "lk_at_x"]) expect(await told(server, other, token)).toEqual(inactive)
  })

  test("§4 scripts of other origins are refused", async (server) => {
    const client = await server.register(confidential)
    const { headers } = await server.ask("/introspect", client, { token: "x" })
    expect(headers.has("access-control-allow-origin")).toBe(false)
  })
})
