/** Pages are served only at the issuer's host; endpoints for programs answer under any host. */
import { describe, expect } from "@effect/vitest"
import * as Logger from "effect/Logger"
import { issuer, type TestServer, test } from "../support/Server.js"

const secure = "https://auth.example.com"
const resources = [{ uri: `${secure}/notes`, scopes: { "notes:read": "Read your notes" } }]
const onHttps = { settings: { issuer: secure, resources } }

/** A request to a path of the server under another host. */
const under = (server: TestServer, origin: string, path: string, init: RequestInit = {}) =>
  server.fetch(new Request(`${origin}${path}`, { redirect: "manual", ...init }))

const pages = ["/login", "/authorize?client_id=x", "/consent", "/account", "/logout"]

describe("a foreign host", () => {
  for (const host of [
    "https://evil.example",
    "https://auth.example.com.evil.example",
    "https://auth.example.com.",
    "https://127.0.0.1",
    "http://localhost:9400",
    "https://[::1]"
  ]) {
    test(
      `a page at ${host} is answered with 421 and a link to the issuer`,
      async (server) => {
        for (const path of pages) {
          const answer = await under(server, host, path, { headers: { accept: "text/html" } })
          // A page without GET answers 405 first, and shows nothing either.
          expect([405, 421], path).toContain(answer.status)
          expect(answer.headers.has("set-cookie"), path).toBe(false)
          const html = await answer.text()
          expect(html, path).not.toMatch(/<input|evil/)
          if (answer.status === 421) expect(html, path).toContain(`href="${secure}/account"`)
        }
        const init = { method: "POST", headers: { origin: host }, body: new URLSearchParams({ username: "ada" }) }
        for (const path of ["/login", "/consent", "/authorize", "/logout"]) {
          expect((await under(server, host, path, init)).status, path).toBe(421)
        }
      },
      onHttps
    )
  }

  for (const path of ["/token", "/register", "/revoke", "/introspect"]) {
    test(
      `${path} answers the same under another host, such as a name in a cluster`,
      async (server) => {
        const here = await under(server, secure, path, { method: "POST" })
        const there = await under(server, "http://latchkey.auth.svc.cluster.local:9400", path, { method: "POST" })
        expect([there.status, await there.text()]).toEqual([here.status, await here.text()])
      },
      onHttps
    )
  }

  for (const path of [
    "/health",
    "/ready",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/jwks"
  ]) {
    test(
      `${path} answers under any host`,
      async (server) => expect((await under(server, "http://10.2.3.4:9400", path)).status).toBe(200),
      onHttps
    )
  }
})

describe("another name of this machine", () => {
  for (const host of ["localhost:9400", "[::1]:9400"]) {
    test(`a page at ${host} redirects to the issuer with its query`, async (server) => {
      const answer = await under(server, `http://${host}`, "/authorize?client_id=a&state=b%20c")
      expect([answer.status, answer.headers.get("location")]).toEqual([
        303,
        `${issuer}/authorize?client_id=a&state=b%20c`
      ])
      expect(answer.headers.has("set-cookie")).toBe(false)
      expect((await under(server, `http://${host}`, "/login", { method: "POST" })).status).toBe(421)
    })
  }

  test("a page at another port of this machine is answered with 421, because a proxy may be there", async (server) => {
    expect((await under(server, "http://localhost:5173", "/account")).status).toBe(421)
  })
})

describe("the issuer's host", () => {
  for (const origin of [
    secure,
    "http://auth.example.com",
    "https://AUTH.example.com:443",
    "http://auth.example.com:8080"
  ]) {
    test(
      `a page at ${origin} is served as at the issuer`,
      async (server) => expect((await under(server, origin, "/account")).status).toBe(200),
      onHttps
    )
  }
})

describe("a proxy that changes the host", () => {
  const inside = "http://backend.internal:9400"
  const forwarded = { headers: { "x-forwarded-host": "auth.example.com" } }
  const settings = { ...onHttps.settings, trustedProxies: ["10.0.0.0/8"] }

  test(
    "X-Forwarded-Host of a trusted proxy is used",
    async (server) => {
      expect((await under(server.from("10.0.0.1"), inside, "/account", forwarded)).status).toBe(200)
      const other = { headers: { "x-forwarded-host": "evil.example" } }
      expect((await under(server.from("10.0.0.1"), inside, "/account", other)).status).toBe(421)
    },
    { settings }
  )

  const lines: Array<string> = []
  test(
    "an untrusted proxy is logged once, with the setting to change",
    async (server) => {
      for (let i = 0; i < 3; i++) {
        expect((await under(server.from("172.17.0.1"), inside, "/account", forwarded)).status).toBe(421)
      }
      const warnings = lines.filter((line) => line.includes('"WARN"'))
      expect(warnings).toHaveLength(1)
      expect(JSON.parse(warnings[0] ?? "{}")).toMatchObject({
        message: expect.stringContaining(
          "if this peer is your proxy, add its address to trustedProxies (LATCHKEY_TRUSTED_PROXIES)"
        ),
        annotations: { host: "backend.internal", issuer: secure, peer: "172.17.0.1" }
      })
    },
    { settings, logger: Logger.map(Logger.jsonLogger, (line) => void lines.push(line)) }
  )

  const linesOfTwo: Array<string> = []
  test(
    "a proxy is logged although another peer sent a foreign host before, and the reverse",
    async (server) => {
      const warnings = () => linesOfTwo.filter((line) => line.includes('"WARN"'))
      for (let i = 0; i < 2; i++) await under(server.from("203.0.113.9"), "http://evil.example", "/account")
      expect(warnings()).toEqual([expect.stringContaining("if a proxy in front changes the Host header")])
      for (let i = 0; i < 2; i++) await under(server.from("172.17.0.1"), inside, "/account", forwarded)
      await under(server.from("203.0.113.9"), "http://evil.example", "/account")
      expect(warnings()).toEqual([expect.anything(), expect.stringContaining("172.17.0.1")])
    },
    { settings, logger: Logger.map(Logger.jsonLogger, (line) => void linesOfTwo.push(line)) }
  )
})

describe("Strict-Transport-Security", () => {
  const requests: ReadonlyArray<readonly [string, string, RequestInit]> = [
    ["a page", "/account", {}],
    ["a redirect", "/authorize", { method: "POST" }],
    ["an error of the token endpoint", "/token", { method: "POST" }],
    ["metadata", "/.well-known/oauth-authorization-server", {}],
    ["a method that is not allowed", "/token", { method: "DELETE" }],
    ["a preflight", "/token", { method: "OPTIONS" }],
    ["a guard's challenge", "/notes", {}],
    ["the API", "/api/admin/users", {}]
  ]
  for (const [name, path, init] of requests) {
    test(
      `Strict-Transport-Security is on ${name} of an https issuer`,
      async (server) => {
        const answer = await under(server, secure, path, init)
        expect(answer.headers.get("strict-transport-security")).toBe("max-age=31536000")
      },
      { settings: { issuer: secure, resources }, api: true }
    )
  }

  test(
    "Strict-Transport-Security is on no response of an http issuer",
    async (server) => {
      for (const [, path, init] of requests) {
        expect((await under(server, issuer, path, init)).headers.has("strict-transport-security"), path).toBe(false)
      }
    },
    { api: true }
  )
})
