/** RFC 9728: protected resource metadata. */
import { describe, expect } from "@effect/vitest"
import { files, issuer, notes, resource, test } from "../flow/support/Server.js"
import { apart, challengeOf, json } from "./support/Conformance.js"

const wellKnown = "/.well-known/oauth-protected-resource"
const both = { settings: { resources: [{ ...notes, name: "Your notes" }, files] } }

apart([
  {
    section: "§2",
    requirement: "`jwks_uri`, `resource_signing_alg_values_supported`",
    how: "not applicable",
    why: "the resources sign nothing"
  },
  {
    section: "§2",
    requirement: "`resource_documentation`, `resource_policy_uri`, `resource_tos_uri`",
    how: "not applicable",
    why: "optional, and the server has none"
  },
  {
    section: "§2",
    requirement:
      "`tls_client_certificate_bound_access_tokens`, `dpop_bound_access_tokens_required`, `authorization_details_types_supported`",
    how: "not applicable",
    why: "tokens are bearer tokens; a missing member means false, or nothing"
  },
  {
    section: "§2.1",
    requirement: "human-readable members may carry language tags",
    how: "not applicable",
    why: "optional, and not done"
  },
  {
    section: "§2.2",
    requirement: "signed metadata",
    how: "not applicable",
    why: "optional, and not done"
  },
  {
    section: "§3.3",
    requirement: "clients check that `resource` is what they asked for",
    how: "elsewhere",
    why: "a rule for clients: `test/e2e/mcp.test.ts` has one that checks"
  },
  {
    section: "§4",
    requirement: "`protected_resources` in the server's metadata",
    how: "not applicable",
    why: "optional, and not done: a client starts from the resource"
  },
  {
    section: "§7.7",
    requirement: "clients that fetch metadata guard against server-side request forgery",
    how: "not applicable",
    why: "a rule for clients"
  }
])

describe("RFC 9728", () => {
  test("§2 resource is the resource's indicator [PRM-01]", async (server) => {
    expect((await json(server.send(`${wellKnown}/notes`))).resource).toBe(resource)
  })

  test("§2 authorization_servers names exactly the issuer [PRM-02]", async (server) => {
    expect((await json(server.send(`${wellKnown}/notes`))).authorization_servers).toEqual([issuer])
  })

  test("§2 scopes_supported lists the scopes of the resource", async (server) => {
    expect((await json(server.send(`${wellKnown}/notes`))).scopes_supported).toEqual(["notes:read", "notes:write"])
  })

  test("§2 bearer_methods_supported is header alone, and no other method works [PRM-03]", async (server) => {
    expect((await json(server.send(`${wellKnown}/notes`))).bearer_methods_supported).toEqual(["header"])
    const { access_token } = await server.tokens(await server.register())
    expect((await server.post(resource, { access_token })).status).toBe(401)
    expect((await server.send(`${resource}?access_token=${access_token}`)).status).toBe(401)
  })

  test(
    "§2 resource_name is the display name",
    async (server) => {
      expect((await json(server.send(`${wellKnown}/notes`))).resource_name).toBe("Your notes")
      expect(await json(server.send(`${wellKnown}/files`))).not.toHaveProperty("resource_name")
    },
    both
  )

  test("§3 the document is at the well-known path, inserted before the resource's own [PRM-01]", async (server) => {
    expect((await server.send(`${issuer}${wellKnown}/notes`)).status).toBe(200)
    expect((await server.send(`${resource}${wellKnown}`)).status).toBe(404)
  })

  test("§3 the document is also at the root [PRM-01]", async (server) => {
    expect(await json(server.send(wellKnown))).toMatchObject({ resource })
  })

  test(
    "§3.1 each resource of a host has its own document [PRM-05]",
    async (server) => {
      expect((await json(server.send(`${wellKnown}/notes`))).resource).toBe(resource)
      expect(await json(server.send(`${wellKnown}/files`))).toMatchObject({
        resource: files.uri,
        scopes_supported: ["files:read"]
      })
      expect((await server.send(`${wellKnown}/other`)).status).toBe(404)
    },
    both
  )

  test("§3.1 the document is served to every GET [PRM-04]", async (server) => {
    const answer = await server.send(`${wellKnown}/notes`, { headers: { origin: "https://app.example" } })
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, "*"])
    expect((await server.send(`${wellKnown}/notes`, { method: "POST" })).status).toBe(405)
  })

  test("§3.2 the response is 200 with application/json", async (server) => {
    await json(server.send(`${wellKnown}/notes`))
  })

  test(
    "§3.2 members without elements are omitted",
    async (server) => {
      expect(await json(server.send(`${wellKnown}/notes`))).not.toHaveProperty("scopes_supported")
    },
    { settings: { resources: [{ uri: resource, scopes: {} }] } }
  )

  test("§3.3 the resource is the URL from which the document's URL is built [PRM-01]", async (server) => {
    const { resource: named } = await json(server.send(`${wellKnown}/notes`))
    const url = new URL(String(named))
    expect(`${url.origin}${wellKnown}${url.pathname}`).toBe(`${issuer}${wellKnown}/notes`)
  })

  test("§5.1 the challenge names the document [PRM-06]", async (server) => {
    const { resource_metadata } = challengeOf(await server.call(undefined))
    expect(resource_metadata).toBe(`${issuer}${wellKnown}/notes`)
    expect((await json(server.send(String(resource_metadata)))).resource).toBe(resource)
  })

  test("§5.1 every challenge names the document, whatever is wrong with the token [PRM-06]", async (server) => {
    const { access_token } = await server.tokens(await server.register(), { scope: "notes:write" })
    for (const [token, status] of [
      ["wrong", 401],
      [access_token, 403]
    ] as const) {
      const answer = await server.call(token)
      expect(answer.status).toBe(status)
      expect(challengeOf(answer).resource_metadata).toBe(`${issuer}${wellKnown}/notes`)
    }
  })

  test(
    "§5.1 each resource names its own document [PRM-05]",
    async (server) => {
      const challenge = challengeOf(await server.call(undefined, files.uri))
      expect(challenge.resource_metadata).toBe(`${issuer}${wellKnown}/files`)
    },
    both
  )

  test("§5.1 scripts may read the challenge [CORS-04]", async (server) => {
    const answer = await server.call(undefined)
    expect(answer.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate")
  })

  test("§5.2 the document is the same for every client, and may be cached [META-13]", async (server) => {
    const answer = await server.send(`${wellKnown}/notes`)
    expect(answer.headers.get("cache-control")).toMatch(/^public, max-age=\d+$/)
    expect(answer.headers.get("etag")).toMatch(/^"/)
  })

  test("§7.3 the documents lead a client from the challenge to a token to the resource [PRM-02]", async (server) => {
    const { resource_metadata } = challengeOf(await server.call(undefined))
    const { authorization_servers } = await json(server.send(String(resource_metadata)))
    const [named] = authorization_servers as ReadonlyArray<string>
    expect((await json(server.send(`${named}/.well-known/oauth-authorization-server`))).issuer).toBe(named)
    const { access_token } = await server.tokens(await server.register())
    expect((await server.call(access_token)).status).toBe(200)
  })

  test("§7.5 no part of a request changes the URLs of the document [META-11]", async (server) => {
    const headers = { host: "evil.example", "x-forwarded-host": "evil.example" }
    expect(await (await server.send(`${wellKnown}/notes`, { headers })).text()).not.toContain("evil.example")
    const answer = await server.send(resource, { headers })
    expect(answer.headers.get("www-authenticate")).not.toContain("evil.example")
  })
})
