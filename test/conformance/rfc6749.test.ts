/** RFC 6749, as OAuth 2.1 leaves it: the framework. */
import { describe, expect } from "@effect/vitest"
import {
  basic,
  issuer,
  outcome,
  password,
  redirectUri,
  resource,
  test,
  tokensOf,
  toSearchParams
} from "../flow/support/Server.js"
import { acquainted, allow, apart, confidential, json, sentBack } from "./support/Conformance.js"

apart([
  {
    section: "§2.3",
    requirement: "the server may offer any form of client authentication",
    how: "otherwise",
    why: "`none`, `client_secret_basic` and `client_secret_post`, and no other"
  },
  {
    section: "§3.1.2.1",
    requirement: "the endpoints are reached over TLS",
    how: "elsewhere",
    why: "`test/domain/Issuer.test.ts`: an issuer is https, or http on loopback; TLS itself is the proxy's"
  },
  {
    section: "§3.2.1",
    requirement: "brute force on client secrets is guarded against (§10.10)",
    how: "otherwise",
    why: "a secret has 256 random bits from the server, which cannot be guessed"
  },
  {
    section: "§4.2",
    requirement: "the implicit grant",
    how: "otherwise",
    why: "it does not exist (OAuth 2.1 §10); `oauth21.test.ts` tests its refusal"
  },
  {
    section: "§4.3",
    requirement: "the resource owner password credentials grant",
    how: "otherwise",
    why: "it does not exist (OAuth 2.1 §10); `oauth21.test.ts` tests its refusal"
  },
  {
    section: "§4.1.2",
    requirement: "a code that is used twice is denied, and its tokens SHOULD be revoked",
    how: "otherwise",
    why: "within `codeWindow` (2 s) the second use is a duplicate and revokes nothing; with a window of 0 the tokens are revoked, as is tested"
  },
  {
    section: "§4.5",
    requirement: "extension grants are named by absolute URIs",
    how: "elsewhere",
    why: "the app names its grant types; `test/flow/server/Defects.test.ts` registers one"
  },
  {
    section: "§5.2",
    requirement: "`error_uri` may be given",
    how: "not applicable",
    why: "it is optional, and no answer here has one"
  },
  {
    section: "§6",
    requirement: "the server may revoke the old refresh token after issuing a new one",
    how: "otherwise",
    why: "it always rotates; for 30 s a superseded token of an honest burst gets the current one (`docs/adr/0007-the-retry-window-and-the-duplicate-window.md`)"
  },
  {
    section: "§7.1",
    requirement: "the client does not use a token whose type it does not know",
    how: "not applicable",
    why: "a rule for clients"
  },
  {
    section: "§10.11",
    requirement: "phishing of the user's password",
    how: "not applicable",
    why: "a rule for users and browsers; the pages need no script and name the client"
  }
])

describe("RFC 6749 clients", () => {
  test("§2.2 the server chooses a unique client identifier", async (server) => {
    const ids = [await server.register(), await server.register()].map(({ client_id }) => client_id)
    expect(new Set(ids).size).toBe(2)
    for (const id of ids) expect(id).toMatch(/^[\x21-\x7E]+$/)
  })

  test("§2.2 a client identifier alone does not authenticate a confidential client [CAUTH-21]", async (server) => {
    const client = await server.register(confidential)
    const held = await server.code(client)
    expect(await outcome(server.redeem({ ...client, token_endpoint_auth_method: "none" }, held))).toBe(
      "401 invalid_client"
    )
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  test("§2.3.1 a client with a secret may use HTTP Basic [CAUTH-02]", async (server) => {
    const client = await server.register(confidential)
    expect((await server.tokens(client)).access_token).toMatch(/^lk_at_/)
  })

  test("§2.3.1 the id and secret in the header may be form-encoded [CAUTH-02]", async (server) => {
    const client = await server.register(confidential)
    const encoded = Array.from(String(client.client_secret), (c) => `%${c.charCodeAt(0).toString(16)}`).join("")
    const answer = server.post("/token", { grant_type: "x" }, basic(client.client_id, encoded))
    expect(await outcome(answer)).toBe("400 unsupported_grant_type")
  })

  test("§2.3.1 a client may include its credentials in the body [CAUTH-01]", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_post" })
    expect((await server.tokens(client)).access_token).toMatch(/^lk_at_/)
  })

  test("§2.3.1 credentials in the request URI are refused [CAUTH-06]", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_post" })
    const query = toSearchParams({ client_id: client.client_id, client_secret: String(client.client_secret) })
    expect(await outcome(server.post(`/token?${query}`, { grant_type: "client_credentials" }))).toBe(
      "400 invalid_request"
    )
  })

  test("§2.3 a request with two authentication methods is refused [CAUTH-05]", async (server) => {
    const { client_id, client_secret } = await server.register(confidential)
    const secret = String(client_secret)
    const both = { grant_type: "client_credentials", client_id, client_secret: secret }
    expect(await outcome(server.post("/token", both, basic(client_id, secret)))).toBe("400 invalid_request")
  })

  test("§2.3 a confidential client sends its secret in the header or in the body, and a public client sends none [CAUTH-07]", async (server) => {
    const client = await server.register(confidential)
    const posting = { ...client, token_endpoint_auth_method: "client_secret_post" }
    expect(await outcome(server.token(posting, { grant_type: "x" }))).toBe("400 unsupported_grant_type")
    expect(await outcome(server.token({ ...posting, client_secret: "x" }, { grant_type: "x" }))).toBe(
      "401 invalid_client"
    )
    const plain = await server.register()
    const headers = basic(plain.client_id, "secret")
    expect(await outcome(server.post("/token", { grant_type: "x" }, headers))).toBe("401 invalid_client")
  })

  test("§2.4 an unregistered client is refused [AUTHZ-10]", async (server) => {
    expect(await outcome(server.post("/token", { grant_type: "x", client_id: "nobody" }))).toBe("401 invalid_client")
    const page = await server.browser().open(`${issuer}/authorize?response_type=code&client_id=nobody`)
    expect(page.status).toBe(400)
    expect(page.sentTo).toBeUndefined()
  })
})

describe("RFC 6749 the authorization endpoint", () => {
  test("§3.1 the user logs in first", async (server) => {
    const { url } = await server.request(await server.register())
    const page = await server.browser().open(url)
    expect(page.document.querySelector("input[name=password]")).not.toBeNull()
    expect(page.document.querySelector("button[value=allow]")).toBeNull()
  })

  test("§3.1 an authorization request may be a GET [AUTHZ-02]", async (server) => {
    const { url } = await server.request(await server.register())
    expect((await server.browser().open(url)).status).toBe(200)
  })

  test("§3.1 an authorization request may be a POST, and follows the same rules [AUTHZ-02]", async (server) => {
    const { url } = await server.request(await server.register())
    const answer = await server.send(`${issuer}/authorize`, { method: "POST", body: url.searchParams })
    expect(answer.status).toBe(303)
    expect(new URL(answer.headers.get("location") ?? "", issuer).searchParams.get("state")).toBe("the state")
  })

  test("§3.1 a parameter without a value counts as omitted [AUTHZ-04]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ response_type: "" })).error).toBe("invalid_request")
    expect((await open({ prompt: "consent", scope: "", resource: "", login_hint: "" })).status).toBe(200)
  })

  test("§3.1 an unrecognised parameter is ignored [AUTHZ-03]", async (server) => {
    const { open } = await acquainted(server)
    const page = await open({ prompt: "consent", unknown: "1", "a[b]": "2", nonce: "3" })
    expect([page.status, page.sentTo]).toEqual([200, undefined])
  })

  test("§3.1 a repeated parameter is refused [AUTHZ-05]", async (server) => {
    const { open } = await acquainted(server)
    for (const name of ["response_type", "scope", "state", "code_challenge"]) {
      expect(sentBack(await open({ [name]: ["code", "code"] })).error, name).toBe("invalid_request")
    }
  })

  test("§3.1.1 response_type is required [AUTHZ-06]", async (server) => {
    const { open } = await acquainted(server)
    expect(sentBack(await open({ response_type: undefined })).error).toBe("invalid_request")
  })

  test("§3.1.1 an unknown response_type is unsupported_response_type [AUTHZ-07]", async (server) => {
    const { open } = await acquainted(server)
    for (const response_type of ["CODE", "none", "code code", "device"]) {
      expect(sentBack(await open({ response_type })).error, response_type).toBe("unsupported_response_type")
    }
  })

  test("§3.1.2 the redirection endpoint is an absolute URI [REG-09]", async (server) => {
    for (const uri of ["/callback", "client.example/callback", "//client.example/callback"]) {
      await expect(server.register({ redirect_uris: [uri] }), uri).rejects.toThrow()
    }
  })

  test("§3.1.2 the redirection endpoint has no fragment [AUTHZ-18]", async (server) => {
    for (const uri of [`${redirectUri}#`, `${redirectUri}#x`]) {
      await expect(server.register({ redirect_uris: [uri] }), uri).rejects.toThrow()
    }
    const { open } = await acquainted(server)
    const page = await open({ redirect_uri: `${redirectUri}#x` })
    expect([page.status, page.sentTo]).toEqual([400, undefined])
  })

  test("§3.1.2 a query of the redirection endpoint is retained [AUTHZ-16]", async (server) => {
    const uri = `${redirectUri}?tenant=a&b=%20c`
    const client = await server.register({ redirect_uris: [uri] })
    const { answer } = await allow(server, client, { redirect_uri: uri })
    expect(answer.sentTo?.href.startsWith(`${uri}&code=`)).toBe(true)
  })

  test("§3.1.2.2 a client that uses the endpoint registers its redirection endpoints [REG-07]", async (server) => {
    await expect(server.register({ redirect_uris: [] })).rejects.toThrow()
  })

  test("§3.1.2.3 a request names one of several registered redirect URIs [AUTHZ-11]", async (server) => {
    const client = await server.register({ redirect_uris: [redirectUri, "https://client.example/other"] })
    const { url } = await server.request(client, { redirect_uri: undefined })
    const page = await server.browser().open(url)
    expect([page.status, page.sentTo]).toEqual([400, undefined])
  })

  test("§3.1.2.3 the only registered redirect URI may be left out [AUTHZ-12]", async (server) => {
    const { answer } = await allow(server, await server.register(), { redirect_uri: undefined })
    expect(sentBack(answer)).toHaveProperty("code")
  })

  test("§3.1.2.3 a redirect URI is compared as a string [AUTHZ-13, AUTHZ-14, AUTHZ-15, AUTHZ-17]", async (server) => {
    const { open } = await acquainted(server)
    const others = [
      "https://client.example/Callback",
      "https://client.example/callback/",
      "https://client.example/callback?x=1",
      "https://client.example/callback/../callback",
      "https://client.example/%63allback",
      "https://CLIENT.example/callback",
      "https://client.example:443/callback",
      "https://ada@client.example/callback",
      "https://client.example.evil.example/callback",
      "http://client.example/callback",
      "HTTPS://client.example/callback"
    ]
    for (const redirect_uri of others) {
      const page = await open({ redirect_uri })
      expect([page.status, page.sentTo], redirect_uri).toEqual([400, undefined])
    }
  })

  test("§3.1.2.4 the server never redirects to an invalid redirection URI [AUTHZ-10, AUTHZ-13]", async (server) => {
    const { open } = await acquainted(server)
    const page = await open({ redirect_uri: "https://evil.example/" })
    expect([page.status, page.sentTo]).toEqual([400, undefined])
    expect(page.html).not.toContain("evil.example")
  })

  test("§3.1.2.5 the response for the redirection endpoint is a redirect without a script", async (server) => {
    const { answer } = await allow(server, await server.register())
    expect(answer.status).toBe(303)
    expect(answer.html).toBe("")
  })
})

describe("RFC 6749 the token endpoint", () => {
  test("§3.2 a token request must be a POST [TOKEN-01]", async (server) => {
    for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
      const answer = await server.send("/token", { method })
      expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST, OPTIONS"])
    }
  })

  test("§3.2 a parameter without a value counts as omitted, an unknown one is ignored [TOKEN-06]", async (server) => {
    const client = await server.register()
    const more = { scope: "", resource: "", client_secret: "", unknown: "x" }
    expect(await outcome(server.redeem(client, await server.code(client), more))).toBe("200")
  })

  test("§3.2 a repeated parameter is refused [TOKEN-05]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    expect(await outcome(server.redeem(client, held, { code: [held.code, held.code] }))).toBe("400 invalid_request")
    expect(await outcome(server.redeem(client, held, { unknown: ["a", "b"] }))).toBe("400 invalid_request")
  })

  test("§3.2.1 a confidential client must authenticate [CAUTH-21, REFRESH-05]", async (server) => {
    const client = await server.register(confidential)
    const { refresh_token } = await server.tokens(client)
    const bare = { ...client, token_endpoint_auth_method: "none" }
    expect(await outcome(server.refresh(bare, refresh_token))).toBe("401 invalid_client")
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("§3.2.1 a client that does not authenticate must send its client_id [CODE-05]", async (server) => {
    const { code, verifier } = await server.code(await server.register())
    const request = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri }
    expect(await outcome(server.post("/token", request))).toBe("401 invalid_client")
  })

  test("§3.3 scope is a list of space-delimited, case-sensitive tokens [AUTHZ-34]", async (server) => {
    const { open } = await acquainted(server)
    for (const scope of ["notes:read  notes:write", 'notes:read"']) {
      expect(sentBack(await open({ scope })).error, scope).toBe("invalid_scope")
    }
    // Without a resource, nothing that is asked for is here.
    for (const scope of ["NOTES:READ", "notes:read,notes:write", "notes"]) {
      expect(sentBack(await open({ scope, resource: undefined })).error, scope).toBe("invalid_scope")
    }
    expect((await open({ prompt: "consent", scope: "notes:write notes:read" })).status).toBe(200)
  })

  test("§3.3 the response names the granted scope if it differs from the requested scope [LOGIN-19]", async (server) => {
    const client = await server.register()
    const { browser, page, verifier } = await server.toConsent(client)
    const { sentTo } = await browser.submit(page, { button: "allow", ticked: ["notes:read"] })
    const code = sentTo?.searchParams.get("code") ?? ""
    expect(await json(server.redeem(client, { code, verifier }))).toMatchObject({ scope: "notes:read" })
  })

  test("§3.3 a request without a scope gets a default scope [AUTHZ-35]", async (server) => {
    const { scope } = await server.tokens(await server.register(), { scope: undefined })
    expect(scope).toBe("notes:read notes:write")
  })
})

describe("RFC 6749 the authorization code grant", () => {
  test("§4.1.1 the response returns the state unchanged [AUTHZ-27]", async (server) => {
    const client = await server.register()
    for (const state of ["a b+c%20&d=é", "x".repeat(2_000), "<script>"]) {
      expect(sentBack((await allow(server, client, { state })).answer).state).toBe(state)
    }
  })

  test("§4.1.2 the response to a request without a state has no state", async (server) => {
    const { answer } = await allow(server, await server.register(), { state: undefined })
    expect(Object.keys(sentBack(answer)).sort()).toEqual(["code", "iss"])
  })

  test("§4.1.2 the code is in the query of the redirection URI [AUTHZ-01]", async (server) => {
    const { answer } = await allow(server, await server.register())
    expect(sentBack(answer).code).toMatch(/^lk_ac_/)
  })

  test("§4.1.2 a code expires shortly after it is issued [AUTHZ-48, CODE-12]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    await server.advance("60 seconds")
    expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
  })

  test("§4.1.2 a code is redeemed once [CODE-09]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    expect(await outcome(server.redeem(client, held))).toBe("200")
    expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
  })

  test(
    "§4.1.2 a second redemption of a code revokes its tokens [CODE-09]",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      const tokens = await tokensOf(server.redeem(client, held))
      expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
      expect((await server.call(tokens.access_token)).status).toBe(401)
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    },
    { settings: { lifetimes: { codeWindow: 0 } } }
  )

  test("§4.1.2 a code is bound to its client [CODE-04]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    expect(await outcome(server.redeem(await server.register(), held))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  test("§4.1.2.1 an error response has the error and the client's state [AUTHZ-26]", async (server) => {
    const { open } = await acquainted(server)
    const page = await open({ scope: 'ad"min' })
    expect(sentBack(page)).toMatchObject({ error: "invalid_scope", state: "the state" })
    expect(sentBack(page)).not.toHaveProperty("code")
  })

  test("§4.1.2.1 error_description holds only %x20-21 / %x23-5B / %x5D-7E [AUTHZ-26]", async (server) => {
    const { open } = await acquainted(server)
    for (const parameters of [{ scope: 'a"\\' }, { response_type: "é" }, { code_challenge: "\u2028" }]) {
      expect(sentBack(await open(parameters)).error_description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    }
  })

  test("§4.1.2.1 a request with a missing or unknown client identifier is not redirected [AUTHZ-09, AUTHZ-10]", async (server) => {
    const { open } = await acquainted(server)
    for (const client_id of [undefined, "nobody"]) {
      const page = await open({ client_id })
      expect([page.status, page.sentTo]).toEqual([400, undefined])
    }
  })

  test("§4.1.2.1 the client gets access_denied when the user denies [LOGIN-18]", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    expect(sentBack(await browser.submit(page, { button: "deny" }))).toMatchObject({
      error: "access_denied",
      state: "the state"
    })
  })

  test("§4.1.2.1 a client that did not register the grant type gets unauthorized_client", async (server) => {
    const client = await server.register({ grant_types: ["refresh_token"], response_types: [] })
    const { page } = await server.toConsent(client)
    expect(page.document.querySelector("a")?.getAttribute("href")).toContain("error=unauthorized_client")
  })

  test("§4.1.3 grant_type, code and the proof key are required [TOKEN-07, CODE-01]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    for (const name of ["grant_type", "code", "code_verifier"]) {
      expect(await outcome(server.redeem(client, held, { [name]: undefined })), name).toBe("400 invalid_request")
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  test("§4.1.3 a redirect_uri must equal the one of the authorization request [CODE-06]", async (server) => {
    const client = await server.register({ redirect_uris: [redirectUri, "https://client.example/other"] })
    const held = await server.code(client)
    const other = { redirect_uri: "https://client.example/other" }
    expect(await outcome(server.redeem(client, held, other))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  test("§4.1.3 a confidential client is authenticated before its code is read [CAUTH-21]", async (server) => {
    const client = await server.register(confidential)
    const held = await server.code(client)
    expect(await outcome(server.redeem({ ...client, client_secret: "wrong" }, held))).toBe("401 invalid_client")
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })
})

describe("RFC 6749 the client credentials grant", () => {
  test("§4.4 the client credentials grant is for confidential clients only [CC-01]", async (server) => {
    for (const client of [await server.addClient({ token_endpoint_auth_method: "none" }), await server.register()]) {
      expect(await outcome(server.token(client, { grant_type: "client_credentials" }))).toBe("400 unauthorized_client")
    }
  })

  test("§4.4.2 a client credentials request needs client authentication [CC-01]", async (server) => {
    const client = await server.addClient()
    const wrong = { ...client, client_secret: "wrong" }
    expect(await outcome(server.token(wrong, { grant_type: "client_credentials" }))).toBe("401 invalid_client")
  })

  test("§4.4.2 a client may request at most its registered scope [CC-04]", async (server) => {
    const client = await server.addClient({ scope: "notes:read" })
    const ask = (scope: string) => server.token(client, { grant_type: "client_credentials", scope })
    expect(await json(ask("notes:read"))).toMatchObject({ scope: "notes:read" })
    expect(await outcome(ask("notes:write"))).toBe("400 invalid_scope")
  })

  test("§4.4.3 the client credentials grant issues no refresh token [CC-02]", async (server) => {
    const answer = await json(server.token(await server.addClient(), { grant_type: "client_credentials" }))
    expect(Object.keys(answer).sort()).toEqual(["access_token", "expires_in", "scope", "token_type"])
  })
})

describe("RFC 6749 the token response", () => {
  test("§5.1 a successful response is 200 JSON with access_token, token_type, expires_in and scope [TOKEN-10]", async (server) => {
    const client = await server.register()
    expect(await json(server.redeem(client, await server.code(client)))).toEqual({
      access_token: expect.stringMatching(/^lk_at_/),
      refresh_token: expect.stringMatching(/^lk_rt_/),
      token_type: "Bearer",
      expires_in: 600,
      scope: "notes:read notes:write"
    })
  })

  test("§5.1 a response with tokens has Cache-Control no-store and Pragma no-cache [TOKEN-10]", async (server) => {
    const client = await server.register()
    const { headers } = await server.redeem(client, await server.code(client))
    expect([headers.get("cache-control"), headers.get("pragma")]).toEqual(["no-store", "no-cache"])
  })

  test("§5.1 a refresh token is issued to a client that registered that grant type [TOKEN-13]", async (server) => {
    const client = await server.register({ grant_types: ["authorization_code"] })
    expect(await server.tokens(client)).not.toHaveProperty("refresh_token")
  })

  test("§5.2 an error is 400 JSON with error and error_description, not cached [TOKEN-11]", async (server) => {
    const client = await server.register()
    const answer = await server.token(client, { grant_type: "authorization_code" })
    expect([answer.headers.get("cache-control"), answer.headers.get("pragma")]).toEqual(["no-store", "no-cache"])
    expect(await json(answer, 400)).toEqual({ error: "invalid_request", error_description: expect.any(String) })
  })

  test("§5.2 invalid_client is 401, with a challenge of the scheme that the client used [CAUTH-03]", async (server) => {
    const answer = await server.post("/token", { grant_type: "x" }, basic("nobody", "secret"))
    expect(answer.headers.get("www-authenticate")).toBe(`Basic realm="${issuer}"`)
    expect(await outcome(answer)).toBe("401 invalid_client")
  })

  test("§5.2 an unknown grant type gets unsupported_grant_type [TOKEN-07]", async (server) => {
    const client = await server.register()
    for (const grant_type of ["AUTHORIZATION_CODE", "urn:example:none", "toString"]) {
      expect(await outcome(server.token(client, { grant_type })), grant_type).toBe("400 unsupported_grant_type")
    }
  })

  test("§5.2 a grant type that the client did not register gets unauthorized_client [TOKEN-09]", async (server) => {
    const client = await server.register({ ...confidential, grant_types: ["authorization_code"] })
    expect(await outcome(server.refresh(client, "lk_rt_x"))).toBe("400 unauthorized_client")
  })

  test("§5.2 an unknown code or refresh token gets invalid_grant [CODE-13, REFRESH-11]", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    for (const code of ["x", "lk_ac_", `${held.code}x`, held.code.toUpperCase()]) {
      expect(await outcome(server.redeem(client, { ...held, code })), code).toBe("400 invalid_grant")
    }
    const tokens = await tokensOf(server.redeem(client, held))
    for (const token of ["x", held.code, tokens.access_token, `${tokens.refresh_token}A`]) {
      expect(await outcome(server.refresh(client, token)), token).toBe("400 invalid_grant")
    }
  })

  test("§5.2 an error repeats no part of the request", async (server) => {
    const client = await server.register()
    const answer = await server.token(client, { grant_type: "<b>sent</b>" })
    expect(await answer.text()).not.toContain("sent")
  })
})

describe("RFC 6749 refreshing", () => {
  test("§6 a refresh token gives a new access token [REFRESH-01]", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    const next = await tokensOf(server.refresh(client, refresh_token))
    expect(next.access_token).not.toBe(access_token)
    expect((await server.call(next.access_token)).status).toBe(200)
  })

  test("§6 refresh_token is required", async (server) => {
    const client = await server.register()
    expect(await outcome(server.token(client, { grant_type: "refresh_token" }))).toBe("400 invalid_request")
  })

  test("§6 the requested scope must be within the granted scope [REFRESH-07]", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client, { scope: "notes:read" })
    expect(await outcome(server.refresh(client, refresh_token, { scope: "notes:read notes:write" }))).toBe(
      "400 invalid_scope"
    )
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("§6 a refresh without a scope gets the granted scope, even after a narrower refresh [REFRESH-07]", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const narrow = await tokensOf(server.refresh(client, first.refresh_token, { scope: "notes:read" }))
    expect(narrow.scope).toBe("notes:read")
    expect(await json(server.refresh(client, narrow.refresh_token))).toMatchObject({ scope: "notes:read notes:write" })
  })

  test("§6 a refresh token is bound to its client [REFRESH-06]", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    expect(await outcome(server.refresh(await server.register(), refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("§6 a refresh needs the client authentication that the client registered [REFRESH-05]", async (server) => {
    const client = await server.register(confidential)
    const { refresh_token } = await server.tokens(client)
    const wrong = { ...client, client_secret: "wrong" }
    expect(await outcome(server.refresh(wrong, refresh_token))).toBe("401 invalid_client")
  })
})

describe("RFC 6749 security", () => {
  test("§10.3 a user or client cannot forge an access token [REFRESH-15]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    for (const token of ["lk_at_", access_token.slice(0, -1), `${access_token.slice(0, -2)}AA`]) {
      expect((await server.call(token)).status).toBe(401)
    }
  })

  test("§10.4 a replayed refresh token revokes the tokens of its grant [REFRESH-02]", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    await server.advance("5 minutes")
    expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
    expect((await server.call(second.access_token)).status).toBe(401)
  })

  test("§10.5 a redirect URI of another client is refused", async (server) => {
    await server.register({ redirect_uris: ["https://other.example/cb"] })
    const { open } = await acquainted(server)
    expect((await open({ redirect_uri: "https://other.example/cb" })).sentTo).toBeUndefined()
  })

  test("§10.10 codes and tokens have at least 128 bits of randomness [AUTHZ-49]", async (server) => {
    const client = await server.register()
    const codes = [await server.code(client), await server.code(client)].map(({ code }) => code)
    expect(new Set(codes).size).toBe(2)
    // Behind the grant's id: 43 letters of base64url are 256 bits.
    for (const code of codes) expect(code.slice(-43)).toMatch(/^[\w-]{43}$/)
    expect(codes[0]?.slice(-43)).not.toBe(codes[1]?.slice(-43))
  })

  test("§10.12 a consent form from another site is refused [LOGIN-02]", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" }
    const answer = await browser.submit(page, { button: "allow", headers })
    expect([answer.status, answer.sentTo]).toEqual([403, undefined])
  })

  test("§10.12 a login form from another site is refused [LOGIN-01]", async (server) => {
    const { url } = await server.request(await server.register())
    const browser = server.browser()
    const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" }
    const answer = await browser.submit(await browser.open(url), { fields: { username: "ada", password }, headers })
    expect(answer.status).toBe(403)
  })

  test("§10.13 the pages forbid framing [AUTHZ-45]", async (server) => {
    const { page } = await server.toConsent(await server.register())
    expect(page.headers.get("x-frame-options")).toBe("DENY")
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'")
  })

  test("§10.14 the texts of a client or a request are not markup [LOGIN-20, LOGIN-21]", async (server) => {
    const name = '<img src=x onerror="alert(1)">'
    const client = await server.register({ client_name: name })
    const { page } = await server.toConsent(client, { state: name, login_hint: name })
    expect(page.document.querySelector("img")).toBeNull()
    expect(page.document.querySelector("main")?.text).toContain("onerror")
  })

  test("§10.15 no parameter of a request is a redirector [LOGIN-24]", async (server) => {
    const evil = "https://evil.example/"
    const parameters = { continue: evil, return_to: evil, next: evil }
    const { answer } = await allow(server, await server.register(), parameters)
    expect(sentBack(answer)).toHaveProperty("code")
  })

  test("§10.16 an access token of a client is not accepted as a user's [CC-03]", async (server) => {
    const client = await server.addClient()
    const tokens = await json(server.token(client, { grant_type: "client_credentials", resource }))
    expect((await server.call(String(tokens.access_token))).status).toBe(403)
  })
})

describe("RFC 6749 encoding", () => {
  test("Appendix B a request must be a form in UTF-8 [TOKEN-03]", async (server) => {
    const body = JSON.stringify({ grant_type: "x" })
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x"]) {
      const answer = server.send("/token", { method: "POST", body, headers: { "content-type": type } })
      expect(await outcome(answer), type).toBe("400 invalid_request")
    }
  })
})
