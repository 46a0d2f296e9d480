/** The authorization endpoint: where errors are shown, what the pages ask, and how requests are answered. */
import { describe, expect } from "@effect/vitest"
import type { Page } from "../support/Browser.js"
import {
  consentHeading,
  files,
  issuer,
  notes,
  outcome,
  type Parameters,
  redirectUri,
  resource,
  routesOf,
  type TestServer,
  test,
  tokensOf
} from "../support/Server.js"

const bothResources = { settings: { resources: [notes, files] } }

const eighty = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`scope${index}`, "Something"]))

const nine = Array.from({ length: 9 }, (_, index) => ({
  uri: `${issuer}/resource${index}`,
  scopes: { [`read${index}`]: "Read" }
}))

/** A user who has allowed the client before, so that errors reach the client by redirect. */
const afterConsent = async (server: TestServer, metadata = {}) => {
  const client = await server.register(metadata)
  const { browser, page } = await server.toConsent(client)
  await browser.submit(page, { button: "allow" })
  const open = async (parameters: Parameters) =>
    browser.open((await server.request(client, { prompt: "consent", ...parameters })).url)
  return { client, browser, open }
}

/** The answer to a browser, as one line. */
const answerOf = ({ document, sentTo, status }: Page): string =>
  sentTo === undefined
    ? `${status} ${document.querySelector("h1")?.text}`
    : `${sentTo.origin}${sentTo.pathname} ${sentTo.searchParams.get("error") ?? "code"}`

const bareOrigin = { uri: "https://api.example", scopes: { "api:read": "Read all" } }

const malformedScope = 'ad"min'

const redirected = (error: string) => `https://client.example/callback ${error}`
const granted = redirected("code")
const consent = `200 ${consentHeading}`
const consentTo = (listed: string) => `200 Test client wants to access ${listed}`
const login = "200 Log in"
const refused = "400 This request cannot be answered"

/** Expects the same answer to each of several changed requests. */
const expectAnswers = async (
  open: (parameters: Parameters) => Promise<Page>,
  expected: string,
  changes: Iterable<Parameters>
) => {
  for (const change of changes) expect(answerOf(await open(change)), JSON.stringify(change)).toBe(expected)
}

const each = (name: string, values: ReadonlyArray<string>): Array<Parameters> =>
  values.map((value) => ({ [name]: value }))

describe("a request without a good client or redirect URI", () => {
  // AUTHZ-05, AUTHZ-09, AUTHZ-10, AUTHZ-11
  test("a request without a good client or redirect URI gets a page, never a redirect (RFC 6749 §4.1.2.1)", async (server) => {
    const client = await server.register({ redirect_uris: [redirectUri, "https://client.example/other"] })
    const { browser } = await server.toConsent(client)
    const evil = "https://evil.example/"
    const requests: ReadonlyArray<Parameters> = [
      { client_id: undefined },
      { client_id: "" },
      { client_id: "unknown" },
      { client_id: "unknown", redirect_uri: evil },
      { client_id: "__proto__", redirect_uri: evil },
      { client_id: "é", redirect_uri: evil },
      { client_id: "x".repeat(4_000), redirect_uri: evil },
      { client_id: [client.client_id, client.client_id] },
      { client_id: [client.client_id, "unknown"] },
      { redirect_uri: undefined },
      { redirect_uri: "" },
      { redirect_uri: evil },
      { redirect_uri: [redirectUri, redirectUri] },
      { redirect_uri: [redirectUri, evil] },
      { redirect_uri: redirectUri, state: "\0" }
    ]
    for (const visitor of [server.browser(), browser]) {
      for (const parameters of requests) {
        const page = await visitor.open((await server.request(client, parameters)).url)
        expect(answerOf(page), JSON.stringify(parameters)).toBe(refused)
        expect(page.headers.has("location") || page.headers.has("refresh")).toBe(false)
        expect(page.html).not.toContain("evil")
      }
    }
  })

  // AUTHZ-12
  test("a request may leave out the only registered redirect URI (OAuth 2.1 §2.3.2)", async (server) => {
    const { open } = await afterConsent(server)
    expect(answerOf(await open({ redirect_uri: undefined, scope: malformedScope }))).toBe(redirected("invalid_scope"))
  })
})

describe("a request whose error goes to the client", () => {
  // AUTHZ-24
  test("an invalid request leads to the login page before its error goes to the client (RFC 9700 §4.11.2)", async (server) => {
    const { client } = await afterConsent(server)
    const open = async (parameters: Parameters) => server.browser().open((await server.request(client, parameters)).url)
    await expectAnswers(open, login, [
      { scope: malformedScope },
      { code_challenge: undefined },
      { response_type: "token" },
      { resource: "https://other.example/" },
      { state: ["a", "b"] },
      { request_uri: "https://evil.example/" }
    ])
  })

  // AUTHZ-25
  test("an error goes to a target that the user has never allowed only through a page that names it", async (server) => {
    const client = await server.register()
    const { browser, page, url } = await server.toConsent(client, { scope: malformedScope })
    expect(answerOf(page)).toBe("400 Before you go on")
    expect(page.document.querySelector("main")?.text).toContain("client.example")
    const link = new URL(page.document.querySelector("a")?.getAttribute("href") ?? "")
    expect(`${link.origin}${link.pathname}`).toBe(redirectUri)
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      error: "invalid_scope",
      state: "the state",
      iss: issuer
    })

    url.searchParams.set("scope", "notes:read")
    await browser.submit(await browser.open(url), { button: "allow" })
    url.searchParams.set("scope", malformedScope)
    expect(answerOf(await browser.open(url))).toBe(redirected("invalid_scope"))
  })

  // AUTHZ-26, AUTHZ-42
  test("an error redirect carries the error, the state and the issuer, and nothing else (RFC 6749 §4.1.2.1, RFC 9207 §2)", async (server) => {
    const { open } = await afterConsent(server)
    const requests: ReadonlyArray<Parameters> = [
      { response_type: undefined },
      { response_type: "token" },
      { scope: malformedScope },
      { resource: "https://other.example/" },
      { code_challenge: undefined },
      { request: "e30.e30." },
      { request_uri: "https://evil.example/" },
      { prompt: "none", max_age: "0" }
    ]
    for (const parameters of requests) {
      const { headers, sentTo, status } = await open(parameters)
      expect(status).toBe(303)
      expect(sentTo?.hash).toBe("")
      expect(sentTo?.searchParams.getAll("iss")).toEqual([issuer])
      expect([...(sentTo?.searchParams.keys() ?? [])]).toEqual(["error", "error_description", "state", "iss"])
      expect(sentTo?.searchParams.get("state")).toBe("the state")
      expect(sentTo?.searchParams.get("error_description")).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
      expect(headers.get("cache-control")).toBe("no-store")
    }
  })

  // AUTHZ-05
  test("a request that repeats any parameter but resource is an invalid_request (RFC 6749 §3.1)", async (server) => {
    const { open } = await afterConsent(server)
    const names = ["response_type", "scope", "state", "code_challenge", "code_challenge_method", "response_mode"]
    const others = ["nonce", "prompt", "max_age", "login_hint", "request", "request_uri", "unknown", "toString"]
    for (const name of [...names, ...others]) {
      await expectAnswers(open, redirected("invalid_request"), [
        { [name]: ["code", "code"] },
        { [name]: ["code", "token"] }
      ])
    }
    await expectAnswers(open, consent, [{ resource: [resource, resource] }])
  })

  test("a repeated state is not echoed", async (server) => {
    const { open } = await afterConsent(server)
    for (const state of [
      ["a", "b"],
      ["a", "a"]
    ]) {
      expect((await open({ state })).sentTo?.searchParams.has("state")).toBe(false)
    }
  })

  test("an error can go to an app, or to a program on this device", async (server) => {
    for (const uri of ["com.example.app:/callback", "http://127.0.0.1:3000/callback"]) {
      const client = await server.register({ redirect_uris: [uri] })
      const { browser, page } = await server.toConsent(client, { redirect_uri: uri })
      const { sentTo } = await browser.submit(page, { button: "deny" })
      expect(sentTo?.href.startsWith(`${uri}?error=access_denied&`), uri).toBe(true)
    }
  })
})

describe("the parameters", () => {
  // AUTHZ-06, AUTHZ-07
  test("response_type must be code (RFC 9700 §2.1.2)", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, redirected("invalid_request"), [{ response_type: undefined }, { response_type: "" }])
    const others = [
      "token",
      "id_token",
      "code token",
      "code id_token",
      "none",
      "code code",
      "CODE",
      "code ",
      "__proto__"
    ]
    await expectAnswers(open, redirected("unsupported_response_type"), each("response_type", others))
  })

  test("a client that did not register authorization_code gets unauthorized_client", async (server) => {
    const { browser, client } = await afterConsent(server)
    const other = await server.register({
      redirect_uris: [redirectUri],
      grant_types: ["refresh_token"],
      response_types: []
    })
    const page = await browser.open((await server.request(other)).url)
    expect(answerOf(page)).toBe("400 Before you go on")
    expect(page.html).toContain("error=unauthorized_client")
    expect(answerOf(await browser.open((await server.request(client)).url))).toBe(granted)
  })

  // AUTHZ-08
  test("response_mode must be query or missing (RFC 9700 §4.17)", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, consent, [{ response_mode: "query" }, { response_mode: "" }])
    const others = ["fragment", "web_message", "form_post", "form_post.jwt", "query.jwt", "QUERY", "x"]
    await expectAnswers(open, redirected("invalid_request"), each("response_mode", others))
    const evil = "https://evil.example/"
    await expectAnswers(
      open,
      refused,
      others.map((response_mode) => ({ response_mode, redirect_uri: evil }))
    )
  })

  // AUTHZ-29, AUTHZ-30, AUTHZ-31
  test("code_challenge must be an S256 challenge of 43 characters (RFC 7636 §4.3, RFC 9700 §2.1.1)", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, redirected("invalid_request"), [
      ...each("code_challenge", ["", "A".repeat(42), "A".repeat(44), "A".repeat(129), `${"A".repeat(43)}=`]),
      ...each("code_challenge", [`${"A".repeat(42)}+`, `${"A".repeat(42)}/`, `${"A".repeat(42)} `, "é".repeat(43)]),
      // The last character has two bits that are zero in every hash.
      ...each("code_challenge", [`${"A".repeat(42)}B`]),
      ...each("code_challenge_method", ["", "plain", "s256", "S512", "S256 ", "none"])
    ])
  })

  test("code_challenge is required from confidential clients, too (OAuth 2.1 §7.5)", async (server) => {
    const { open } = await afterConsent(server, { token_endpoint_auth_method: "client_secret_basic" })
    await expectAnswers(open, redirected("invalid_request"), [
      { code_challenge: undefined, code_challenge_method: undefined }
    ])
  })

  // AUTHZ-34
  test("scope must be a list of tokens with one space between them (RFC 6749 §3.3)", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, redirected("invalid_scope"), [
      ...each("scope", ['notes:"read"', "notes\\read", "notes:read  notes:write", " notes:read", "nötes"]),
      ...each("scope", [" ", "notes:read\nnotes:write", "x".repeat(129)]),
      { scope: Array.from({ length: 65 }, (_, index) => `s${index}`).join(" ") }
    ])
    await expectAnswers(open, consent, [{ scope: "notes:read notes:read" }])
  })

  // AUTHZ-35
  test("a request without scope asks for every scope of the resource (RFC 6749 §3.3)", async (server) => {
    const client = await server.register()
    expect((await server.tokens(client, { scope: undefined })).scope).toBe("notes:read notes:write")
    expect((await server.tokens(client, { scope: "" })).scope).toBe("notes:read notes:write")
  })

  test(
    "a request without scope can ask for more tokens than one parameter may hold",
    async (server) => {
      const client = await server.register()
      const tokens = await server.tokens(client, { scope: undefined })
      expect(tokens.scope.split(" ")).toHaveLength(80)
      const narrow = await tokensOf(server.refresh(client, tokens.refresh_token, { scope: "scope7 scope8" }))
      expect(narrow.scope).toBe("scope7 scope8")
    },
    { settings: { resources: [{ uri: resource, scopes: eighty }] } }
  )

  test(
    "a scope of another resource than the named one is an invalid_scope",
    async (server) => {
      const { open } = await afterConsent(server)
      await expectAnswers(open, redirected("invalid_scope"), [{ scope: "files:read" }])
      await expectAnswers(open, consentTo(files.uri), [{ scope: "files:read", resource: files.uri }])
    },
    bothResources
  )

  test(
    "a resource indicator must match exactly, except for the slash after a bare origin (RFC 8707 §2, RFC 3986 §6.2)",
    async (server) => {
      const { open } = await afterConsent(server)
      const origin = bareOrigin.uri
      const spellings = each("resource", [origin, `${origin}/`]).map((one) => ({ ...one, scope: "api:read" }))
      await expectAnswers(open, consentTo(origin), spellings)
      await expectAnswers(open, consent, [{ resource }])
      await expectAnswers(open, redirected("invalid_target"), each("resource", [`${resource}/`, `${origin}/x`]))
    },
    { settings: { resources: [notes, bareOrigin] }, routes: routesOf([notes]) }
  )

  // AUTHZ-36
  test(
    "a request without resource is for every resource that offers some of its scope (RFC 8707 §2)",
    async (server) => {
      const client = await server.register()
      const tokens = await server.tokens(client, { scope: "files:read", resource: undefined })
      expect(await outcome(server.call(tokens.access_token, files.uri))).toBe("200")
      expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
      const both = await server.tokens(client, { scope: "files:read notes:read", resource: undefined })
      expect(await outcome(server.call(both.access_token))).toBe("200")
    },
    bothResources
  )

  test(
    "a resource indicator may have an upper-case scheme, and the page lists every resource",
    async (server) => {
      const { open } = await afterConsent(server)
      const page = await open({
        scope: "notes:read files:read",
        resource: [resource.replace("http:", "HTTP:"), files.uri]
      })
      expect(answerOf(page)).toBe(consentTo(`${resource} and ${files.uri}`))
      expect(page.document.querySelectorAll("legend").map(({ text }) => text.trim())).toEqual([resource, files.uri])
    },
    bothResources
  )

  // AUTHZ-37
  test("an unknown resource is an invalid_target (RFC 8707 §2)", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, redirected("invalid_target"), [
      ...each("resource", ["notes", "/notes", "https://other.example/", `${resource}#top`, `${resource}#`]),
      ...each("resource", [`${resource}/`, `${resource}?x`, `${resource}x`, issuer, "javascript:alert(1)", "urn:x"]),
      { resource: [resource, "https://other.example/"] },
      { resource: Array.from({ length: 50 }, (_, index) => `${resource}/${index}`) }
    ])
  })

  test(
    "a request names at most eight resources",
    async (server) => {
      const { open } = await afterConsent(server)
      const resource = nine.map(({ uri }) => uri)
      await expectAnswers(open, redirected("invalid_target"), [{ scope: "read1", resource }])
      const [first, second, third, ...others] = resource.slice(1)
      const listed = `${first}, ${second}, ${third} and ${others.length} others`
      await expectAnswers(open, consentTo(listed), [{ scope: "read1", resource: resource.slice(1) }])
    },
    { settings: { resources: [notes, ...nine] } }
  )

  // AUTHZ-41
  test("request objects are refused, and none is fetched (RFC 9101 §7)", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, redirected("request_not_supported"), each("request", ["e30.e30.", "x"]))
    const uris = ["http://169.254.169.254/", "https://evil.example/", "urn:ietf:params:oauth:request_uri:x"]
    await expectAnswers(open, redirected("request_uri_not_supported"), each("request_uri", uris))
  })

  // AUTHZ-03, AUTHZ-04
  test("unknown and empty parameters are ignored (RFC 6749 §3.1)", async (server) => {
    const { open } = await afterConsent(server)
    const page = await open({
      utm: "c4n4ry",
      "scope[]": "admin",
      Scope: "admin",
      SCOPE: "admin",
      nonce: "x".repeat(384)
    })
    expect(answerOf(page)).toBe(consent)
    expect(page.document.querySelector("main")?.text).not.toContain("c4n4ry")
    const empty = await open({ state: "", scope: malformedScope })
    expect(empty.sentTo?.searchParams.has("state")).toBe(false)
  })

  test("a request has at most a hundred parameters", async (server) => {
    const { open } = await afterConsent(server)
    const unknown = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, "x"]))
    await expectAnswers(open, consent, [unknown(91)])
    await expectAnswers(open, refused, [unknown(92), unknown(1_000)])
  })

  // LOGIN-22, LOGIN-23
  test("login_hint fills in the username as text", async (server) => {
    const client = await server.register()
    for (const hint of ["ada", "' OR 1=1 --", "../../etc/passwd", '"><script>alert(1)</script>']) {
      const page = await server.browser().open((await server.request(client, { login_hint: hint })).url)
      expect(answerOf(page)).toBe(login)
      expect(page.document.querySelector("input[name=username]")?.getAttribute("value")).toBe(hint)
      expect(page.document.querySelector("script")).toBe(null)
    }
  })
})

describe("the state", () => {
  // AUTHZ-27, AUTHZ-28
  test("any state comes back unchanged with an error (RFC 6749 §4.1.2)", async (server) => {
    const { open } = await afterConsent(server)
    const states = [
      "x",
      "a b+c%20&=#;?/",
      "%",
      "%0d%0aX-Evil: 1",
      "\r\nX-Evil: 1",
      "\t",
      "<script>alert(1)</script>",
      "\"'`\\",
      "🔑",
      "\u202e",
      "e\u0301 \u00e9",
      "__proto__",
      "{}",
      "x".repeat(4_096)
    ]
    for (const state of states) {
      const { headers, sentTo } = await open({ state, scope: malformedScope })
      expect(sentTo?.searchParams.getAll("state"), state).toEqual([state])
      expect(headers.has("x-evil")).toBe(false)
    }
  })

  test("the state comes back unchanged with a code", async (server) => {
    const client = await server.register()
    const state = "a b+c%20&=#\r\n<>🔑"
    const { browser, page } = await server.toConsent(client, { state })
    const { sentTo } = await browser.submit(page, { button: "allow" })
    expect(sentTo?.searchParams.getAll("state")).toEqual([state])
  })

  test("a state of more than 4096 characters is an invalid_request and is not echoed", async (server) => {
    const { open } = await afterConsent(server)
    const { sentTo } = await open({ state: "x".repeat(4_097) })
    expect(sentTo?.searchParams.get("error")).toBe("invalid_request")
    expect(sentTo?.searchParams.has("state")).toBe(false)
  })
})

describe("the redirect URI", () => {
  const match = async (server: TestServer, registered: string) => {
    const client = await server.register({ redirect_uris: [registered] })
    return async (requested: string) => {
      const page = await server.browser().open((await server.request(client, { redirect_uri: requested })).url)
      return answerOf(page)
    }
  }

  const expectNoMatch = async (server: TestServer, registered: string, requested: ReadonlyArray<string>) => {
    const answer = await match(server, registered)
    expect(await answer(registered)).toBe(login)
    for (const uri of requested) expect(await answer(uri), uri).toBe(refused)
  }

  // AUTHZ-13, AUTHZ-15, AUTHZ-18
  test("the path, query and fragment of a redirect URI match exactly (RFC 9700 §4.1.3)", async (server) => {
    const base = "https://client.example"
    const paths = [
      "/cb/",
      "/CB",
      "/cb/x",
      "/cb/..",
      "/cb/../cb",
      "/./cb",
      "//cb",
      "/cb;",
      "/cb;a",
      "/cb..;/x",
      "/cb%2f"
    ]
    const more = ["/c%62", "%2Fcb", "", "/", "/cb?", "/cb?x=1", "/cb#", "/cb#x", "/cb%23x", "/cb ", " /cb", "/cb*"]
    await expectNoMatch(
      server,
      `${base}/cb`,
      [...paths, ...more].map((path) => base + path)
    )
    await expectNoMatch(
      server,
      `${base}/cb?x=1`,
      ["/cb", "/cb?x=2", "/cb?x=1&y=2", "/cb?y=2&x=1"].map((path) => base + path)
    )
  })

  // AUTHZ-14
  test("the host, user and port of a redirect URI match exactly", async (server) => {
    await expectNoMatch(server, "https://client.example/cb", [
      "https://client.example@evil.example/cb",
      "https://evil.example\\@client.example/cb",
      "https://a@b@client.example/cb",
      "https://user:password@client.example/cb",
      "https://client.example.evil.example/cb",
      "https://evilclient.example/cb",
      "https://client.example:443/cb",
      "https://client.example:8443/cb",
      "https://CLIENT.EXAMPLE/cb",
      "https://client.example./cb",
      "https://clіent.example/cb",
      "https://client.example%00.evil.example/cb",
      "https://[::1]/cb"
    ])
  })

  // AUTHZ-17, AUTHZ-19
  test("the scheme and unprintable characters of a redirect URI match exactly", async (server) => {
    await expectNoMatch(server, "https://client.example/cb", [
      "http://client.example/cb",
      "HTTPS://client.example/cb",
      "javascript:alert(1)",
      "JaVaScRiPt:alert(1)",
      "java\nscript:alert(1)",
      " javascript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "about:blank",
      "//client.example/cb",
      "/cb",
      "cb",
      "https://client.example/cb\r\nX-Evil: 1",
      "https://client.example/cb\t",
      "https://client.example/cb\u2028",
      "https://client.example/\ufffd",
      "https://client.example／cb",
      `https://client.example/cb?${"x".repeat(8_192)}`
    ])
  })

  test("a redirect URI with malformed UTF-8 or NUL is refused", async (server) => {
    const client = await server.register()
    const { url } = await server.request(client, { redirect_uri: undefined })
    for (const raw of ["%00", "%c0%af", "%ed%a0%80", "%zz", "%ff"]) {
      const page = await server.browser().open(`${url}&redirect_uri=${encodeURIComponent(redirectUri)}${raw}`)
      expect(answerOf(page), raw).toBe(refused)
    }
  })

  // AUTHZ-20, AUTHZ-22
  test("a loopback redirect URI may have any port (RFC 8252 §7.3)", async (server) => {
    for (const host of ["127.0.0.1", "[::1]", "localhost"]) {
      for (const registered of [`http://${host}/cb`, `http://${host}:3000/cb`, `http://${host}:3000/cb?x=1`]) {
        const answer = await match(server, registered)
        for (const port of ["", ":1", ":80", ":3000", ":49152", ":65535"]) {
          const requested = `http://${host}${port}${new URL(registered).pathname}${new URL(registered).search}`
          expect(await answer(requested), `${registered} ${requested}`).toBe(login)
        }
      }
    }
  })

  // AUTHZ-21
  test("a loopback redirect URI may differ only in the port (RFC 8252 §7.3)", async (server) => {
    const hosts = ["127.0.0.2", "localhost", "0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433"]
    const more = ["0x7f.1", "127.0.0.1.evil.example", "127.0.0.1.", "127.0.0.1@evil.example", "user@127.0.0.1"]
    await expectNoMatch(server, "http://127.0.0.1:1234/cb", [
      ...[...hosts, ...more].map((host) => `http://${host}:1234/cb`),
      ...["/", "/cb/", "/CB", "/cb/x", "/cb?x=1", "/cb#x", "/cb\\", ""].map((path) => `http://127.0.0.1:1234${path}`),
      ...["0", "65536", "-1", "abc", "01234", "1234:1", "1234@evil.example", " 1234"].map(
        (port) => `http://127.0.0.1:${port}/cb`
      ),
      "https://127.0.0.1:1234/cb",
      "HTTP://127.0.0.1:1234/cb",
      "http:/127.0.0.1:1234/cb",
      "http://127.0.0.1:/cb"
    ])
    await expectNoMatch(server, "http://localhost:1234/cb", [
      "http://localhost.evil.example:1234/cb",
      "http://LOCALHOST:1234/cb",
      "http://127.0.0.1:1234/cb",
      "http://localhost.:1234/cb"
    ])
  })

  test("a redirect URI that is not loopback http must have the registered port", async (server) => {
    await expectNoMatch(server, "https://localhost:3000/cb", ["https://localhost:3001/cb", "https://localhost/cb"])
  })

  // AUTHZ-23
  test("a private-use redirect URI matches exactly (RFC 8252 §7.1)", async (server) => {
    await expectNoMatch(server, "com.example.app:/cb", [
      "com.example.app:/cb/",
      "com.example.app://cb",
      "com.example.app:cb",
      "COM.example.app:/cb",
      "com.example.app2:/cb",
      "com.example:/cb"
    ])
  })

  // AUTHZ-16
  test("a redirect URI keeps its own query, and the response parameters follow it (RFC 6749 §3.1.2)", async (server) => {
    for (const [registered, begin] of [
      [`${redirectUri}?env=1`, `${redirectUri}?env=1&code=`],
      [`${redirectUri}?`, `${redirectUri}?code=`],
      [`${redirectUri}?env=1&`, `${redirectUri}?env=1&code=`]
    ] as const) {
      const client = await server.register({ redirect_uris: [registered] })
      const { browser, page } = await server.toConsent(client, { redirect_uri: registered })
      const { headers } = await browser.submit(page, { button: "allow" })
      expect(headers.get("location")?.startsWith(begin), registered).toBe(true)
    }
  })

  test("a loopback client gets the response at the requested port", async (server) => {
    const client = await server.register({ redirect_uris: ["http://localhost:3000/cb"] })
    const { browser, page } = await server.toConsent(client, { redirect_uri: "http://localhost:49152/cb" })
    const { sentTo } = await browser.submit(page, { button: "allow" })
    expect(sentTo?.host).toBe("localhost:49152")
  })
})

describe("the authorization response", () => {
  // AUTHZ-01, AUTHZ-42, AUTHZ-43, AUTHZ-47
  test("Allow redirects with a code, the state and the issuer, and is not cached (RFC 6749 §4.1.2, RFC 9207 §2)", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const { headers, sentTo, status } = await browser.submit(page, { button: "allow" })
    expect(status).toBe(303)
    expect([...(sentTo?.searchParams.keys() ?? [])]).toEqual(["code", "state", "iss"])
    expect(sentTo?.searchParams.get("iss")).toBe(issuer)
    expect(sentTo?.searchParams.get("iss")).toBe((await server.discover()).issuer)
    expect(sentTo?.hash).toBe("")
    expect(headers.get("cache-control")).toBe("no-store")
  })

  // LOGIN-18
  test("Deny redirects with access_denied and makes no grant (RFC 6749 §4.1.2.1)", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const { sentTo, status } = await browser.submit(page, { button: "deny" })
    expect(status).toBe(303)
    expect(Object.fromEntries(sentTo?.searchParams ?? [])).toEqual({
      error: "access_denied",
      error_description: "the user denied the request",
      state: "the state",
      iss: issuer
    })
  })

  // AUTHZ-44
  test("no page has CORS headers", async (server) => {
    const client = await server.register()
    const { url } = await server.request(client)
    const headers = { origin: "https://evil.example" }
    for (const path of ["/authorize", "/login", "/consent", "/logout", `${url.pathname}${url.search}`]) {
      for (const method of ["GET", "OPTIONS", "POST"]) {
        const answer = await server.send(path, { method, headers })
        expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([])
        if (method === "OPTIONS") expect(answer.status).toBe(405)
      }
    }
  })
})

describe("the methods", () => {
  // AUTHZ-02
  test("POST redirects by 303 to GET with the same parameters (RFC 6749 §3.1)", async (server) => {
    const client = await server.register()
    const { url } = await server.request(client, { resource: [resource, resource], "": "x", state: "a b&c" })
    const answer = await server.post("/authorize", Object.fromEntries(url.searchParams), {
      origin: "https://client.example",
      "sec-fetch-site": "cross-site"
    })
    expect(answer.status).toBe(303)
    const location = new URL(answer.headers.get("location") ?? "", issuer)
    expect(location.pathname).toBe("/authorize")
    expect(Object.fromEntries(location.searchParams)).toEqual(Object.fromEntries(url.searchParams))
    expect(answerOf(await server.browser().open(location))).toBe(login)
  })

  test("an invalid POST is refused like a GET", async (server) => {
    const client = await server.register()
    const { url } = await server.request(client)
    const good = url.searchParams.toString()
    const form = { "content-type": "application/x-www-form-urlencoded" }
    const cases: ReadonlyArray<readonly [name: string, body: string, headers: Record<string, string>]> = [
      ["repeated", `${good}&client_id=${client.client_id}`, form],
      [
        "another media type",
        JSON.stringify(Object.fromEntries(url.searchParams)),
        { "content-type": "application/json" }
      ],
      ["no media type", good, { "content-type": "" }],
      ["too long for a URL", `${good}&x=${"x".repeat(8_192)}`, form],
      ["too many", `${good}${"&x=1".repeat(100)}`, form]
    ]
    for (const [name, body, headers] of cases) {
      const first = await server.send("/authorize", { method: "POST", body, headers })
      const location = first.headers.get("location")
      const last = location === null ? first : await server.send(location)
      expect(last.status, name).toBe(400)
    }
  })

  test("any other method is answered with 405 and Allow (RFC 9110 §15.5.6)", async (server) => {
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const answer = await server.send("/authorize", { method })
      expect(answer.status).toBe(405)
      expect(answer.headers.get("allow")).toBe("GET, HEAD, POST")
    }
  })

  // HTTP-04
  test("HEAD answers as GET without a body and decides nothing (RFC 9110 §9.3.2)", async (server) => {
    const { browser, client } = await afterConsent(server)
    const { url } = await server.request(client)
    const cookie = Array.from(browser.cookies, (pair) => pair.join("=")).join("; ")
    const answer = await server.send(url.href, { method: "HEAD", headers: { cookie } })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe("")
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8")
    for (const path of ["/login", "/consent", "/token", "/register"]) {
      expect((await server.send(path, { method: "HEAD" })).status, path).toBe(405)
    }
  })
})

describe("prompt and max_age", () => {
  // AUTHZ-38
  test("prompt=none shows no form, and redirects only to a target that the user has allowed", async (server) => {
    const { client, open } = await afterConsent(server)
    expect(answerOf(await open({ prompt: "none" }))).toBe(granted)
    expect(answerOf(await open({ prompt: "none", max_age: "0" }))).toBe(redirected("login_required"))
    const unknown = await server.browser().open((await server.request(client, { prompt: "none" })).url)
    expect(unknown.sentTo).toBe(undefined)
    expect(unknown.document.querySelector("form")).toBe(null)
    expect(unknown.document.querySelector("a")?.getAttribute("href")).toContain("error=login_required")
    expect(unknown.status).toBe(403)
    const wrong = await server
      .browser()
      .open((await server.request(client, { prompt: "none", scope: malformedScope })).url)
    expect(answerOf(wrong)).toBe("400 Before you go on")
  })

  test("a malformed prompt or max_age is an invalid_request", async (server) => {
    const { open } = await afterConsent(server)
    await expectAnswers(open, redirected("invalid_request"), [
      ...each("prompt", ["create", "LOGIN", "none login", "login none", "login  consent", "__proto__"]),
      ...each("max_age", ["-1", "NaN", "1e309", "1;DROP", "0x10", "1.5", " 1", "9".repeat(10)])
    ])
    await expectAnswers(open, consent, [{ prompt: "consent" }, { max_age: "3600" }])
  })

  // AUTHZ-40
  for (const prompt of ["login", "select_account", "login consent"]) {
    test(`prompt=${prompt} requires a login after the request was first shown`, async (server) => {
      const { browser, client, open } = await afterConsent(server)
      const page = await open({ prompt })
      expect(answerOf(page)).toBe(login)
      await server.advance(1)
      const after = await server.logIn(browser, page)
      expect(answerOf(after)).toBe(prompt.includes("consent") ? consent : granted)
      // The same request again is a new one: the user has not logged in since.
      expect(answerOf(await open({ prompt }))).toBe(login)
      // The proof that the login left in the URL is for this request only.
      const proof = new URL(after.url).searchParams.get("latchkey_login") ?? ""
      const other = await server.request(client, { prompt, latchkey_login: proof })
      expect(answerOf(await browser.open(other.url))).toBe(login)
    })
  }

  test("the proof of a login in the URL does not satisfy prompt=login for an older session", async (server) => {
    const { browser, client } = await afterConsent(server)
    await server.advance("1 minute")
    const { url } = await server.request(client, { prompt: "login" })
    const elsewhere = server.browser()
    const after = await server.logIn(elsewhere, await elsewhere.open(url))
    expect(answerOf(after)).toBe(granted)
    expect(answerOf(await browser.open(after.url))).toBe(login)
  })

  test("max_age accepts only a login that is younger", async (server) => {
    const { open } = await afterConsent(server)
    await server.advance(59_999)
    expect(answerOf(await open({ max_age: "60" }))).toBe(consent)
    await server.advance(1)
    expect(answerOf(await open({ max_age: "60" }))).toBe(login)
    expect(answerOf(await open({ max_age: "61" }))).toBe(consent)
  })

  test("max_age=0 accepts a login made for this request", async (server) => {
    const { browser, open } = await afterConsent(server)
    const page = await open({ max_age: "0" })
    expect(answerOf(page)).toBe(login)
    expect(answerOf(await server.logIn(browser, page))).toBe(consent)
  })

  test("a wrong password before the login does not make the login too old for prompt=login", async (server) => {
    const { browser, open } = await afterConsent(server)
    const page = await open({ prompt: "login" })
    await server.advance("1 minute")
    const again = await browser.submit(page, { fields: { username: "ada", password: "wrong password" } })
    expect(answerOf(again)).toBe("403 Log in")
    expect(answerOf(await server.logIn(browser, again))).toBe(granted)
  })
})
