/** OAuth 2.1: what it adds to RFC 6749, and what it takes away. */
import { describe, expect } from "@effect/vitest"
import { outcome, password, redirectUri, resource, test, tokensOf } from "../flow/support/Server.js"
import { acquainted, apart, confidential, json, register, sentBack } from "./support/Conformance.js"

apart([
  {
    section: "§1.5",
    requirement: "all endpoints are reached over TLS 1.2 or later",
    how: "elsewhere",
    why: "`test/domain/Issuer.test.ts`: an issuer is https, or http on loopback; TLS itself is the proxy's"
  },
  {
    section: "§2.4.2",
    requirement: "private_key_jwt and mutual TLS are recommended over secrets",
    how: "elsewhere",
    why: "`test/conformance/rfc7523.test.ts`; an app adds mutual TLS by `AuthMethods`"
  },
  {
    section: "§4.1.3",
    requirement: "a code that is presented again SHOULD revoke what was issued from it",
    how: "otherwise",
    why: "after `codeWindow` (2 s) only: see §4.1.2 of RFC 6749 above"
  },
  {
    section: "§4.3.1",
    requirement: "a refresh token of a public client that is used again is refused and the active one revoked",
    how: "otherwise",
    why: "within the retry window (30 s, may be 0) a superseded token of an honest burst gets the current one; after it, the rule holds"
  },
  {
    section: "§7.14",
    requirement: "clients guard against mix-up",
    how: "elsewhere",
    why: "the server's part is `iss`: `rfc9207.test.ts`"
  }
])

describe("OAuth 2.1", () => {
  test("§2.3.1 redirect URIs are compared as strings, loopback ports apart [AUTHZ-13, AUTHZ-20]", async (server) => {
    const { open } = await acquainted(server)
    for (const redirect_uri of [`${redirectUri}?`, `${redirectUri}/x`, "https://client.example:8443/callback"]) {
      expect((await open({ redirect_uri })).status, redirect_uri).toBe(400)
    }
  })

  test("§4.1.1 every client must send a code_challenge [AUTHZ-29]", async (server) => {
    for (const metadata of [{}, confidential]) {
      const { open } = await acquainted(server, metadata)
      expect(sentBack(await open({ code_challenge: undefined })).error).toBe("invalid_request")
    }
  })

  test("§4.1.3 a token request needs no redirect_uri [CODE-06]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    expect(await outcome(server.redeem(client, held, { redirect_uri: undefined }))).toBe("200")
  })

  test("§4.1.3 no code is issued without a code_challenge [CODE-03]", async (server) => {
    const { open } = await acquainted(server)
    const method = { code_challenge: undefined, code_challenge_method: undefined }
    expect(sentBack(await open(method))).not.toHaveProperty("code")
  })

  test("§4.3.1 refresh tokens of public clients are rotated [REFRESH-01]", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    expect(second.refresh_token).not.toBe(first.refresh_token)
  })

  test(
    "§4.3.1 a rotated refresh token is refused, and the current one is revoked [REFRESH-02]",
    async (server) => {
      const client = await server.register()
      const first = await server.tokens(client)
      const second = await tokensOf(server.refresh(client, first.refresh_token))
      expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
      expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
    },
    { settings: { lifetimes: { refreshWindow: 0 } } }
  )

  test("§4.3.1 an unused refresh token expires [REFRESH-09]", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    await server.advance("30 days")
    expect(await outcome(server.refresh(client, refresh_token))).toBe("400 invalid_grant")
  })

  test("§5.1.1 an access token in the query of a URI is refused [RS-04]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    expect((await server.send(`${resource}?access_token=${access_token}`)).status).toBe(401)
  })

  test("§7.5.1 the PKCE method S256 is accepted, and plain is refused [AUTHZ-30]", async (server) => {
    const { open } = await acquainted(server)
    for (const code_challenge_method of ["plain", undefined, "s256", "S512"]) {
      expect(sentBack(await open({ code_challenge_method })).error, code_challenge_method).toBe("invalid_request")
    }
  })

  test("§7.5.3 a code is never sent with 307, which would make the browser send the password again [LOGIN-31]", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    await browser.submit(page, { button: "allow" })
    const redirects = browser.seen.filter(({ headers }) => headers.has("location"))
    expect(redirects.length).toBeGreaterThanOrEqual(2)
    for (const { status } of redirects) expect([302, 303]).toContain(status)
  })

  test("§10 the implicit grant does not exist [AUTHZ-07]", async (server) => {
    const { open } = await acquainted(server)
    for (const response_type of ["token", "id_token", "code token", "code id_token token"]) {
      const answer = sentBack(await open({ response_type }))
      expect(answer.error, response_type).toBe("unsupported_response_type")
      expect(answer).not.toHaveProperty("access_token")
    }
    const answer = register(server, { redirect_uris: [redirectUri], grant_types: ["implicit"] })
    expect(await outcome(answer)).toBe("400 invalid_client_metadata")
  })

  test("§10 the password grant does not exist [TOKEN-08]", async (server) => {
    const client = await server.register(confidential)
    const answer = server.token(client, { grant_type: "password", username: "ada", password })
    expect(await outcome(answer)).toBe("400 unsupported_grant_type")
    const registration = register(server, { redirect_uris: [redirectUri], grant_types: ["password"] })
    expect(await outcome(registration)).toBe("400 invalid_client_metadata")
    const metadata = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(metadata.grant_types_supported).toEqual(["authorization_code", "client_credentials", "refresh_token"])
  })

  test("§10 no response to an authorization request has a fragment [AUTHZ-08]", async (server) => {
    const { open } = await acquainted(server)
    for (const response_mode of ["fragment", "form_post", "web_message"]) {
      expect(sentBack(await open({ response_mode })).error, response_mode).toBe("invalid_request")
    }
  })
})
