/** HTTP: the transport, request by request. `http-load.system.test.ts` has the checks that need a launched server. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import * as BearerAuth from "../../src/http/guard/BearerAuth.js"
import { Maintenance } from "../../src/services/maintenance/Maintenance.js"
import { outcome } from "../flow/support/Server.js"
import { recorded } from "../flow/support/Storage.js"
import { family } from "./support/Catalogue.js"
import { outcomeOf } from "./support/Outcome.js"
import { format } from "./support/Raw.js"
import type { Target } from "./support/Target.js"

const { check, control, otherwise } = family({
  isStopped: true,
  routes: (origin) =>
    HttpLayerRouter.add("GET", "/notes", HttpServerResponse.unsafeJson({})).pipe(
      Layer.provide(BearerAuth.layer({ resource: `${origin}/notes`, scopes: ["notes:read"] }))
    )
})

const form = "Content-Type: application/x-www-form-urlencoded\r\n"
const body = "grant_type=x&client_id=y"

/** Writes bytes, and returns the statuses of all responses and whether the connection was closed. */
const write = async (target: Target, bytes: string, answers = 2) => {
  const exchange = await target.bytes(bytes, { answers, patience: 2_000 })
  const statuses = Array.from(exchange.bytes.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => Number(status))
  return { statuses, closed: exchange.closed, text: exchange.bytes }
}

/** The server still answers. */
const isAlive = async (target: Target) => expect((await target.http({ path: "/health" })).status).toBe(200)

check("HTTP-02", "long headers and URLs are refused with 431, and many headers are accepted", async (target) => {
  const header = (length: number) => ({ "X-Long": "a".repeat(length) })
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`X-${index}`, "a"]))
  const cookies = { Cookie: Array.from({ length: 1_000 }, (_, index) => `c${index}=a`).join("; ") }
  const requests: ReadonlyArray<readonly [path: string, headers: Readonly<Record<string, string>>, status: number]> = [
    ["/health", header(32 * 1024), 431],
    ["/health", header(17 * 1024), 431],
    [`/health?${"a".repeat(16 * 1024)}`, {}, 431],
    [`/authorize?${"a".repeat(15 * 1024)}`, {}, 400],
    ["/health", header(8 * 1024), 200],
    ["/health", many, 200],
    ["/account", cookies, 200]
  ]
  for (const [path, headers, status] of requests) {
    const answer = await target.http({ path, headers })
    expect(answer.status, `${path.slice(0, 20)} ${Object.keys(headers)[0]}`).toBe(status)
  }
})

/** Requests with an ambiguous end. Another request follows each. */
const ambiguous: Readonly<Record<string, string>> = {
  "Content-Length twice, alike": `Content-Length: ${body.length}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  "Content-Length twice": `Content-Length: ${body.length}\r\nContent-Length: 3\r\n\r\n${body}`,
  "a list of lengths": `Content-Length: 3, 3\r\n\r\n${body}`,
  "a length with a sign": `Content-Length: +24\r\n\r\n${body}`,
  "a negative length": `Content-Length: -1\r\n\r\n${body}`,
  "a hexadecimal length": `Content-Length: 0x18\r\n\r\n${body}`,
  "a length and chunks": `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "chunks and a length": `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
  "an unknown coding": `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  "chunked, but not last": `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  "the identity coding": `Transfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  "a vertical tab": `Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n`,
  "codings in two lines": `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  "a space before the colon": `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  "a folded line": `X-Folded: a\r\n b\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  "a bare CR": `X-A: y\rContent-Length: 0\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  "a bare LF": `X-A: y\nContent-Length: ${body.length}\n\n${body}`,
  "a NUL": `X-A: \0\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  "a negative chunk": "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
  "a chunk size that overflows": "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
  "a chunk size with 0x": "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
  "a chunk that is too long": "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
  "a line feed in a chunk extension": "Transfer-Encoding: chunked\r\n\r\n1;\nx\r\na\r\n0\r\n\r\n",
  "a long chunk extension": `Transfer-Encoding: chunked\r\n\r\n1;${"a".repeat(20_000)}\r\na\r\n0\r\n\r\n`
}

otherwise(
  "HTTP-03",
  "ADR 33: a chunk extension is ignored unless it is malformed or long",
  "a request with an ambiguous end is refused, and the bytes after it are no request",
  async (target) => {
    const next = `GET /health HTTP/1.1\r\nHost: x\r\n\r\n`
    for (const [name, rest] of Object.entries(ambiguous)) {
      const { closed, statuses, text } = await write(target, `POST /token HTTP/1.1\r\nHost: x\r\n${form}${rest}${next}`)
      expect(statuses, name).toHaveLength(1)
      expect([400, 413], name).toContain(statuses[0])
      expect(closed, name).toBe(true)
      expect(text, name).not.toContain("alive")
    }
    const lines = ["Host: x\r\nHost: y", "Host: x\r\nAuthorization: Basic eDp5\r\nAuthorization: Basic eDp6"]
    for (const headers of [...lines, `Host: x\r\n${form.trim()}\r\n${form.trim()}`]) {
      const { statuses } = await write(target, `GET /health HTTP/1.1\r\n${headers}\r\n\r\n`, 1)
      expect(statuses, headers).toEqual([400])
    }
    for (const start of ["GET /health HTTP/1.1\n", "GET /health HTTP/3.7\r\n"]) {
      expect((await write(target, `${start}Host: x\r\n\r\n`)).statuses, start).toEqual([400])
    }
    // An extension does not change the end of the body.
    const chunk = `${body.length.toString(16)};a=b\r\n${body}\r\n0\r\n\r\n`
    const extended = `POST /token HTTP/1.1\r\nHost: x\r\n${form}Transfer-Encoding: chunked\r\n\r\n${chunk}${next}`
    expect((await write(target, extended)).statuses).toEqual([401, 200])
    await isAlive(target)
  }
)

const paths = [
  ...["/authorize", "/login", "/consent", "/account", "/logout", "/token", "/revoke", "/introspect", "/register"],
  ...["/health", "/ready", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"],
  ...["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/notes"]
]

check(
  "HTTP-04",
  "a method that an endpoint does not support gets 405 with Allow, and HEAD changes nothing",
  async (target) => {
    for (const path of [...paths, "/notes", "/api/account/apps", "/api/admin/users"]) {
      for (const method of ["TRACE", "PROPFIND", "M-SEARCH", "QUERY"]) {
        const answer = await target.http({ method, path })
        expect(answer.status, `${method} ${path}`).toBe(405)
        expect(answer.header("allow"), `${method} ${path}`).toMatch(/GET|POST/)
        expect(answer.text, `${method} ${path}`).not.toContain("127.0.0.1:")
      }
    }
    for (const path of paths) {
      for (const method of ["PUT", "PATCH", "DELETE"]) expect((await target.http({ method, path })).status).toBe(405)
      for (const method of ["FOO", "get", "GeT", "POST\t"]) {
        expect((await write(target, `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)).statuses, method).toEqual([400])
      }
      // Node closes such a connection, or the server answers it.
      const { closed, statuses } = await write(target, `CONNECT ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      expect([closed, statuses.every((status) => status === 405)], path).toEqual([true, true])
    }
    const client = await target.register()
    const { url } = await target.request(client)
    const head = await target.http({ method: "HEAD", path: url.pathname + url.search })
    expect([head.status, head.body]).toEqual([200, ""])
    for (const path of ["/token", "/register", "/revoke", "/login", "/consent"]) {
      expect((await target.http({ method: "HEAD", path })).status, path).toBe(405)
    }
  }
)

/** Other spellings of a path, which a proxy in front of the server may treat as the same. */
const spellings = (path: string) => [
  `/${path}`,
  `${path}/`,
  path.toUpperCase(),
  `${path}%00`,
  `${path}%2f`,
  `${path}#x`,
  `/.${path}`,
  `/x/..${path}`,
  `${path}/.`,
  `${path}/../admin`,
  `/%2e%2e${path}`,
  `//127.0.0.1${path}`
]

check("HTTP-05", "another spelling of a path is not found, or has the same guard", async (target) => {
  for (const path of ["/token", "/revoke", "/register", "/authorize", "/health", "/notes"]) {
    const encoded = path.replace(path.charAt(1), `%${path.charCodeAt(1).toString(16)}`)
    for (const spelling of [...spellings(path), encoded, `${path};x`]) {
      const method = ["/authorize", "/health", "/notes"].includes(path) ? "GET" : "POST"
      const { status } = await target.http({ method, path: spelling, body: method === "POST" ? { a: "b" } : "" })
      // The app's own routes are matched by the platform, which decodes them first; the guard comes with the route. Below
      // /register each path is that of a registration, which has no POST (RFC 7592 §2).
      const others = path === "/notes" ? [401] : spelling.startsWith("/register/") ? [405] : []
      expect([404, ...others], spelling).toContain(status)
    }
  }
  // A target in absolute form is the path itself (RFC 9112 §3.2.2): the response is the same for every host.
  for (const path of ["/health", "/login", "/notes", "/nowhere", "/.well-known/oauth-protected-resource/notes"]) {
    const plain = await target.http({ path })
    for (const authority of ["http://evil.example", "https://auth.example.com:8443", "http://a@[::1]"]) {
      const answer = await target.http({ path: `${authority}${path}` })
      expect([answer.status, answer.header("www-authenticate")], authority + path).toEqual([
        plain.status,
        plain.header("www-authenticate")
      ])
      expect(`${answer.headers}${answer.body}`).not.toContain("evil")
    }
  }
  for (const path of ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/....//etc/passwd"]) {
    expect((await target.http({ path })).status, path).toBe(404)
  }
  for (const path of ["\\token", "token", "", "/to\0ken", "/token\t"]) {
    const { statuses } = await write(target, `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`, 1)
    expect(
      statuses.every((status) => status === 400 || status === 404),
      path
    ).toBe(true)
  }
})

check("HTTP-10", "more than a hundred parameters are refused", async (target) => {
  const post = async (content: string) =>
    outcomeOf(
      await target.http({
        method: "POST",
        path: "/token",
        body: content,
        headers: { "Content-Type": "application/x-www-form-urlencoded" }
      })
    )
  const numbered = (count: number) => Array.from({ length: count }, (_, index) => `${index}=1`).join("&")
  expect(await post(numbered(100))).toBe("401 invalid_client")
  for (const count of [101, 5_000]) expect(await post(numbered(count)), String(count)).toBe("400 invalid_request")
  expect(await post(numbered(100_000))).toBe("413 invalid_request")
  expect(await post("&".repeat(60_000))).toBe("401 invalid_client")
  for (const count of [101, 2_000]) {
    expect((await target.http({ path: `/authorize?${numbered(count)}` })).status).toBe(400)
  }
})

check("HTTP-11", "abandoned requests are not stored, or are deleted after their expiry", async (shared) => {
  const written: Array<string> = []
  const counted = await shared.another({ storage: recorded(written) })
  const { url } = await counted.request(await counted.register())
  written.length = 0
  for (let i = 0; i < 20; i++) await counted.browser().open(url)
  expect(written).toEqual([])

  const target = await shared.another({})
  const client = await target.register()
  const tokens = await target.tokens(client)
  await target.ask("/revoke", client, { token: tokens.access_token })
  const unused = await target.register()
  for (let i = 0; i < 10; i++) await target.code(client)
  await target.advance("40 days")
  const report = await target.run(Effect.flatMap(Maintenance, ({ pass }) => pass))
  expect(report).toMatchObject({ _tag: "Completed", report: { grants: 10, sessions: 1, revokedTokens: 1 } })
  expect(await outcome(target.ask("/revoke", unused, { token: "x" }))).toBe("401 invalid_client")
})

otherwise(
  "HTTP-12",
  "ADR 33: node:http behind the operator's proxy",
  "HTTP/2 and TLS are refused on the port, and an offered upgrade is answered as HTTP/1.1",
  async (target) => {
    for (const bytes of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]) {
      const { closed, statuses } = await write(target, bytes)
      expect([closed, statuses]).toEqual([true, [400]])
    }
    const client = await target.register()
    const request = format(target.port, {
      method: "POST",
      path: "/token",
      headers: { Connection: "Upgrade, HTTP2-Settings, close", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" },
      body: { grant_type: "refresh_token", client_id: client.client_id, refresh_token: "x" }
    })
    const { answers } = await target.bytes(request)
    // The body was read: the refresh token is wrong, and not the client.
    expect(answers.map(outcomeOf)).toEqual(["400 invalid_grant"])
    await isAlive(target)
  }
)

check("HTTP-13", "an issuer is https or loopback, and an https issuer sends HSTS on its pages", async (target) => {
  await expect(target.another({ settings: { issuer: "http://auth.example.com" } })).rejects.toThrow("issuer")
  const origin = "https://auth.example.com"
  const secure = await target.another({
    settings: { issuer: origin },
    resources: () => [{ uri: `${origin}/notes`, scopes: { "notes:read": "Read your notes" } }]
  })
  const page = await secure.http({ path: "/account", headers: { Host: "auth.example.com" } })
  expect(page.header("strict-transport-security")).toMatch(/^max-age=\d{8}/)
  for (const cookie of page.all("set-cookie")) expect(cookie).toMatch(/^__Host-.*; Secure/)
  // No token request is redirected, so that a client that sends secrets in the clear fails visibly.
  expect((await secure.http({ method: "POST", path: "/token", body: { a: "b" } })).status).toBe(401)
})

check("HTTP-14", "health endpoints say whether the server works, and nothing else", async (target) => {
  for (const [path, status] of [
    ["/health", "alive"],
    ["/ready", "ready"]
  ] as const) {
    const answer = await target.http({ path })
    expect(answer.json()).toEqual({ status })
    expect(answer.text).not.toMatch(/x-powered-by|^server:|latchkey|node|\d+\.\d+\.\d+(?!\.\d)/im)
  }
  for (const path of ["/metrics", "/debug", "/version", "/.env", "/status", "/healthz"]) {
    expect((await target.http({ path })).status).toBe(404)
  }
})

control("HTTP-04", "if TRACE is answered like GET", {
  mutation: { request: (sent) => (sent.method === "TRACE" ? { ...sent, method: "GET" } : sent) }
})
control("HTTP-05", "if a proxy in front of the server normalises paths", {
  mutation: { request: (sent) => ({ ...sent, path: new URL(sent.path, "http://localhost").pathname }) }
})
control("HTTP-10", "if only the first hundred parameters are read", {
  mutation: { request: (sent) => ({ ...sent, body: sent.body.split("&").slice(0, 100).join("&") }) }
})
