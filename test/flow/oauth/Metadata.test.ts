/** The metadata documents: their content and their addresses, which no request can change. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Server from "../support/Server.js"
import { files, issuer, notes, resource, type TestServer, test } from "../support/Server.js"

const authorizationServer = `${issuer}/.well-known/oauth-authorization-server`
const openidConfiguration = `${issuer}/.well-known/openid-configuration`
const protectedResource = `${issuer}/.well-known/oauth-protected-resource`
const everyDocument = [authorizationServer, openidConfiguration, protectedResource, `${protectedResource}/notes`]

const tenant = {
  issuer: `${issuer}/a/tenant`,
  resources: [{ ...notes, uri: `${issuer}/a/tenant/notes` }]
}

const json = async (server: TestServer, url: string, headers: Readonly<Record<string, string>> = {}) => {
  const answer = await server.send(url, { headers })
  expect(answer.status, url).toBe(200)
  expect(answer.headers.get("content-type")).toBe("application/json")
  return (await answer.json()) as Readonly<Record<string, unknown>>
}

describe("the authorization server's metadata", () => {
  // META-01, META-04, META-05, META-06
  test("the server's metadata has exactly the capabilities of the server (RFC 8414 §2)", async (server) => {
    const document = await json(server, authorizationServer)
    expect(document).toEqual({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      client_id_metadata_document_supported: true,
      token_endpoint: `${issuer}/token`,
      registration_endpoint: `${issuer}/register`,
      revocation_endpoint: `${issuer}/revoke`,
      introspection_endpoint: `${issuer}/introspect`,
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      grant_types_supported: ["authorization_code", "client_credentials", "refresh_token"],
      scopes_supported: ["notes:read", "notes:write"],
      token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"],
      token_endpoint_auth_signing_alg_values_supported: ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"],
      revocation_endpoint_auth_methods_supported: [
        "none",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt"
      ],
      revocation_endpoint_auth_signing_alg_values_supported: ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"],
      introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
      introspection_endpoint_auth_signing_alg_values_supported: ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"],
      code_challenge_methods_supported: ["S256"],
      prompt_values_supported: ["none", "login", "consent", "select_account"],
      authorization_response_iss_parameter_supported: true
    })
    // Members that OpenID Connect Discovery §3 requires, beyond those of RFC 8414.
    expect(await json(server, openidConfiguration)).toEqual({
      ...document,
      jwks_uri: `${issuer}/jwks`,
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"]
    })
    expect(await json(server, `${issuer}/jwks`)).toEqual({ keys: [] })
  })

  test("the server's metadata names only URLs of the issuer that answer", async (server) => {
    const urls = Object.entries(await json(server, authorizationServer))
      .filter(([name]) => name.endsWith("_endpoint"))
      .map(([, url]) => String(url))
    for (const url of urls) {
      expect(url.startsWith(`${issuer}/`)).toBe(true)
      expect([200, 400, 405], url).toContain((await server.send(url)).status)
    }
  })

  // META-02
  test(
    "the metadata of an issuer with a path is served at every well-known address (RFC 8414 §3.1, OpenID Discovery §4)",
    async (server) => {
      const document = await json(server, `${authorizationServer}/a/tenant`)
      expect(document).toMatchObject({ issuer: tenant.issuer, token_endpoint: `${tenant.issuer}/token` })
      expect(await json(server, `${tenant.issuer}/.well-known/oauth-authorization-server`)).toEqual(document)
      const openid = await json(server, `${openidConfiguration}/a/tenant`)
      expect(openid).toMatchObject({ ...document, jwks_uri: `${tenant.issuer}/jwks` })
      expect(await json(server, `${tenant.issuer}/.well-known/openid-configuration`)).toEqual(openid)
      expect(await json(server, `${tenant.issuer}/jwks`)).toEqual({ keys: [] })
      for (const url of [authorizationServer, openidConfiguration, `${authorizationServer}/a`]) {
        expect((await server.send(url)).status, url).toBe(404)
      }
      const client = await server.register()
      const parameters = { resource: tenant.resources[0]!.uri }
      const tokens = await server.tokens(client, parameters)
      expect((await server.call(tokens.access_token, parameters.resource)).status).toBe(200)
    },
    { settings: tenant }
  )

  // META-09
  test(
    "metadata leaves out empty lists (RFC 8414 §3.2, RFC 9728 §3.2)",
    async (server) => {
      for (const url of everyDocument) {
        for (const [name, value] of Object.entries(await json(server, url))) {
          expect(value, `${name} of ${url}`).not.toBe(null)
          expect(Array.isArray(value) && value.length === 0, `${name} of ${url}`).toBe(false)
        }
      }
    },
    { settings: { resources: [{ uri: resource, scopes: {} }] } }
  )
})

describe("the metadata of a resource", () => {
  // PRM-01, PRM-02, PRM-03
  test("the metadata of a resource is at its path, and at the root (RFC 9728 §3.1)", async (server) => {
    for (const url of [`${protectedResource}/notes`, protectedResource]) {
      expect(await json(server, url)).toEqual({
        resource,
        authorization_servers: [issuer],
        scopes_supported: ["notes:read", "notes:write"],
        bearer_methods_supported: ["header"]
      })
    }
  })

  // PRM-05
  test(
    "each of several resources has its own metadata, and the root has none (RFC 9728 §3.3)",
    async (server) => {
      expect(await json(server, `${protectedResource}/notes`)).toMatchObject({ resource })
      expect(await json(server, `${protectedResource}/files`)).toMatchObject({
        resource: files.uri,
        resource_name: "The files",
        scopes_supported: ["files:read"]
      })
      for (const path of [
        "",
        "/",
        "/other",
        "/notes/",
        "/Notes",
        "/notes/x",
        "/notes%2f",
        "/../notes",
        "/notes%00",
        "//notes"
      ]) {
        expect((await server.send(protectedResource + path)).status, path).toBe(404)
      }
    },
    { settings: { resources: [notes, { ...files, name: "The files" }] } }
  )

  test(
    "the metadata of a resource that is the origin is at the root",
    async (server) => {
      expect(await json(server, protectedResource)).toMatchObject({ resource: issuer })
      expect(await json(server, `${protectedResource}/notes`)).toMatchObject({ resource })
    },
    { settings: { resources: [notes, { uri: issuer, scopes: { all: "All" } }] } }
  )

  test(
    "the server does not serve the metadata of a resource on another origin",
    async (server) => {
      expect((await server.send(`${protectedResource}/elsewhere`)).status).toBe(404)
      expect(await json(server, protectedResource)).toMatchObject({ resource })
    },
    { settings: { resources: [{ uri: "https://other.example/elsewhere", scopes: { x: "X" } }, notes] } }
  )

  // PRM-06
  test("the metadata of a resource is at the URL that the challenge names (RFC 9728 §5.1)", async (server) => {
    const challenge = (await server.call(undefined)).headers.get("www-authenticate") ?? ""
    const [, url = ""] = /resource_metadata="([^"]*)"/.exec(challenge) ?? []
    expect(url).toBe(`${protectedResource}/notes`)
    expect(await json(server, url)).toMatchObject({ resource })
  })
})

describe("every document", () => {
  // META-13, PRM-04, CORS-01
  test("caches may store every metadata document, and scripts of any origin may read it", async (server) => {
    for (const url of everyDocument) {
      const headers = { origin: "https://app.example" }
      for (const answer of [
        await server.send(url, { headers }),
        await server.send(url, { method: "OPTIONS", headers })
      ]) {
        expect(answer.headers.get("access-control-allow-origin")).toBe("*")
        expect(answer.headers.has("access-control-allow-credentials")).toBe(false)
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
        if (answer.status === 200) expect(answer.headers.get("cache-control")).toBe("public, max-age=300")
        else expect(answer.headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS")
      }
    }
  })

  test("a client that has a document gets 304 by its entity tag (RFC 9110 §13.1.2)", async (server) => {
    for (const url of everyDocument) {
      const first = await server.send(url)
      const etag = first.headers.get("etag") ?? ""
      expect(etag).toMatch(/^"[A-Za-z0-9_-]+"$/)
      for (const held of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await server.send(url, { headers: { "if-none-match": held } })
        expect(again.status, held).toBe(304)
        expect(await again.text()).toBe("")
        expect(again.headers.get("etag")).toBe(etag)
        expect(again.headers.get("cache-control")).toBe("public, max-age=300")
      }
      for (const held of ['"other"', etag.slice(1, -1), ""]) {
        expect((await server.send(url, { headers: { "if-none-match": held } })).status, held).toBe(200)
      }
    }
  })

  it.scoped("a document has the same entity tag after a restart", () =>
    Effect.gen(function* () {
      const servers = [yield* Server.make(), yield* Server.make()]
      const tags = yield* Effect.promise(() =>
        Promise.all(servers.map(async (server) => (await server.send(authorizationServer)).headers.get("etag")))
      )
      expect(tags[0]).toBe(tags[1])
    })
  )

  // META-01
  test("HEAD on a document is answered as GET, without the body (RFC 9110 §9.3.2)", async (server) => {
    for (const url of everyDocument) {
      const [get, head] = [await server.send(url), await server.send(url, { method: "HEAD" })]
      expect(head.status).toBe(200)
      expect(await head.text()).toBe("")
      expect(head.headers.get("etag")).toBe(get.headers.get("etag"))
      expect(head.headers.get("content-type")).toBe("application/json")
    }
  })

  // META-14
  test("a document refuses other methods (RFC 9110 §15.5.6)", async (server) => {
    for (const url of everyDocument) {
      for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
        const answer = await server.send(url, { method })
        expect(answer.status).toBe(405)
        expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS")
      }
    }
  })

  // META-11, META-12
  test("documents and challenges ignore the request's host, and pages require the issuer's host (RFC 9700 §4.13)", async (server) => {
    const lies: ReadonlyArray<Readonly<Record<string, string>>> = [
      { host: "evil.example" },
      { host: "evil.example:80" },
      { "x-forwarded-host": "evil.example" },
      { "x-forwarded-proto": "https" },
      { "x-forwarded-port": "1" },
      { "x-forwarded-prefix": "/evil" },
      { "x-forwarded-for": "evil.example" },
      { forwarded: "host=evil.example;proto=https" },
      { "x-original-url": "/evil" },
      { "x-rewrite-url": "/evil" },
      { "x-http-method-override": "DELETE" },
      { "x-host": "evil.example" }
    ]
    // Each request has an id of its own.
    const headersOf = ({ headers }: Response) => [...headers].filter(([name]) => name !== "x-request-id")
    const withoutId = (body: string, { headers }: Response) =>
      body.replaceAll(headers.get("x-request-id") ?? "no id", "")
    const client = await server.register()
    const { url } = await server.request(client, { scope: 'ad"min', prompt: "none" })
    for (const target of [...everyDocument, resource, url.href]) {
      const honest = await server.send(target)
      const body = await honest.text()
      for (const headers of lies) {
        for (const host of [new URL(target), Object.assign(new URL(target), { host: "evil.example" })]) {
          const answer = await server.fetch(new Request(host, { headers }))
          if (target === url.href && host.hostname === "evil.example") {
            expect(answer.status).toBe(421)
            continue
          }
          expect(answer.status).toBe(honest.status)
          expect(withoutId(await answer.text(), answer)).toBe(withoutId(body, honest))
          expect(headersOf(answer)).toEqual(headersOf(honest))
        }
      }
    }
  })
})
