/** RFC 9207: the issuer in the authorization response. */
import { describe, expect } from "@effect/vitest"
import { issuer, notes, redirectUri, test } from "../flow/support/Server.js"
import { acquainted, allow, apart, json, sentBack } from "./support/Conformance.js"

const tenant = { issuer: `${issuer}/a/tenant`, resources: [{ ...notes, uri: `${issuer}/a/tenant/notes` }] }

apart([
  {
    section: "§2.4",
    requirement: "clients compare `iss` with the issuer that they sent the request to",
    how: "elsewhere",
    why: "a rule for clients: `test/e2e/clients.test.ts` has two that compare"
  },
  {
    section: "§2.4",
    requirement: "with JARM the parameter is not needed",
    how: "not applicable",
    why: "answers are not JWTs"
  },
  {
    section: "§4",
    requirement: "other countermeasures to mix-up",
    how: "not applicable",
    why: "a rule for clients"
  }
])

describe("RFC 9207", () => {
  test("§2 a successful response has iss [AUTHZ-42]", async (server) => {
    expect(sentBack((await allow(server, await server.register())).answer).iss).toBe(issuer)
  })

  test("§2 an error response has iss [AUTHZ-42]", async (server) => {
    const { open } = await acquainted(server)
    for (const parameters of [
      { scope: 'ad"min' },
      { response_type: "token" },
      { resource: "https://other.example/" }
    ]) {
      expect(sentBack(await open(parameters)).iss).toBe(issuer)
    }
  })

  test("§2 the response after Deny has iss [AUTHZ-42]", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    expect(sentBack(await browser.submit(page, { button: "deny" }))).toMatchObject({
      error: "access_denied",
      iss: issuer
    })
  })

  test("§2 a response has iss once [AUTHZ-42]", async (server) => {
    const { answer } = await allow(server, await server.register(), { iss: "https://evil.example" })
    expect(answer.sentTo?.searchParams.getAll("iss")).toEqual([issuer])
  })

  test("§2 a redirect URI with iss in its query is not registered", async (server) => {
    await expect(server.register({ redirect_uris: [`${redirectUri}?iss=https://evil.example`] })).rejects.toThrow()
  })

  test("§2 iss is exactly the issuer of the metadata [AUTHZ-42]", async (server) => {
    const { issuer: named } = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(sentBack((await allow(server, await server.register())).answer).iss).toBe(named)
  })

  test(
    "§2 iss is a URL with the whole path, without query and fragment [AUTHZ-42]",
    async (server) => {
      const { answer } = await allow(server, await server.register(), { resource: tenant.resources[0]?.uri })
      expect(sentBack(answer).iss).toBe(tenant.issuer)
    },
    { settings: tenant }
  )

  test("§2.3 authorization_response_iss_parameter_supported is true in the metadata [META-06]", async (server) => {
    const metadata = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(metadata.authorization_response_iss_parameter_supported).toBe(true)
  })
})
