/** RFC 8414: the authorization server's metadata. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Server from "../flow/support/Server.js"
import { issuer, notes, resource, test } from "../flow/support/Server.js"
import { apart, json } from "./support/Conformance.js"

const wellKnown = "/.well-known/oauth-authorization-server"

const tenant = { issuer: `${issuer}/a/tenant`, resources: [{ ...notes, uri: `${issuer}/a/tenant/notes` }] }

apart([
  {
    section: "§2",
    requirement: "`jwks_uri`",
    how: "not applicable",
    why: "nothing is signed: access tokens are sealed"
  },
  {
    section: "§2",
    requirement: "`token_endpoint_auth_signing_alg_values_supported` and its kin",
    how: "not applicable",
    why: "no authentication method uses signatures, so that none is listed, as is tested"
  },
  {
    section: "§2",
    requirement: "`service_documentation`, `ui_locales_supported`, `op_policy_uri`, `op_tos_uri`",
    how: "not applicable",
    why: "optional, and the server has none"
  },
  {
    section: "§2.1",
    requirement: "signed metadata",
    how: "not applicable",
    why: "optional, and not done"
  },
  {
    section: "§3.3",
    requirement: "the client checks that the issuer is the one it asked for",
    how: "elsewhere",
    why: "a rule for clients: `test/e2e/clients.test.ts` has two that check"
  },
  {
    section: "§6.2",
    requirement: "clients guard against impersonation of the server",
    how: "not applicable",
    why: "a rule for clients; the server derives nothing from the Host header, as is tested"
  }
])

describe("RFC 8414", () => {
  test("§2 the issuer is exactly the configured one [META-01]", async (server) => {
    expect((await json(server.send(wellKnown))).issuer).toBe(issuer)
  })

  it.effect("§2 an issuer has no query and no fragment, and is https off loopback [META-03]", () =>
    Effect.gen(function* () {
      for (const wrong of ["http://public.example", "https://h.example/?a=1", "https://h.example/#x"]) {
        const made = yield* Effect.exit(Effect.scoped(Server.make({ settings: { issuer: wrong } })))
        expect(made._tag, wrong).toBe("Failure")
      }
    })
  )

  test("§2 the metadata name authorization_endpoint and token_endpoint [META-04]", async (server) => {
    expect(await json(server.send(wellKnown))).toMatchObject({
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`
    })
  })

  test("§2 the metadata name response_types_supported [META-04]", async (server) => {
    expect((await json(server.send(wellKnown))).response_types_supported).toEqual(["code"])
  })

  test("§2 response_modes_supported is query alone, because the default includes fragment [META-10]", async (server) => {
    expect((await json(server.send(wellKnown))).response_modes_supported).toEqual(["query"])
  })

  test("§2 grant_types_supported lists the grant types, because the default includes implicit [META-10]", async (server) => {
    const { grant_types_supported } = await json(server.send(wellKnown))
    expect(grant_types_supported).toEqual(["authorization_code", "client_credentials", "refresh_token"])
    const client = await server.register()
    for (const grant_type of ["implicit", "password", "urn:ietf:params:oauth:grant-type:device_code"]) {
      expect(await Server.outcome(server.token(client, { grant_type }))).toBe("400 unsupported_grant_type")
    }
  })

  test("§2 scopes_supported lists the scopes of the resources", async (server) => {
    expect((await json(server.send(wellKnown))).scopes_supported).toEqual(["notes:read", "notes:write"])
  })

  test("§2 the metadata list the authentication methods that each endpoint accepts [META-10]", async (server) => {
    const metadata = await json(server.send(wellKnown))
    const methods = metadata.token_endpoint_auth_methods_supported as ReadonlyArray<string>
    expect(metadata.revocation_endpoint_auth_methods_supported).toEqual(methods)
    expect(methods).toContain("private_key_jwt")
    for (const token_endpoint_auth_method of methods.filter((method) => method !== "private_key_jwt")) {
      const client = await server.register({ token_endpoint_auth_method })
      expect((await server.tokens(client)).access_token, token_endpoint_auth_method).toMatch(/^lk_at_/)
    }
    expect(metadata.introspection_endpoint_auth_methods_supported).not.toContain("none")
  })

  test("§2 each endpoint lists the algorithms of private_key_jwt, none of which has a shared secret [META-08]", async (server) => {
    const metadata = await json(server.send(wellKnown))
    for (const endpoint of ["token", "revocation", "introspection"]) {
      const listed = metadata[`${endpoint}_endpoint_auth_signing_alg_values_supported`]
      expect(listed).toEqual(["ES256", "EdDSA", "Ed25519", "RS256", "PS256"])
    }
  })

  test("§2 the metadata name the registration, revocation and introspection endpoints, which answer", async (server) => {
    const metadata = await json(server.send(wellKnown))
    for (const name of ["registration", "revocation", "introspection", "token", "authorization"]) {
      const url = String(metadata[`${name}_endpoint`])
      expect(url.startsWith(`${issuer}/`), url).toBe(true)
      expect([200, 400, 405], url).toContain((await server.send(url)).status)
    }
  })

  test("§2 code_challenge_methods_supported is S256 [META-05]", async (server) => {
    expect((await json(server.send(wellKnown))).code_challenge_methods_supported).toEqual(["S256"])
  })

  test("§3 the document is at the well-known path [META-01]", async (server) => {
    expect((await server.send(`${wellKnown}/x`)).status).toBe(404)
    expect((await server.send(wellKnown)).status).toBe(200)
  })

  test(
    "§3.1 the well-known string is between host and path of an issuer with a path [META-02]",
    async (server) => {
      const document = await json(server.send(`${issuer}${wellKnown}/a/tenant`))
      expect(document.issuer).toBe(tenant.issuer)
      expect((await server.send(`${issuer}${wellKnown}`)).status).toBe(404)
    },
    { settings: tenant }
  )

  test("§3.1 the document is served to GET [META-14]", async (server) => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await server.send(wellKnown, { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get("allow")).toContain("GET")
    }
    const head = await server.send(wellKnown, { method: "HEAD" })
    expect(head.status).toBe(200)
  })

  test("§3.2 the response is 200 with application/json [META-13]", async (server) => {
    const answer = await server.send(wellKnown)
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
    await json(answer)
  })

  test(
    "§3.2 members without elements are omitted [META-09]",
    async (server) => {
      const document = await json(server.send(wellKnown))
      expect(document).not.toHaveProperty("scopes_supported")
      for (const [name, value] of Object.entries(document)) {
        expect(value === null || (Array.isArray(value) && value.length === 0), name).toBe(false)
      }
    },
    { settings: { resources: [{ uri: resource, scopes: {} }] } }
  )

  test("§3.3 the issuer is the URL from which the document's URL is built [META-01]", async (server) => {
    const { issuer: named } = await json(server.send(wellKnown))
    expect((await server.send(`${new URL(String(named)).origin}${wellKnown}`)).status).toBe(200)
  })

  test("§6.2 no part of a request changes the endpoint URLs [META-11, META-12]", async (server) => {
    const headers = { host: "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" }
    const answer = await server.send(wellKnown, { headers })
    expect(await answer.text()).not.toContain("evil.example")
  })
})
