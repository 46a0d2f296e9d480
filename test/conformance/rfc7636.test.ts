/** RFC 7636: proof key for code exchange. */
import { describe, expect } from "@effect/vitest"
import { outcome, test } from "../flow/support/Server.js"
import { acquainted, allow, apart, confidential, json, sentBack } from "./support/Conformance.js"

apart([
  {
    section: "§4.2",
    requirement: "a client that cannot use S256 may use plain",
    how: "otherwise",
    why: "`plain` does not exist (OAuth 2.1 §7.5.1): a test shows its refusal"
  },
  {
    section: "§4.3",
    requirement: "code_challenge_method defaults to plain when it is missing",
    how: "otherwise",
    why: "a request without the method is refused, as is tested"
  },
  {
    section: "§4.6",
    requirement: "plain compares verifier and challenge directly",
    how: "otherwise",
    why: "`plain` does not exist"
  },
  {
    section: "§4.1",
    requirement: "the verifier has enough entropy (§7.1)",
    how: "not applicable",
    why: "a rule for clients; the server checks its form alone"
  },
  {
    section: "§5",
    requirement: "servers may accept clients that do not use the extension",
    how: "otherwise",
    why: "PKCE is required of every client (OAuth 2.1 §4.1.1)"
  }
])

/** The example of Appendix B. */
const example = {
  verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
  challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
}

describe("RFC 7636", () => {
  test("§4.1 a verifier is 43 to 128 unreserved characters [CODE-02]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    for (const verifier of ["x".repeat(42), "x".repeat(129), `${"x".repeat(43)}=`, `${"x".repeat(43)}é`]) {
      expect(await outcome(server.redeem(client, { ...held, verifier })), verifier).toBe("400 invalid_request")
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  test("§4.2 a challenge is BASE64URL of a SHA-256: 43 characters [AUTHZ-31]", async (server) => {
    const { open } = await acquainted(server)
    for (const code_challenge of ["x", "x".repeat(42), "x".repeat(44), `${example.challenge}=`, "+".repeat(43)]) {
      expect(sentBack(await open({ code_challenge })).error, code_challenge).toBe("invalid_request")
    }
  })

  test("§4.3 an authorization request needs a code_challenge [AUTHZ-29]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ code_challenge: undefined })).error).toBe("invalid_request")
  })

  test("§4.3 a missing method means plain, and is refused [AUTHZ-30]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ code_challenge_method: undefined })).error).toBe("invalid_request")
  })

  test("§4.4 a response with a code does not contain its challenge [AUTHZ-32]", async (server) => {
    const { answer } = await allow(server, await server.register(), { code_challenge: example.challenge })
    expect(JSON.stringify(sentBack(answer))).not.toContain(example.challenge)
  })

  test("§4.4.1 a request without a challenge gets invalid_request with a description [AUTHZ-29]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ code_challenge: undefined })).error_description).toContain("code_challenge")
  })

  test("§4.4.1 an unsupported method gets invalid_request [AUTHZ-30]", async (server) => {
    const { open } = await acquainted(server)
    for (const code_challenge_method of ["plain", "S512", "s256", "none"]) {
      expect(sentBack(await open({ code_challenge_method })).error, code_challenge_method).toBe("invalid_request")
    }
  })

  test("§4.5 a token request needs a code_verifier [CODE-01]", async (server) => {
    for (const metadata of [{}, confidential]) {
      const client = await server.register(metadata)
      const held = await server.code(client)
      expect(await outcome(server.redeem(client, held, { code_verifier: undefined }))).toBe("400 invalid_request")
    }
  })

  test("§4.6 the hash of the verifier must equal the challenge [CODE-02]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    const verifier = `${held.verifier.slice(0, -1)}${held.verifier.endsWith("A") ? "B" : "A"}`
    expect(await outcome(server.redeem(client, { ...held, verifier }))).toBe("400 invalid_grant")
  })

  test("§4.6 a wrong verifier from the right client spends the code [CODE-02]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    await server.redeem(client, { ...held, verifier: "v".repeat(43) })
    expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
  })

  test("§4.6 the challenge itself is refused as a verifier", async (server) => {
    const client = await server.register()
    const { code } = await server.code(client, { code_challenge: example.challenge })
    expect(await outcome(server.redeem(client, { code, verifier: example.challenge }))).toBe("400 invalid_grant")
  })

  test("§5 the metadata name the method, which every client must use [META-05]", async (server) => {
    const metadata = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(metadata.code_challenge_methods_supported).toEqual(["S256"])
  })

  test("§7.2 an attacker cannot redeem an intercepted code without the verifier [CODE-02]", async (server) => {
    const client = await server.register()
    const { code } = await server.code(client)
    const own = await server.request(client)
    expect(await outcome(server.redeem(client, { code, verifier: own.verifier }))).toBe("400 invalid_grant")
  })

  test("Appendix B the example verifier matches the example challenge", async (server) => {
    const client = await server.register()
    const { code } = await server.code(client, { code_challenge: example.challenge })
    expect(await outcome(server.redeem(client, { code, verifier: example.verifier }))).toBe("200")
  })
})
