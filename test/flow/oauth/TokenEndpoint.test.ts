/** The token endpoint: its requests, client authentication, and its responses. */
import { describe, expect } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Client } from "../../../src/domain/Client.js"
import { ClientId } from "../../../src/domain/Client.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { RedirectUri } from "../../../src/domain/RedirectUri.js"
import { digest } from "../../../src/services/keys/Crypto.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { SessionStore } from "../../../src/services/stores/SessionStore.js"
import { sameEachTime } from "../../support/Headers.js"
import * as Server from "../support/Server.js"
import { issuer, outcome, redirectUri, resource, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const form = { "content-type": "application/x-www-form-urlencoded" }

const basic = (userPass: string, scheme = "Basic") => ({
  authorization: `${scheme} ${Buffer.from(userPass).toString("base64")}`
})

/** A public client with a code, and the valid request that redeems it, as text. */
const ready = async (server: TestServer, metadata = {}) => {
  const client = await server.register(metadata)
  const held = await server.code(client)
  const request = {
    grant_type: "authorization_code",
    client_id: client.client_id,
    code: held.code,
    code_verifier: held.verifier,
    redirect_uri: redirectUri
  }
  return { client, held, request, text: new URLSearchParams(request).toString() }
}

const post = (
  server: TestServer,
  body: NonNullable<RequestInit["body"]>,
  headers: Readonly<Record<string, string>> = form
) => server.send("/token", { method: "POST", body, headers, duplex: "half" } as RequestInit)

describe("the request", () => {
  // TOKEN-01
  test("a method other than POST is answered with 405 (RFC 6749 §3.2)", async (server) => {
    const { client, held, text } = await ready(server)
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH"]) {
      for (const target of ["/token", `/token?${text}`]) {
        const answer = await server.send(target, { method, headers: { "x-http-method-override": "POST" } })
        expect(answer.status).toBe(405)
        expect(answer.headers.get("allow")).toBe("POST, OPTIONS")
      }
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  // TOKEN-02, CAUTH-06
  test("a parameter in the URL is an invalid_request (RFC 6749 §2.3.1)", async (server) => {
    const { client, held, request, text } = await ready(server)
    expect(await outcome(server.send(`/token?${text}`, { method: "POST", headers: form }))).toBe("400 invalid_request")
    for (const query of ["code=x", "client_secret=x", "x", "grant_type=authorization_code", `?${text}`]) {
      expect(await outcome(server.post(`/token?${query}`, request)), query).toBe("400 invalid_request")
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  // TOKEN-03
  test("a body that is not a plain form in UTF-8 is refused (RFC 6749 Appendix B)", async (server) => {
    const { request, text } = await ready(server)
    const json = JSON.stringify(request)
    const refusals: ReadonlyArray<readonly [body: string, headers: Readonly<Record<string, string>>]> = [
      [json, { "content-type": "application/json" }],
      [json, form],
      [text, { "content-type": "multipart/form-data; boundary=x" }],
      [text, { "content-type": "text/plain" }],
      [text, { "content-type": "" }],
      [text, { "content-type": "application/x-www-form-urlencoded, application/x-www-form-urlencoded" }],
      [text, { "content-type": "application/x-www-form-urlencodedx" }],
      [text, { "content-type": "; charset=UTF-8" }],
      [text, { "content-type": "text/plain; application/x-www-form-urlencoded" }],
      [text, { ...form, "content-encoding": "gzip" }],
      [text, { ...form, "content-encoding": ", gzip" }]
    ]
    for (const [body, headers] of refusals) {
      const expected = body === json && headers === form ? "401 invalid_client" : "400 invalid_request"
      expect(await outcome(post(server, body, headers)), JSON.stringify(headers)).toBe(expected)
    }
    const multipart = new FormData()
    for (const [name, value] of Object.entries(request)) multipart.append(name, value)
    expect(await outcome(post(server, multipart, {}))).toBe("400 invalid_request")
    expect(await outcome(post(server, new Uint8Array([0x61, 0x3d, 0xff])))).toBe("400 invalid_request")
  })

  // TOKEN-03
  test("parameters of the media type are ignored, since none is defined (RFC 2045 §5, RFC 9110 §5.6.6)", async (server) => {
    const client = await server.addClient({ token_endpoint_auth_method: "client_secret_post" })
    const text = Server.toSearchParams({
      grant_type: "client_credentials",
      client_id: client.client_id,
      client_secret: String(client.client_secret),
      resource
    }).toString()
    for (const parameters of [
      ...[";charset=UTF-8", ' ; Charset="UTF-8"', "; charset=utf8", "; charset=US-ASCII", "; charset=ISO-8859-1"],
      ...["; charset=windows-1252", "; charset=utf-16", "; charset=utf-8; charset=utf-7", "; charset=", "; charset"],
      ...[";", ";;", "; ;", "\t;\t", "; boundary=x", '; q="a;b"', "; version=1; charset=utf-8;"]
    ]) {
      for (const type of ["application/x-www-form-urlencoded", "Application/X-WWW-Form-urlencoded"]) {
        expect(await outcome(post(server, text, { "content-type": type + parameters })), parameters).toBe("200")
      }
    }
    for (const coding of ["identity", "Identity", "", "identity,"]) {
      expect(await outcome(post(server, text, { ...form, "content-encoding": coding })), coding).toBe("200")
    }
  })

  test("a body that is not UTF-8 is refused, whatever charset it names (RFC 6749 Appendix B)", async (server) => {
    const client = await server.addClient({ token_endpoint_auth_method: "client_secret_post" })
    const request = `grant_type=client_credentials&client_id=${client.client_id}&client_secret=${client.client_secret}`
    for (const charset of ["UTF-8", "ISO-8859-1", "utf-16"]) {
      const headers = { "content-type": `application/x-www-form-urlencoded; charset=${charset}` }
      expect(await outcome(post(server, Buffer.from(`${request}&x=\u00e9`, "latin1"), headers)), charset).toBe(
        "400 invalid_request"
      )
      expect(await outcome(post(server, `${request}&x=%FF`, headers)), charset).toBe("400 invalid_request")
      expect(await outcome(post(server, Buffer.from(request, "utf16le"), headers)), charset).not.toBe("200")
    }
  })

  // TOKEN-04, HTTP-10
  test("a body of more than 64 KiB is answered with 413, whatever its Content-Length (RFC 9110 §15.5.14)", async (server) => {
    const { text } = await ready(server)
    const padded = (length: number) => `${text}&x=${"x".repeat(length - text.length - 3)}`
    expect(await outcome(post(server, padded(64 * 1024 + 1)))).toBe("413 invalid_request")
    expect(await outcome(post(server, text, { ...form, "content-length": "1073741824" }))).toBe("413 invalid_request")

    let sent = 0
    let cancelled = false
    const endless = new ReadableStream({
      pull: (controller) => {
        sent += 1
        controller.enqueue(new Uint8Array(16 * 1024))
      },
      cancel: () => {
        cancelled = true
      }
    })
    const answer = await post(server, endless)
    expect(await outcome(answer)).toBe("413 invalid_request")
    expect(answer.headers.get("connection")).toBe("close")
    expect(cancelled).toBe(true)
    expect(sent).toBeLessThan(10)

    expect(await outcome(post(server, `${text}${"&x=1".repeat(100)}`))).toBe("400 invalid_request")
    expect(await outcome(post(server, padded(64 * 1024)))).toBe("200")
  })

  // TOKEN-05
  test("a repeated parameter other than resource is an invalid_request (RFC 6749 §3.2)", async (server) => {
    const { client, held, request, text } = await ready(server)
    const tokens = await server.tokens(client)
    for (const name of [...Object.keys(request), "scope", "client_secret", "unknown", "__proto__"]) {
      for (const values of ["x", new URLSearchParams(text).get(name) ?? "y"]) {
        const pair = `${name}=${encodeURIComponent(values)}`
        const body = Object.hasOwn(request, name) ? `${text}&${pair}` : `${text}&${pair}&${pair}`
        expect(await outcome(post(server, body)), pair).toBe("400 invalid_request")
      }
    }
    const twice = { refresh_token: [tokens.refresh_token, tokens.refresh_token], grant_type: "refresh_token" }
    expect(await outcome(server.token(client, twice))).toBe("400 invalid_request")
    expect(await outcome(server.redeem(client, held, { resource: [resource, resource] }))).toBe("200")
  })

  // TOKEN-06, INJ-05
  test("empty and unknown parameters are ignored (RFC 6749 §3.2)", async (server) => {
    const { text } = await ready(server)
    const unknown = [
      "foo=1",
      "__proto__=x",
      "constructor=x",
      "hasOwnProperty=x",
      "toString=x",
      "then=x",
      "a[__proto__][x]=1"
    ]
    const empty = ["scope=", "resource=", "client_secret=", "code=", "grant_type="]
    expect(await outcome(post(server, [text, ...unknown, ...empty].join("&")))).toBe("200")
    expect({}).not.toHaveProperty("x")
  })

  // TOKEN-07, TOKEN-08
  test("an unknown grant type is an unsupported_grant_type (RFC 6749 §5.2, RFC 9700 §2.4)", async (server) => {
    const { client, held, request } = await ready(server)
    for (const grant_type of [undefined, ""]) {
      expect(await outcome(server.post("/token", { ...request, grant_type }))).toBe("400 invalid_request")
    }
    const others = ["password", "implicit", "CLIENT_CREDENTIALS", "AUTHORIZATION_CODE", "authorization_code ", "code"]
    const more = ["urn:ietf:params:oauth:grant-type:device_code", "__proto__", "constructor", "toString", "find"]
    for (const grant_type of [...others, ...more]) {
      const good = { username: "ada", password: Server.password }
      const answer = await server.post("/token", { ...request, ...good, grant_type })
      expect(await outcome(answer), grant_type).toBe("400 unsupported_grant_type")
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  // TOKEN-09
  test("a grant type that the client did not register is an unauthorized_client (RFC 6749 §5.2)", async (server) => {
    const { held } = await ready(server)
    const client = await server.register({ redirect_uris: [], grant_types: ["refresh_token"], response_types: [] })
    expect(await outcome(server.redeem(client, held))).toBe("400 unauthorized_client")
    for (const method of ["none", "client_secret_basic"]) {
      const other = await server.register({ token_endpoint_auth_method: method })
      const answer = server.token(other, { grant_type: "client_credentials" })
      expect(await outcome(answer), method).toBe("400 unauthorized_client")
    }
  })

  // HTTP-05
  test("another spelling of the path is answered with 404", async (server) => {
    const { client, held, request } = await ready(server)
    const paths = [
      "//token",
      "/token/",
      "/TOKEN",
      "/Token",
      "/token;x",
      "/token;x=1",
      "/token%00",
      "/%74oken",
      "/tok%65n"
    ]
    for (const path of [...paths, "/token/x", "/x/token", "/token%2f", "/token%20", "/token/..%2ftoken"]) {
      expect((await server.post(issuer + path, request)).status, path).toBe(404)
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  // INJ-01, INJ-07, INJ-08, HTTP-09
  test("hostile parameter values are answered with 400 or 401, never with 5xx", async (server) => {
    const { client, held, request } = await ready(server)
    const texts = ["'", '"', "';--", "' OR 1=1 --", "\\", "%27", "\u02bc", "$(id)", "|id", "../../etc/passwd", "\ud800"]
    const more = [
      "-1",
      "1e400",
      "true",
      "null",
      "[]",
      "{}",
      "a".repeat(60_000),
      "%".repeat(20_000),
      "\u2028",
      "%{jndi:x}"
    ]
    for (const name of Object.keys(request)) {
      for (const text of [...texts, ...more]) {
        const answer = await server.post("/token", { ...request, [name]: text })
        expect([400, 401], `${name}=${text.slice(0, 20)}`).toContain(answer.status)
      }
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })
})

describe("the client", () => {
  const fixed = (id: string, secret: string, expiresAt: Option.Option<DateTime.Utc>): Client => ({
    id: ClientId.make(id),
    issuedAt: DateTime.unsafeMake(Server.start),
    origin: "Operator",
    approval: Option.none(),
    state: "Enabled",
    usedAt: Option.none(),
    metadata: {
      redirect_uris: [RedirectUri.make(redirectUri)],
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: new Set(["notes:read"])
    },
    secret: Option.some({ digest: digest(Redacted.make(secret)), expiresAt }),
    epoch: 1,
    registrationDigest: Option.none()
  })

  const insert = (server: TestServer, client: Client) =>
    server.run(Effect.flatMap(ClientStore, (clients) => clients.insert(client)))

  /** The outcome of a request with client authentication and little else. */
  const prove = (server: TestServer, headers: Readonly<Record<string, string>>, body: Server.Parameters = {}) =>
    outcome(server.post("/token", { grant_type: "authorization_code", ...body }, headers))

  /** The client is authenticated; the rest of the request is missing. */
  const known = "400 invalid_request"
  const unknown = "401 invalid_client"

  // CAUTH-02
  test("a client may write Basic credentials raw or form-encoded (RFC 6749 §2.3.1)", async (server) => {
    const [id, secret] = ["client+1%20:x".replace(":", "."), "p:ä %2B&+ü%"]
    await insert(server, fixed(id, secret, Option.none()))
    const encode = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)
    const right = [
      basic(`${id}:${secret}`),
      basic(`${encode(id)}:${encode(secret)}`),
      basic(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`),
      basic(`${id}:${secret}`, "bAsIc"),
      basic(`${id}:${secret}`, "Basic   ")
    ]
    for (const headers of right) expect(await prove(server, headers), headers.authorization).toBe(known)
    const wrong = [
      basic(`${encode(encode(id))}:${encode(encode(secret))}`),
      basic(`${id}:${secret.toUpperCase()}`),
      basic(`${id}:${secret} `),
      basic(`${id}:${secret.slice(0, -1)}`),
      basic(`${id}:`),
      basic(id),
      basic(`:${secret}`),
      basic(":"),
      basic(""),
      basic("%zz:%zz"),
      basic("\xff\xfe:\xff"),
      { authorization: "Basic" },
      { authorization: "Basic ????" },
      { authorization: `Basic ${"A".repeat(64 * 1024)}` },
      { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}, Basic x` },
      { authorization: `Basic${Buffer.from(`${id}:${secret}`).toString("base64")}` },
      { authorization: `Bearer ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
      { authorization: "" }
    ]
    for (const headers of wrong) expect(await prove(server, headers), headers.authorization).toBe(unknown)
  })

  // CAUTH-03, CAUTH-04
  test("an unknown client and a wrong secret get the same response (RFC 6749 §5.2)", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const open = await server.register()
    const answers = [
      await server.post("/token", {}, basic(`${client.client_id}:wrong`)),
      await server.post("/token", {}, basic("unknown:wrong")),
      await server.post("/token", {}, basic(`${open.client_id}:wrong`)),
      await server.post("/token", { client_id: client.client_id, client_secret: "wrong" }),
      await server.post("/token", { client_id: "unknown", client_secret: "wrong" }),
      await server.post("/token", { client_id: client.client_id }),
      await server.post("/token", { client_id: "unknown" }),
      await server.post("/token", { client_id: "é" })
    ]
    const [first, ...others] = await Promise.all(
      answers.map(async (answer) => ({
        status: answer.status,
        headers: sameEachTime(answer),
        body: await answer.json()
      }))
    )
    expect(first?.status).toBe(401)
    expect(first?.body).toEqual({ error: "invalid_client", error_description: "client authentication failed" })
    expect(Object.fromEntries(first?.headers ?? [])).toMatchObject({
      "www-authenticate": `Basic realm="${issuer}"`,
      "cache-control": "no-store",
      "content-type": "application/json"
    })
    for (const other of others) expect(other).toEqual(first)
  })

  test("the client is authenticated before the rest of the request is checked (RFC 6749 §3.2.1)", async (server) => {
    expect(await outcome(server.post("/token", {}))).toBe(unknown)
    expect(await outcome(server.post("/token", { grant_type: "password", code: "x" }))).toBe(unknown)
  })

  // CAUTH-05
  test("a client that authenticates in two ways is refused (RFC 6749 §2.3)", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const other = await server.register({ token_endpoint_auth_method: "client_secret_post" })
    const { client_id, client_secret = "" } = client
    const header = basic(`${client_id}:${client_secret}`)
    const held = await server.code(client)
    const both: ReadonlyArray<Server.Parameters> = [
      { client_id, client_secret: String(client_secret) },
      { client_secret: String(client_secret) },
      { client_id: other.client_id },
      { client_id: other.client_id, client_secret: String(other.client_secret) },
      { client_id: "unknown" }
    ]
    for (const parameters of both) {
      const answer = server.redeem(client, held, parameters)
      expect(await outcome(answer), JSON.stringify(Object.keys(parameters))).toBe("400 invalid_request")
    }
    expect(await prove(server, {}, { client_secret: String(client_secret) })).toBe("400 invalid_request")
    expect(await prove(server, header, { client_id })).toBe(known)
    expect(await outcome(server.redeem(client, held, { client_id }))).toBe("200")
  })

  test("the client_id in the body decides between two readings of Basic credentials", async (server) => {
    await insert(server, fixed("a+b", "plus", Option.none()))
    await insert(server, fixed("a%2Bb", "percent", Option.none()))
    for (const [name, client_id, secret, expected] of [
      ["as encoded", "a+b", "plus", known],
      ["as it stands", "a%2Bb", "percent", known],
      ["as encoded, by the secret of the other", "a+b", "percent", unknown],
      ["as it stands, by the secret of the other", "a%2Bb", "plus", unknown]
    ] as const) {
      expect(await prove(server, basic(`a%2Bb:${secret}`), { client_id }), name).toBe(expected)
    }
  })

  // CAUTH-07, CAUTH-21, META-10
  test("a client authenticates with a secret exactly if it registered one (RFC 6749 §3.2.1)", async (server) => {
    for (const [registered, others] of [
      ["none", ["client_secret_basic", "client_secret_post"]],
      ["client_secret_basic", ["none"]],
      ["client_secret_post", ["none"]]
    ] as const) {
      const client = await server.register({ token_endpoint_auth_method: registered })
      const held = await server.code(client)
      for (const used of others) {
        const disguised = { ...client, client_secret: "guess", token_endpoint_auth_method: used }
        expect(await outcome(server.redeem(disguised, held)), `${registered} by ${used}`).toBe(unknown)
      }
      expect(await outcome(server.redeem(client, held)), registered).toBe("200")
    }
  })

  // CAUTH-20
  test("assertions, certificate headers and cookies do not authenticate a client", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const { client_id } = client
    const assertion = {
      client_id,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: "eyJhbGciOiJub25lIn0.e30."
    }
    expect(await prove(server, {}, assertion)).toBe(unknown)
    expect(await prove(server, { "x-client-cert": "x", "x-ssl-client-verify": "SUCCESS" }, { client_id })).toBe(unknown)
    expect(await prove(server, { cookie: `client_secret=${client.client_secret}` }, { client_id })).toBe(unknown)
  })

  // CAUTH-10
  test("a client secret is refused from its expiry, to the millisecond (RFC 7591 §3.2.1)", async (server) => {
    const end = DateTime.add(DateTime.unsafeMake(Server.start), { minutes: 1 })
    await insert(server, fixed("operators", "secret", Option.some(end)))
    await server.advance(59_999)
    expect(await prove(server, basic("operators:secret"))).toBe(known)
    await server.advance(1)
    expect(await prove(server, basic("operators:secret"))).toBe(unknown)
  })

  // CAUTH-11
  test("the server stores only a digest of a client secret", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const stored = await server.run(Effect.flatMap(ClientStore, (clients) => clients.list({ limit: 1_000 })))
    expect(stored).toHaveLength(1)
    expect(JSON.stringify(stored)).toContain(digest(Redacted.make(String(client.client_secret))))
    expect(JSON.stringify(stored)).not.toContain(client.client_secret)
  })
})

describe("the answer", () => {
  // TOKEN-10, TOKEN-15
  test("a successful response has the tokens and must not be cached (RFC 6749 §5.1)", async (server) => {
    const { client, held } = await ready(server)
    for (const answer of [
      await server.redeem(client, held),
      await server.refresh(client, (await server.tokens(client)).refresh_token)
    ]) {
      expect(answer.status).toBe(200)
      expect(answer.headers.get("content-type")).toBe("application/json")
      expect(answer.headers.get("cache-control")).toBe("no-store")
      expect(answer.headers.get("pragma")).toBe("no-cache")
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
      expect(answer.headers.has("set-cookie")).toBe(false)
      expect(await answer.json()).toEqual({
        access_token: expect.stringMatching(/^lk_at_[A-Za-z0-9_-]+$/),
        token_type: "Bearer",
        expires_in: 600,
        scope: "notes:read notes:write",
        refresh_token: expect.stringMatching(/^lk_rt_[0-9a-z]{26}\.[0-9]+\.[A-Za-z0-9_-]+$/)
      })
    }
  })

  // TOKEN-11
  test("an error response uses the codes and characters of the RFC and repeats nothing of the request (RFC 6749 §5.2)", async (server) => {
    const { client, request } = await ready(server)
    const canary = 'c4n4ry"\\é'
    const requests: ReadonlyArray<Server.Parameters> = [
      ...Object.keys(request).map((name) => ({ ...request, [name]: canary })),
      ...Object.keys(request).map((name) => ({ ...request, [name]: undefined })),
      { ...request, [canary]: ["x", "y"] },
      { ...request, resource: canary },
      { ...request, grant_type: "refresh_token", refresh_token: canary },
      {
        ...request,
        grant_type: "refresh_token",
        refresh_token: (await server.tokens(client)).refresh_token,
        scope: canary
      }
    ]
    for (const parameters of requests) {
      if (parameters.redirect_uri === undefined) continue
      const answer = await server.post("/token", parameters)
      const text = await answer.text()
      expect([400, 401]).toContain(answer.status)
      expect(answer.headers.get("content-type")).toBe("application/json")
      expect(answer.headers.get("cache-control")).toBe("no-store")
      expect(answer.headers.get("access-control-allow-origin")).toBe("*")
      expect(Object.keys(JSON.parse(text))).toEqual(["error", "error_description"])
      for (const value of Object.values(JSON.parse(text))) expect(value).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
      expect(text).not.toMatch(/c4n4ry|scope=|error=|resource_metadata=/)
    }
  })

  // CORS-02, CORS-03
  test("scripts of any origin may read the response, without credentials", async (server) => {
    for (const origin of ["https://app.example", "null", `${issuer}.evil.example`]) {
      const preflight = await server.send("/token", { method: "OPTIONS", headers: { origin } })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get("access-control-allow-methods")).toContain("POST")
      const allowed = preflight.headers.get("access-control-allow-headers")?.toLowerCase()
      for (const name of ["authorization", "content-type", "mcp-protocol-version"]) expect(allowed).toContain(name)
      const refusal = await server.post("/token", {}, { origin })
      for (const { headers } of [preflight, refusal]) {
        expect(headers.get("access-control-allow-origin")).toBe("*")
        expect(headers.has("access-control-allow-credentials")).toBe(false)
        expect(headers.get("access-control-expose-headers")).toContain("WWW-Authenticate")
      }
    }
  })
})

// TOKEN-12, REFRESH-14
describe("a store that does not answer", () => {
  const down = new Set<string>()

  const unlessDown = <A>(name: string, answer: Effect.Effect<A, TemporarilyUnavailable>) =>
    Effect.suspend(() =>
      down.has(name)
        ? Effect.fail(new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" }))
        : answer
    )

  const storage = Storage.changed(
    Storage.around(GrantStore, ["redeem", "rotate", "revoke", "approve", "findActive"], unlessDown),
    Storage.around(ConsentStore, ["record"], unlessDown),
    Storage.around(SessionStore, ["insert"], unlessDown),
    Storage.around(AccountStore, ["findByUsername"], unlessDown),
    Storage.around(ClientStore, ["find", "insertDynamic"], unlessDown)
  )

  const without = async (name: string, request: () => Promise<Response>) => {
    down.add(name)
    const answer = await request()
    down.delete(name)
    expect(answer.headers.get("retry-after"), name).toBe("1")
    expect(answer.headers.get("cache-control"), name).toBe("no-store")
    expect(answer.headers.has("www-authenticate"), name).toBe(false)
    return outcome(answer)
  }

  test(
    "a failing store is answered with 503 at the token endpoint, and the next attempt succeeds (RFC 6749 §5.2)",
    async (server) => {
      const { client, held } = await ready(server)
      const redeem = () => server.redeem(client, held)
      expect(await without("find", redeem)).toBe("503 temporarily_unavailable")
      expect(await without("redeem", redeem)).toBe("503 temporarily_unavailable")
      const first = await tokensOf(redeem())

      const refresh = () => server.refresh(client, first.refresh_token)
      expect(await without("rotate", refresh)).toBe("503 temporarily_unavailable")
      const second = await tokensOf(refresh())

      const call = () => server.call(second.access_token)
      expect(await without("findActive", call)).toBe("503 temporarily_unavailable")
      expect(await outcome(call())).toBe("200")

      // A replay whose revocation fails gets a 503, and the next one revokes the grant.
      await server.advance("1 hour")
      expect(await without("revoke", refresh)).toBe("503 temporarily_unavailable")
      expect(await outcome(refresh())).toBe("400 invalid_grant")
      expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
    },
    { storage }
  )

  test(
    "a failing store is answered with 503 at registration and on the pages",
    async (server) => {
      const register = () =>
        server.send("/register", {
          method: "POST",
          body: JSON.stringify({ redirect_uris: [redirectUri] }),
          headers: { "content-type": "application/json" }
        })
      expect(await without("insertDynamic", register)).toBe("503 temporarily_unavailable")

      const client = await server.register()
      const browser = server.browser()
      const { url } = await server.request(client)
      const loginPage = await browser.open(url)
      const through = (submit: () => Promise<unknown>) => async () => {
        await submit()
        return browser.seen.at(-1)!
      }
      expect(
        await without(
          "find",
          through(() => browser.open(url))
        )
      ).toBe("503")
      const logIn = () => server.logIn(browser, loginPage)
      for (const verb of ["findByUsername", "insert"]) expect(await without(verb, through(logIn)), verb).toBe("503")
      const consentPage = await logIn()
      const allow = () => browser.submit(consentPage, { button: "allow" })
      for (const verb of ["record", "approve", "find"]) expect(await without(verb, through(allow)), verb).toBe("503")
      expect((await allow()).sentTo?.searchParams.has("code")).toBe(true)
    },
    { storage }
  )
})
