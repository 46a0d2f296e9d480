/** RFC 7591: dynamic client registration. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { InitialAccessTokens } from "../../src/services/clients/InitialAccessTokens.js"
import { outcome, redirectUri, start, test } from "../flow/support/Server.js"
import { apart, confidential, json, register } from "./support/Conformance.js"

const good = { redirect_uris: [redirectUri] }

apart([
  {
    section: "§2",
    requirement: "`scope` may be registered",
    how: "otherwise",
    why: "a scope that a self-registered client chose is ignored (`docs/adr/0010-self-registered-clients-and-scope.md`)"
  },
  {
    section: "§2",
    requirement: "`jwks_uri` and `jwks` are not both present",
    how: "elsewhere",
    why: "`test/flow/oauth/ClientKeys.test.ts`"
  },
  {
    section: "§2.2",
    requirement: "human-readable members may carry language tags",
    how: "otherwise",
    why: "optional: tagged members count as unknown, and are ignored, as is tested"
  },
  {
    section: "§2.3",
    requirement: "the claims of a software statement take precedence",
    how: "elsewhere",
    why: "`test/flow/oauth/SoftwareStatements.test.ts`, with issuers in the settings"
  },
  {
    section: "§3.2.2",
    requirement: "invalid_software_statement, unapproved_software_statement",
    how: "elsewhere",
    why: "`test/flow/oauth/SoftwareStatements.test.ts`"
  },
  {
    section: "§4",
    requirement: "reading, updating and deleting a registration (RFC 7592)",
    how: "elsewhere",
    why: "`rfc7592.test.ts`"
  }
])

const member = async (answer: Promise<Response>, name: string) => (await json(answer, 201))[name]

describe("RFC 7591", () => {
  test("§2 token_endpoint_auth_method is client_secret_basic by default [REG-02]", async (server) => {
    expect(await member(register(server, good), "token_endpoint_auth_method")).toBe("client_secret_basic")
  })

  test("§2 grant_types is authorization_code by default [REG-02]", async (server) => {
    expect(await member(register(server, good), "grant_types")).toEqual(["authorization_code"])
  })

  test("§2 response_types is code by default [REG-02]", async (server) => {
    expect(await member(register(server, good), "response_types")).toEqual(["code"])
  })

  test("§2 a client of redirect-based flows must register redirect URIs [REG-07]", async (server) => {
    expect(await outcome(register(server, {}))).toBe("400 invalid_redirect_uri")
    expect(await outcome(register(server, { redirect_uris: [] }))).toBe("400 invalid_redirect_uri")
  })

  test("§2 unknown members are ignored, and not echoed [REG-12, REG-13]", async (server) => {
    const answer = await json(register(server, { ...good, unknown: 1, toString: "x", client_id: "mine" }), 201)
    expect(Object.hasOwn(answer, "unknown") || Object.hasOwn(answer, "toString")).toBe(false)
    expect(answer.client_id).not.toBe("mine")
  })

  test("§2 a member of the wrong type is refused, or dropped if it only describes the client [REG-11]", async (server) => {
    for (const wrong of [{ grant_types: "authorization_code" }, { token_endpoint_auth_method: ["none"] }]) {
      expect(await outcome(register(server, { ...good, ...wrong }))).toBe("400 invalid_client_metadata")
    }
    for (const [name, value] of Object.entries({ client_name: 1, contacts: "ada" })) {
      expect(await json(register(server, { ...good, [name]: value }), 201)).not.toHaveProperty(name)
    }
  })

  test("§2.1 grant_types and response_types must agree [REG-11]", async (server) => {
    for (const pair of [
      { grant_types: ["authorization_code"], response_types: [] },
      { grant_types: ["refresh_token"], response_types: ["code"] }
    ]) {
      expect(await outcome(register(server, { ...good, ...pair }))).toBe("400 invalid_client_metadata")
    }
  })

  test("§2.2 language-tagged members are ignored [REG-18]", async (server) => {
    const answer = await json(register(server, { ...good, client_name: "Notes", "client_name#de": "Notizen" }), 201)
    expect(answer.client_name).toBe("Notes")
    expect(answer).not.toHaveProperty("client_name#de")
  })

  test("§2.3 a software statement of an issuer that the server does not trust is ignored [REG-15]", async (server) => {
    const claims = Buffer.from(JSON.stringify({ client_name: "Bank" })).toString("base64url")
    const answer = await json(register(server, { ...good, software_statement: `e30.${claims}.` }), 201)
    expect(answer).not.toHaveProperty("client_name")
    expect(answer).not.toHaveProperty("software_statement")
  })

  test("§3 a registration must be a POST [REG-01]", async (server) => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      expect((await server.send("/register", { method })).status).toBe(405)
    }
  })

  test("§3.1 a registration must be a JSON object with the type application/json [REG-01]", async (server) => {
    for (const body of ["", "[]", "null", '"x"', "{", "1"]) {
      expect((await register(server, body)).status, body).toBe(400)
    }
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    const answer = server.send("/register", { method: "POST", body: JSON.stringify(good), headers })
    expect(await outcome(answer)).toBe("400 invalid_request")
  })

  test("§3.1 a registration needs no initial access token [REG-04]", async (server) => {
    expect((await register(server, good)).status).toBe(201)
  })

  test(
    "§3 a registration may need an initial access token, which is a bearer token [REG-04]",
    async (server) => {
      expect((await register(server, good)).status).toBe(401)
      const { secret } = await server.run(Effect.flatMap(InitialAccessTokens, ({ create }) => create({})))
      const answer = server.send("/register", {
        method: "POST",
        body: JSON.stringify(good),
        headers: { "content-type": "application/json", authorization: `Bearer ${Redacted.value(secret)}` }
      })
      expect(await outcome(answer)).toBe("201")
    },
    { settings: { registration: "Token" } }
  )

  test("§3.2.1 the response is 201 JSON, not cached [REG-02]", async (server) => {
    const answer = await register(server, good)
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect(answer.headers.get("pragma")).toBe("no-cache")
    await json(answer, 201)
  })

  test("§3.2.1 client_id is new, and client_id_issued_at is in seconds [REG-02]", async (server) => {
    const answers = [await json(register(server, good), 201), await json(register(server, good), 201)]
    expect(answers[0]?.client_id).not.toBe(answers[1]?.client_id)
    expect(answers[0]?.client_id_issued_at).toBe(start / 1000)
  })

  test("§3.2.1 each client gets its own secret, with its expiry [REG-03]", async (server) => {
    const answers = [await json(register(server, good), 201), await json(register(server, good), 201)]
    expect(answers[0]?.client_secret).not.toBe(answers[1]?.client_secret)
    expect(answers[0]?.client_secret_expires_at).toBe(0)
  })

  test("§3.2.1 a client that does not authenticate has no secret [REG-03]", async (server) => {
    const answer = await json(register(server, { ...good, token_endpoint_auth_method: "none" }), 201)
    expect(answer).not.toHaveProperty("client_secret")
    expect(answer).not.toHaveProperty("client_secret_expires_at")
  })

  test("§3.2.1 all registered metadata is returned [REG-02]", async (server) => {
    const metadata = {
      redirect_uris: [redirectUri, "https://client.example/other"],
      token_endpoint_auth_method: "client_secret_post",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      client_name: "Notes für alle",
      client_uri: "https://client.example/",
      logo_uri: "https://client.example/logo.png",
      tos_uri: "https://client.example/tos",
      policy_uri: "https://client.example/policy",
      contacts: ["ada@client.example"],
      software_id: "4NRB1",
      software_version: "1.0"
    }
    expect(await json(register(server, metadata), 201)).toMatchObject(metadata)
  })

  test("§3.2.1 the response names metadata that the server replaced", async (server) => {
    const grant_types = ["authorization_code", "urn:example:unknown"]
    expect(await member(register(server, { ...good, grant_types }), "grant_types")).toEqual(["authorization_code"])
  })

  test("§3.2.1 the registered metadata decide [CAUTH-07]", async (server) => {
    const client = await server.register(confidential)
    expect((await server.tokens(client)).access_token).toMatch(/^lk_at_/)
  })

  test("§3.2.2 an error is 400 JSON with error and error_description, not cached", async (server) => {
    const answer = await register(server, { ...good, grant_types: ["implicit"] })
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect(await json(answer, 400)).toEqual({
      error: "invalid_client_metadata",
      error_description: expect.any(String)
    })
  })

  test("§3.2.2 a refused redirect URI gets invalid_redirect_uri [REG-08, REG-09]", async (server) => {
    const wrong = [
      "javascript:alert(1)",
      "data:text/html,x",
      "http://client.example/cb",
      "https://client.example/cb#x",
      "https://*.client.example/cb",
      "https://ada:x@client.example/cb",
      "/cb",
      "file:///etc/passwd"
    ]
    for (const uri of wrong) {
      expect(await outcome(register(server, { redirect_uris: [uri] })), uri).toBe("400 invalid_redirect_uri")
    }
  })

  test("§3.2.2 an unsupported authentication method gets invalid_client_metadata", async (server) => {
    for (const token_endpoint_auth_method of ["client_secret_jwt", "private_key_jwt", "tls_client_auth", "NONE"]) {
      const answer = register(server, { ...good, token_endpoint_auth_method })
      expect(await outcome(answer), token_endpoint_auth_method).toBe("400 invalid_client_metadata")
    }
  })

  test("§5 the URLs of a client must be web pages, and no scripts [REG-14]", async (server) => {
    for (const name of ["client_uri", "logo_uri", "tos_uri", "policy_uri"]) {
      for (const url of ["javascript:alert(1)", "data:text/html,x", "http://client.example/", "x"]) {
        expect(await json(register(server, { ...good, [name]: url }), 201), url).not.toHaveProperty(name)
      }
    }
  })

  test("§5 the size of a registration is limited [REG-05]", async (server) => {
    const many = Array.from({ length: 11 }, (_, index) => `${redirectUri}/${index}`)
    expect((await register(server, { redirect_uris: many })).status).toBe(400)
    expect((await register(server, { ...good, unknown: "x".repeat(70_000) })).status).toBe(413)
  })

  test("§5 the page of a client with another's name shows the target of the redirect [REG-16, LOGIN-16]", async (server) => {
    const { page } = await server.toConsent(await server.register({ client_name: "Your Bank" }))
    expect(page.document.querySelector("main")?.text).toContain("client.example")
  })
})
