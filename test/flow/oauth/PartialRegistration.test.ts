/** A registration keeps its usable part, and the response names it (RFC 7591 §3.2.1, ADR 30). */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { defaultAppSchemes } from "../../../src/domain/AppSchemes.js"
import { ClientRegistration } from "../../../src/services/clients/ClientRegistration.js"
import { outcome, redirectUri, type TestServer, test } from "../support/Server.js"

const loopback = "http://127.0.0.1:7777/cb"
const cursor = "cursor://anysphere.cursor-mcp/oauth/callback"
const longName = "x".repeat(201)

/** A public client, with these members. */
const register = (server: TestServer, metadata: Readonly<Record<string, unknown>>) =>
  server.send("/register", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: [loopback], token_endpoint_auth_method: "none", ...metadata })
  })

type Members = Readonly<Record<string, unknown>>

/** Expects that each of the members is accepted, and that the response has these. */
const expectKept = async (server: TestServer, table: ReadonlyArray<readonly [sent: Members, kept: Members]>) => {
  for (const [sent, kept] of table) {
    const answer = await register(server, sent)
    expect(answer.status, JSON.stringify(sent).slice(0, 120)).toBe(201)
    expect(await answer.json(), JSON.stringify(sent).slice(0, 120)).toMatchObject(kept)
  }
}

const expectRefused = async (server: TestServer, error: string, table: ReadonlyArray<Members>) => {
  for (const sent of table) {
    expect(await outcome(register(server, sent)), JSON.stringify(sent).slice(0, 120)).toBe(`400 ${error}`)
  }
}

/** The response to a registration with only a redirect URI, without its variable parts. */
const plain = async (server: TestServer, metadata: Members = {}) => {
  const answer = await register(server, metadata)
  expect(answer.status, JSON.stringify(metadata).slice(0, 120)).toBe(201)
  const { client_id, client_secret, registration_access_token, registration_client_uri, ...rest } =
    (await answer.json()) as Record<string, unknown>
  return { ...rest, hasSecret: client_secret !== undefined }
}

describe("a redirect URI", () => {
  test("a redirect URI that the policy refuses is left out if another stays", async (server) => {
    const refused = [
      "editor://publisher.ext/cb",
      "http://host.docker.internal:3000/cb",
      "http://192.168.1.20:8080/cb",
      "ftp://files.example/cb",
      "javascript:alert(1)",
      "https://client.example/cb#fragment",
      "https://*.client.example/cb",
      "/cb",
      null,
      "",
      7,
      { uri: redirectUri },
      [redirectUri]
    ]
    await expectKept(
      server,
      refused.flatMap((uri) => [
        [{ redirect_uris: [uri, loopback] }, { redirect_uris: [loopback] }],
        [{ redirect_uris: [loopback, uri, redirectUri] }, { redirect_uris: [loopback, redirectUri] }]
      ])
    )
    await expectKept(server, [[{ redirect_uris: [...refused, loopback] }, { redirect_uris: [loopback] }]])
  })

  test("a redirect URI that is given twice is registered once", async (server) => {
    const many = Array.from({ length: 30 }, () => loopback)
    await expectKept(server, [
      [{ redirect_uris: [loopback, loopback] }, { redirect_uris: [loopback] }],
      [{ redirect_uris: many }, { redirect_uris: [loopback] }]
    ])
  })

  test("a list without a usable redirect URI is an error (RFC 7591 §3.2.2)", async (server) => {
    await expectRefused(server, "invalid_redirect_uri", [
      { redirect_uris: ["http://evil.example/cb", "javascript:alert(1)"] },
      { redirect_uris: ["editor://publisher.ext/cb"] },
      { redirect_uris: [] },
      { redirect_uris: [null] },
      { redirect_uris: null },
      { redirect_uris: loopback },
      { redirect_uris: { 0: loopback } }
    ])
  })

  test("a redirect URI that was left out gets no redirect (RFC 6749 §3.1.2.4)", async (server) => {
    const leftOut = "http://host.docker.internal:3000/cb"
    const client = await server.register({ redirect_uris: [redirectUri, leftOut] })
    const { page } = await server.toConsent(client)
    expect(page.status).toBe(200)
    const { url } = await server.request(client, { redirect_uri: leftOut })
    const answer = await server.send(url.href)
    expect(answer.status).toBe(400)
    expect(answer.headers.has("location")).toBe(false)
  })
})

describe("a scheme of a widely used app", () => {
  test("a public client may use the scheme of a widely used app, and the consent page names it", async (server) => {
    for (const scheme of defaultAppSchemes) {
      const uri = `${scheme}://publisher.extension/callback`
      const client = await server.register({ redirect_uris: [uri] })
      const { page } = await server.toConsent(client, { redirect_uri: uri })
      expect(page.html, scheme).toContain(`${scheme}:`)
      expect(page.document.querySelector("main")?.text, scheme).toContain("the app registered for")
    }
  })

  test("such a scheme is accepted together with an https and a loopback URI, as Cursor sends them", async (server) => {
    const redirect_uris = [cursor, "https://www.cursor.com/agents/mcp/oauth/callback", "http://localhost:8787/callback"]
    await expectKept(server, [[{ redirect_uris }, { redirect_uris }]])
  })

  test("such a scheme is refused for a client with a secret", async (server) => {
    for (const token_endpoint_auth_method of ["client_secret_basic", "client_secret_post", null]) {
      await expectRefused(server, "invalid_redirect_uri", [{ redirect_uris: [cursor], token_endpoint_auth_method }])
      await expectKept(server, [
        [{ redirect_uris: [cursor, loopback], token_endpoint_auth_method }, { redirect_uris: [loopback] }]
      ])
    }
  })

  test(
    "the operator can add schemes",
    (server) =>
      expectKept(server, [
        [{ redirect_uris: ["editor:/cb", cursor, "other:/cb"] }, { redirect_uris: ["editor:/cb", cursor] }],
        [{ redirect_uris: ["editor:/cb"], token_endpoint_auth_method: null }, { redirect_uris: ["editor:/cb"] }]
      ]),
    { settings: { privateUseSchemes: ["editor"] } }
  )

  test(
    "the operator can replace the schemes",
    async (server) => {
      await expectKept(server, [[{ redirect_uris: ["editor:/cb"] }, { redirect_uris: ["editor:/cb"] }]])
      await expectRefused(server, "invalid_redirect_uri", [
        { redirect_uris: [cursor] },
        { redirect_uris: ["javascript:alert(1)"] }
      ])
    },
    { settings: { appSchemes: ["editor", "javascript"] } }
  )
})

describe("a member that only describes the client", () => {
  test("an unusable descriptive member is left out", async (server) => {
    const nothing = await plain(server)
    const unusable: ReadonlyArray<Members> = [
      ...["client_uri", "logo_uri", "tos_uri", "policy_uri"].flatMap((name) =>
        ["http://a.example/x", "data:image/png;base64,iVBORw0KGgo=", "not a uri", "javascript:alert(1)", 7, {}].map(
          (value) => ({ [name]: value })
        )
      ),
      ...["notes:read  notes:write", ["notes:read"], 'notes:"read"', 7].map((scope) => ({ scope })),
      ...["desktop", "WEB", 1, ["web"]].map((application_type) => ({ application_type })),
      ...[longName, 7, true, {}, ["Notes"]].map((client_name) => ({ client_name })),
      ...[3, { id: 1 }, longName, "a\0b"].flatMap((value) => [{ software_id: value }, { software_version: value }]),
      ...["ops@a.example", 7, {}, [7], [longName], ["a\0b"]].map((contacts) => ({ contacts })),
      { client_name: 7, client_uri: "x", contacts: 1, scope: [], application_type: "x" }
    ]
    for (const members of unusable) expect(await plain(server, members), JSON.stringify(members)).toEqual(nothing)
  })

  test("a usable descriptive member stays if another is left out", async (server) => {
    await expectKept(server, [
      [{ client_name: "Notes", client_uri: "http://localhost:3080" }, { client_name: "Notes" }],
      [{ logo_uri: 7, tos_uri: "https://a.example/tos" }, { tos_uri: "https://a.example/tos" }],
      [{ contacts: ["ada@a.example", 7, null, "ada@a.example", longName] }, { contacts: ["ada@a.example"] }]
    ])
  })

  test("a long list of contacts is stored with its first ten", async (server) => {
    const contacts = Array.from({ length: 200 }, (_, index) => `ada${index}@a.example`)
    await expectKept(server, [[{ contacts }, { contacts: contacts.slice(0, 10) }]])
  })
})

describe("a member without a value", () => {
  test("a member without a value counts as not sent (RFC 7592 §2.2)", async (server) => {
    const nothing = await plain(server)
    const names = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "contacts", "scope"]
    const others = ["software_id", "software_version", "application_type", "grant_types", "response_types"]
    for (const name of [...names, ...others, "jwks", "jwks_uri", "token_endpoint_auth_methods_supported"]) {
      for (const value of [null, ""]) expect(await plain(server, { [name]: value }), name).toEqual(nothing)
    }
    for (const name of ["contacts", "grant_types"]) expect(await plain(server, { [name]: [] }), name).toEqual(nothing)
    for (const members of [
      { jwks: null, jwks_uri: null },
      { jwks: null, jwks_uri: "https://a.example/jwks" }
    ]) {
      expect(await plain(server, members)).toEqual(nothing)
    }
  })

  test("a member without a value has the default of RFC 7591 §2", async (server) => {
    for (const value of [null, ""]) {
      expect(await plain(server, { token_endpoint_auth_method: value, grant_types: value })).toMatchObject({
        token_endpoint_auth_method: "client_secret_basic",
        grant_types: ["authorization_code"],
        response_types: ["code"],
        hasSecret: true
      })
    }
  })
})

describe("grant types, response types and methods", () => {
  test("unknown grant types, response types and methods are left out if one stays", async (server) => {
    const code = ["authorization_code"]
    await expectKept(server, [
      [{ response_types: ["code", "token"] }, { response_types: ["code"] }],
      [{ response_types: ["id_token token", 7, "code", "code"] }, { response_types: ["code"] }],
      [{ grant_types: ["authorization_code", "implicit"] }, { grant_types: code }],
      [{ grant_types: ["password", "authorization_code", 7, null] }, { grant_types: code }],
      [{ grant_types: ["urn:x", "refresh_token", "authorization_code"] }, { grant_types: ["refresh_token", ...code] }],
      [{ grant_types: Array.from({ length: 50 }, () => code[0]) }, { grant_types: code }]
    ])
  })

  test("a list without a usable value is an error, because a guess would change the client's rights", async (server) => {
    await expectRefused(server, "invalid_client_metadata", [
      { response_types: ["token"] },
      { response_types: ["id_token", "code token"] },
      { response_types: "code" },
      { response_types: [] },
      { grant_types: ["password"] },
      { grant_types: ["implicit", "refresh_token"] },
      { grant_types: ["client_credentials"] },
      { grant_types: "authorization_code" },
      { grant_types: ["authorization_code", "implicit"], response_types: ["token"] },
      { token_endpoint_auth_method: "private_key_jwt" },
      { token_endpoint_auth_method: "NONE" },
      { token_endpoint_auth_method: ["none"] },
      { jwks: { keys: [] }, jwks_uri: "https://a.example/jwks" }
    ])
  })

  test("the strongest offered method is registered if the named one is unknown", async (server) => {
    const name = "token_endpoint_auth_method"
    const choices = "token_endpoint_auth_methods_supported"
    await expectKept(server, [
      [{ [name]: "private_key_jwt", [choices]: ["none", "private_key_jwt"] }, { [name]: "none" }],
      [{ [name]: null, [choices]: ["none", "client_secret_post"] }, { [name]: "client_secret_post" }],
      [{ [name]: "none", [choices]: ["client_secret_basic"] }, { [name]: "none" }]
    ])
    await expectRefused(server, "invalid_client_metadata", [
      { [name]: "private_key_jwt", [choices]: ["private_key_jwt"] },
      { [name]: null, [choices]: ["tls_client_auth"] }
    ])
  })
})

test("an unusable part in the operator's metadata is an error", async (server) => {
  const create = (metadata: Members) =>
    server.run(
      Effect.gen(function* () {
        const registration = yield* ClientRegistration
        return yield* Effect.match(registration.create({ redirect_uris: [redirectUri], ...metadata }), {
          onFailure: ({ _tag }) => _tag,
          onSuccess: () => "created"
        })
      })
    )
  expect(await create({ redirect_uris: [redirectUri, "http://a.example/cb"] })).toBe("InvalidRedirectUri")
  expect(await create({ client_uri: "http://a.example" })).toBe("InvalidClientMetadata")
  expect(await create({ scope: "notes:read  notes:write" })).toBe("InvalidClientMetadata")
  expect(await create({ grant_types: ["authorization_code", "implicit"] })).toBe("InvalidClientMetadata")
  expect(await create({ client_uri: null, contacts: [], scope: "" })).toBe("created")
})
