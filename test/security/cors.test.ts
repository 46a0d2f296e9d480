/** CORS: the requests and responses of scripts of other origins. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import { guarded } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { header, withHeader, without } from "./support/MutatingProxy.js"
import type { Answer, Headers } from "./support/Raw.js"
import type { Target } from "./support/Target.js"

const { check, control, otherwise } = family()

const documents = [
  "/.well-known/oauth-authorization-server",
  "/.well-known/openid-configuration",
  "/.well-known/oauth-protected-resource",
  "/.well-known/oauth-protected-resource/notes"
]
const forClients = ["/token", "/register", "/revoke"]
const forPeople = ["/authorize", "/login", "/consent", "/account", "/logout"]
const elsewhere = ["/introspect", "/health", "/ready", "/notes", "/api/docs", "/nowhere"]

const preflight = (origin: string, method: string): Headers => [
  ["Origin", origin],
  ["Access-Control-Request-Method", method],
  ["Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version"]
]

const standard = ["Authorization", "Content-Type", "MCP-Protocol-Version"]

/** A preflight that asks for these headers. */
const preflightOf = (target: Target, path: string, asked: string) =>
  target.http({
    method: "OPTIONS",
    path,
    headers: [
      ["Origin", "https://app.example"],
      ["Access-Control-Request-Method", "GET"],
      ["Access-Control-Request-Headers", asked]
    ]
  })

const allowedHeaders = (answer: Answer) => answer.header("access-control-allow-headers")?.split(", ")

check("CORS-01", "a script of any origin reads the public documents, without credentials", async (target) => {
  for (const path of documents) {
    const answer = await target.http({ path, headers: { Origin: "https://app.example" } })
    const options = await target.http({ method: "OPTIONS", path, headers: preflight("https://app.example", "GET") })
    for (const own of [answer, options]) {
      expect(own.all("access-control-allow-origin"), path).toEqual(["*"])
      expect(own.all("access-control-allow-credentials"), path).toEqual([])
    }
    expect(options.status, path).toBe(204)
    expect(options.header("access-control-allow-methods"), path).toBe("GET, HEAD, OPTIONS")
    // A text that is no header name is dropped, and the length of a list is limited.
    const asked = `x-datadog-trace-id, AUTHORIZATION,, a b, "c", d\u00e9, ${Array.from({ length: 500 }, (_, i) => `x-${i}`)}`
    const names = allowedHeaders(await preflightOf(target, path, asked)) ?? []
    expect(names.slice(0, 5), path).toEqual([...standard, "x-datadog-trace-id", "x-0"])
    expect(names.length, path).toBeLessThan(110)
  }
})

check(
  "CORS-02",
  "a client in a browser calls the endpoints for clients, and reads the reason of a refusal",
  async (target) => {
    for (const path of forClients) {
      const options = await target.http({ method: "OPTIONS", path, headers: preflight("https://app.example", "POST") })
      expect(options.status, path).toBe(204)
      expect(options.header("access-control-allow-methods"), path).toBe("POST, OPTIONS")
      expect(allowedHeaders(await preflightOf(target, path, "Content-Type, traceparent,x-requested-with"))).toEqual([
        ...standard,
        "traceparent",
        "x-requested-with"
      ])
      for (const name of ["Authorization", "Content-Type", "MCP-Protocol-Version"]) {
        expect(options.header("access-control-allow-headers"), path).toContain(name)
      }
      const body = { client_id: "nobody", token: "x" }
      const refusal = await target.http({ method: "POST", path, body, headers: { Origin: "https://app.example" } })
      expect(refusal.status, path).toBeGreaterThanOrEqual(400)
      for (const own of [options, refusal]) {
        expect(own.all("access-control-allow-origin"), path).toEqual(["*"])
        expect(own.all("access-control-allow-credentials"), path).toEqual([])
        expect(own.header("access-control-expose-headers") ?? "WWW-Authenticate", path).toContain("WWW-Authenticate")
      }
    }
  }
)

check("CORS-03", "no response repeats an Origin or allows credentials, whatever the origin is", async (target) => {
  const origins = ["null", "https://evil.example", `${target.issuer}.evil.example`, target.origin]
  for (const path of [...documents, ...forClients, ...forPeople, ...elsewhere]) {
    for (const method of ["GET", "POST", "OPTIONS"]) {
      for (const origin of origins) {
        const answer = await target.http({ method, path, headers: preflight(origin, "POST") })
        const allowed = answer.all("access-control-allow-origin")
        expect(
          allowed.filter((own) => own !== "*"),
          `${method} ${path} from ${origin}`
        ).toEqual([])
        expect(answer.all("access-control-allow-credentials"), `${method} ${path}`).toEqual([])
      }
    }
  }
})

otherwise(
  "CORS-04",
  "ADR 33: CORS on an app's own routes is the app's",
  "the guard exposes its challenge, and a preflight passes if the app has the platform's CORS middleware",
  async (target) => {
    const alone = await target.http({ path: "/notes", headers: { Origin: "https://app.example" } })
    expect(alone.status).toBe(401)
    expect(alone.header("access-control-expose-headers")).toContain("WWW-Authenticate")
    const app = await target.another({
      routes: (origin) =>
        Layer.merge(
          guarded("/notes", { resource: `${origin}/notes`, scopes: ["notes:read"] }),
          HttpLayerRouter.cors({ exposedHeaders: ["WWW-Authenticate"] })
        )
    })
    const options = await app.http({
      method: "OPTIONS",
      path: "/notes",
      headers: preflight("https://app.example", "POST")
    })
    expect(options.status).toBe(204)
    expect(options.all("access-control-allow-origin")).toEqual(["*"])
    const refusal = await app.http({ path: "/notes", headers: { Origin: "https://app.example" } })
    expect(refusal.status).toBe(401)
    expect(refusal.all("access-control-allow-origin")).toEqual(["*"])
    expect(refusal.all("access-control-expose-headers").join()).toContain("WWW-Authenticate")
    expect(refusal.header("www-authenticate")).toContain("resource_metadata=")
  }
)

check("CORS-05", "a form from another site is refused though it carries the cookies", async (target) => {
  const browser = await target.person()
  const client = await target.register()
  const foreign: ReadonlyArray<Readonly<Record<string, string | undefined>>> = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": undefined, origin: "https://evil.example" },
    { "sec-fetch-site": undefined, origin: `${target.origin}.evil.example` },
    { "sec-fetch-site": undefined, origin: "null" },
    { "sec-fetch-site": undefined, origin: undefined },
    { "sec-fetch-site": "cross-site", origin: target.origin }
  ]
  for (const headers of foreign) {
    const { url } = await target.request(client, { prompt: "consent" })
    const said = JSON.stringify(headers)
    const consent = await browser.submit(await browser.open(url), { button: "allow", headers })
    expect([consent.status, consent.sentTo], said).toEqual([403, undefined])
    const stranger = target.browser()
    const login = await stranger.open(url)
    const fields = { username: "ada", password: "correct horse battery" }
    expect((await stranger.submit(login, { fields, headers })).status, said).toBe(403)
    expect((await browser.submit(await browser.open(`${target.issuer}/logout`), { headers })).status, said).toBe(403)
    expect((await browser.open(`${target.issuer}/account`)).html, said).toContain("Your account")
  }
})

control("CORS-01", "against a server that sends no CORS headers", {
  mutation: { answer: (answer) => ({ ...answer, headers: without(answer.headers, "access-control-allow-origin") }) }
})

control("CORS-03", "against a server that repeats the Origin and allows credentials", {
  mutation: {
    answer: (answer, { headers }) => ({
      ...answer,
      headers: withHeader(answer.headers, "access-control-allow-origin", header(headers, "origin") ?? "*")
    })
  }
})

control("CORS-05", "against a server that believes every form to be its own", {
  mutation: {
    request: (request) => ({ ...request, headers: withHeader(request.headers, "sec-fetch-site", "same-origin") })
  }
})
