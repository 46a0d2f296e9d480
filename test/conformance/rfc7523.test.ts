/** RFC 7523: assertions for client authentication. */
import { describe, expect } from "@effect/vitest"
import * as Clock from "effect/Clock"
import { issuer, outcome, type TestServer, test } from "../flow/support/Server.js"
import { assertionType, claimsOf, makeKey, parametersOf, signed } from "../support/Assertions.js"
import { apart, json } from "./support/Conformance.js"

apart([
  {
    section: "§2.1",
    requirement: "a JWT as an authorization grant",
    how: "not applicable",
    why: "the server has no such grant type; an app may add one (`GrantTypes`)"
  },
  {
    section: "§3",
    requirement: "the audience may be the URL of the token endpoint",
    how: "otherwise",
    why: "[ADR 54](adr/0054-authenticate-clients-by-private-key-jwt.md): the issuer alone"
  },
  {
    section: "§4",
    requirement: "claims of the client's choice",
    how: "not applicable",
    why: "further claims are ignored"
  }
])

const key = makeKey("RS256", { kid: "one" })

/** A client that signs, and the outcome of a request with these claims and this header. */
const signer = async (server: TestServer) => {
  const { client_id } = await server.addClient({
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: [key.jwk] }
  })
  const now = await server.run(Clock.currentTimeMillis)
  return async (claims: object = {}, parameters: Readonly<Record<string, string>> = {}, by = key) => {
    const assertion = signed(by, {}, claimsOf(client_id, issuer, now, claims))
    const grant = { grant_type: "client_credentials" }
    return outcome(server.post("/token", { ...grant, ...parametersOf(assertion), ...parameters }))
  }
}

const refused = "401 invalid_client"

describe("RFC 7523", () => {
  test("§2.2 client_assertion_type names the JWT bearer profile", async (server) => {
    const attempt = await signer(server)
    expect(await attempt()).toBe("200")
    for (const client_assertion_type of [assertionType.toUpperCase(), `${assertionType}/`, "jwt-bearer"]) {
      expect(await attempt({}, { client_assertion_type })).toBe(refused)
    }
  })

  test("§3 iss and sub are the client's id [CAUTH-14]", async (server) => {
    const attempt = await signer(server)
    for (const claims of [{ iss: undefined }, { sub: undefined }, { iss: "x" }, { sub: "x" }]) {
      expect(await attempt(claims)).toBe(refused)
    }
  })

  test("§3 the audience is required and must be this server [CAUTH-13]", async (server) => {
    const attempt = await signer(server)
    for (const aud of [undefined, "https://other.example", []]) expect(await attempt({ aud })).toBe(refused)
  })

  test("§3 exp is required, and an expired or far expiry is refused [CAUTH-15]", async (server) => {
    const attempt = await signer(server)
    const now = Math.floor((await server.run(Clock.currentTimeMillis)) / 1000)
    for (const exp of [undefined, now - 60, now + 3600]) expect(await attempt({ exp })).toBe(refused)
  })

  test("§3 an assertion is not accepted before nbf, or with iat in the future [CAUTH-15]", async (server) => {
    const attempt = await signer(server)
    const later = Math.floor((await server.run(Clock.currentTimeMillis)) / 1000) + 120
    expect(await attempt({ nbf: later })).toBe(refused)
    expect(await attempt({ iat: later })).toBe(refused)
  })

  test("§3 a jti is used once [CAUTH-16]", async (server) => {
    const attempt = await signer(server)
    expect(await attempt({ jti: "one" })).toBe("200")
    expect(await attempt({ jti: "one" })).toBe(refused)
    expect(await attempt({ jti: "two" })).toBe("200")
  })

  test("§3 a signature that is not the client's is refused [CAUTH-17]", async (server) => {
    const attempt = await signer(server)
    expect(await attempt({}, {}, makeKey("RS256", { kid: "one" }))).toBe(refused)
  })

  test("§3.2 the error is invalid_client", async (server) => {
    const attempt = await signer(server)
    expect(await attempt({}, { client_assertion: "x" })).toBe(refused)
  })

  test("§5 RS256 is supported [CAUTH-12]", async (server) => {
    const metadata = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(metadata.token_endpoint_auth_signing_alg_values_supported).toContain("RS256")
  })
})
