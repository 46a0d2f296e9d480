/** META: the metadata of the authorization server. */
import { expect } from "vitest"
import * as Url from "../../src/domain/Url.js"
import { outcome } from "../flow/support/Server.js"
import { steady } from "../support/Headers.js"
import { family } from "./support/Catalogue.js"
import { connectionsTo } from "./support/Listener.js"
import { header, withHeader } from "./support/MutatingProxy.js"
import type { Headers } from "./support/Raw.js"
import { notesOf, type Target } from "./support/Target.js"
import { cookies } from "./support/Walk.js"

const { check, control, otherwise } = family()

const wellKnown = "/.well-known/oauth-authorization-server"
const openidConfiguration = "/.well-known/openid-configuration"

const metadata = async (target: Target, path = wellKnown, headers: Headers = []) => {
  const answer = await target.http({ path, headers })
  expect(answer.status, path).toBe(200)
  expect(answer.header("content-type")).toBe("application/json")
  return answer.json()
}

/** The text of one metadata member. */
const url = (document: Readonly<Record<string, unknown>>, name: string): string => {
  expect(document).toHaveProperty(name)
  return String(document[name])
}

check("META-01", "the metadata name the configured issuer, and HEAD gives the same headers", async (target) => {
  expect((await metadata(target)).issuer).toBe(target.issuer)
  const get = await target.http({ path: wellKnown })
  const head = await target.bytes(`HEAD ${wellKnown} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, {
    answers: 2
  })
  expect(head.answers).toHaveLength(1)
  expect(head.bytes.endsWith("\r\n\r\n")).toBe(true)
  expect(steady(head.answers[0]?.headers ?? [])).toEqual(steady(get.headers))
})

check("META-02", "the metadata of an issuer with a path are the same at all four addresses", async (target) => {
  const tenant = await target.another({ path: "/t1" })
  const document = await metadata(tenant, `${wellKnown}/t1`)
  expect(document.issuer).toBe(`${tenant.origin}/t1`)
  expect(url(document, "token_endpoint")).toBe(`${tenant.origin}/t1/token`)
  expect(await metadata(tenant, `/t1${wellKnown}`)).toEqual(document)
  for (const path of [`${openidConfiguration}/t1`, `/t1${openidConfiguration}`]) {
    expect(await metadata(tenant, path)).toEqual({
      ...document,
      jwks_uri: `${tenant.origin}/t1/jwks`,
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"]
    })
  }
  expect((await tenant.http({ path: wellKnown })).status).toBe(404)
})

otherwise(
  "META-03",
  "ADR 33: http on loopback needs no flag",
  "a server does not start with an issuer that is not https, or that has a user, a query or a fragment",
  async (target) => {
    const refused = [
      "http://public.example",
      "https://auth.example/?a=1",
      "https://auth.example/#x",
      "https://u:p@auth.example/"
    ]
    for (const issuer of refused) {
      await expect(target.another({ settings: { issuer } }), issuer).rejects.toThrow("issuer")
    }
  }
)

check("META-04", "the metadata name the required members, and each URL is the issuer's and answers", async (target) => {
  const document = await metadata(target)
  expect(document).toMatchObject({
    authorization_endpoint: `${target.issuer}/authorize`,
    token_endpoint: `${target.issuer}/token`,
    response_types_supported: ["code"]
  })
  const urls = Object.values(document).filter((value) => typeof value === "string" && Url.parse(value) !== undefined)
  expect(urls.length).toBeGreaterThan(3)
  for (const own of urls.map(String)) {
    expect(own === target.issuer || own.startsWith(`${target.issuer}/`), own).toBe(true)
    if (own === target.issuer) continue
    expect([200, 400, 405], own).toContain((await target.http({ path: new URL(own).pathname })).status)
  }
})

check("META-05", "both documents say that PKCE is done with S256 only", async (target) => {
  for (const path of [wellKnown, openidConfiguration]) {
    expect((await metadata(target, path)).code_challenge_methods_supported).toEqual(["S256"])
  }
})

check("META-06", "the metadata say that responses carry iss", async (target) => {
  expect((await metadata(target)).authorization_response_iss_parameter_supported).toBe(true)
})

check(
  "META-07",
  "the metadata claim support of client metadata documents only while the setting is on",
  async (target) => {
    const member = "client_id_metadata_document_supported"
    expect(await metadata(target)).toHaveProperty(member, true)
    const off = await target.another({ settings: { clientDocuments: false } })
    expect(await metadata(off)).not.toHaveProperty(member)
    const connections = await connectionsTo(async (port) => {
      const { url } = await off.request({ client_id: `http://127.0.0.1:${port}/client.json` })
      const answer = await off.http({ path: url.pathname + url.search, headers: cookies(await off.person()) })
      expect(answer.status).toBe(400)
      expect(answer.header("location")).toBeUndefined()
    })
    expect(connections).toBe(0)
  }
)

check(
  "META-08",
  "the metadata name no signing algorithm none or HS, and the algorithms of each JWT method",
  async (target) => {
    const document = await metadata(target)
    for (const [name, value] of Object.entries(document)) {
      if (!Array.isArray(value)) continue
      if (name.endsWith("_alg_values_supported")) {
        expect(
          value.filter((alg) => alg === "none" || String(alg).startsWith("HS")),
          name
        ).toEqual([])
      }
      if (name.endsWith("_auth_methods_supported") && value.some((method) => String(method).endsWith("_jwt"))) {
        expect(document).toHaveProperty(name.replace("_auth_methods_supported", "_auth_signing_alg_values_supported"))
      }
    }
  }
)

check("META-09", "a server without scopes has no empty list and no null in its metadata", async (target) => {
  const bare = await target.another({ resources: (origin) => [{ ...notesOf(origin), scopes: {} }] })
  for (const path of [wellKnown, openidConfiguration]) {
    for (const [name, value] of Object.entries(await metadata(bare, path))) {
      expect(value, name).not.toBeNull()
      expect(Array.isArray(value) && value.length === 0, name).toBe(false)
    }
  }
})

check("META-10", "the server supports exactly the values that its metadata advertise", async (target) => {
  expect(await metadata(target)).toMatchObject({
    grant_types_supported: ["authorization_code", "client_credentials", "refresh_token"],
    response_types_supported: ["code"],
    token_endpoint_auth_methods_supported: ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
  })
  const client = await target.register()
  const tokens = await target.tokens(client)
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("200")
  for (const method of ["client_secret_basic", "client_secret_post"]) {
    const machine = await target.addClient({ token_endpoint_auth_method: method })
    expect(await outcome(target.token(machine, { grant_type: "client_credentials" })), method).toBe("200")
  }
  const others = ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"]
  for (const grant_type of [...others, "urn:ietf:params:oauth:grant-type:token-exchange", "AUTHORIZATION_CODE"]) {
    expect(await outcome(target.token(client, { grant_type })), grant_type).toBe("400 unsupported_grant_type")
  }
  const assertion = { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" }
  const jwt = { grant_type: "client_credentials", client_assertion: "e30.e30.", ...assertion }
  expect(await outcome(target.post("/token", jwt))).toBe("401 invalid_client")
  const { browser } = await target.toConsent(client)
  const { url } = await target.request(client, { response_type: "token" })
  expect((await browser.open(url)).sentTo?.searchParams.get("error")).toBe("unsupported_response_type")
})

check("META-11", "a forged Host header changes no URL of the metadata and never comes back", async (target) => {
  const genuine = await metadata(target)
  const host = new URL(target.origin).host
  const get = (path: string, ...hosts: ReadonlyArray<string>) =>
    target.bytes(`GET ${path} HTTP/1.1\r\n${hosts.map((own) => `Host: ${own}\r\n`).join("")}Connection: close\r\n\r\n`)
  const attacks = [
    get(wellKnown, "evil.example"),
    get(wellKnown, "evil.example:443"),
    get(wellKnown, "user@evil.example"),
    get(wellKnown, `${host}\tevil.example`),
    get(wellKnown, `${host}\r\n evil.example`),
    get(wellKnown, host, "evil.example"),
    get(wellKnown, "evil.example", host),
    get(`http://evil.example${wellKnown}`, host),
    get(`http://evil.example${wellKnown}`, "evil.example"),
    get(wellKnown, `${host}\r\nX-Forwarded-Host: evil.example`)
  ]
  for (const { answers, bytes } of await Promise.all(attacks)) {
    expect(bytes).not.toContain("evil")
    const [answer] = answers
    expect([200, 400, 404, 421]).toContain(answer?.status)
    if (answer?.status === 200) expect(answer.json()).toEqual(genuine)
  }
})

/** Headers in which proxies name the origin of a request. */
const forwarded: Headers = [
  ["X-Forwarded-Host", "evil.example"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Port", "444"],
  ["X-Forwarded-For", "203.0.113.9"],
  ["X-Forwarded-Prefix", "/evil"],
  ["Forwarded", "for=203.0.113.9;host=evil.example;proto=https"],
  ["X-Original-URL", "/evil"],
  ["X-Rewrite-URL", "/evil"],
  ["X-HTTP-Method-Override", "DELETE"]
]

check(
  "META-12",
  "headers of proxies change nothing, and a listed proxy names only the client's address",
  async (target) => {
    expect(await metadata(target, wellKnown, forwarded)).toEqual(await metadata(target))
    const { url } = await target.request(await target.register())
    const page = (headers: Headers) => target.http({ path: url.pathname + url.search, headers })
    const hidden = (html: string) => html.replace(/name="form" value="[^"]*"/, "")
    const plain = await page([])
    const attacked = await page(forwarded)
    expect(attacked.text).not.toContain("evil")
    expect([attacked.status, hidden(attacked.body)]).toEqual([plain.status, hidden(plain.body)])

    // One request an hour for each address: the second one is refused.
    const limits = { settings: { rateLimits: { authorize: { quota: 1, window: "1 hour" } } } } as const
    const limited = await target.another(limits)
    const as = (server: Target, addresses: string) =>
      server.http({ path: "/authorize", headers: { "X-Forwarded-For": addresses } }).then(({ status }) => status)
    expect([await as(limited, "203.0.113.1"), await as(limited, "203.0.113.2")]).toEqual([400, 429])
    const behind = await target.another({ settings: { ...limits.settings, trustedProxies: ["127.0.0.1/32"] } })
    const seen = [await as(behind, "203.0.113.1, 203.0.113.2"), await as(behind, "203.0.113.1, 203.0.113.3")]
    expect([...seen, await as(behind, "203.0.113.9, 203.0.113.2")]).toEqual([400, 400, 429])
  }
)

check(
  "META-13",
  "the metadata may be cached for an hour at most, and their tag is the same after a restart",
  async (target) => {
    const answer = await target.http({ path: wellKnown })
    const [, age] = /^public, max-age=(\d+)$/.exec(answer.header("cache-control") ?? "") ?? []
    expect(age).toBeDefined()
    expect(Number(age)).toBeLessThanOrEqual(3600)
    expect(answer.header("x-content-type-options")).toBe("nosniff")
    const etag = answer.header("etag") ?? ""
    expect(etag).toMatch(/^"[^"]+"$/)
    const restarted = await target.another({
      settings: { issuer: target.issuer, resources: [notesOf(target.origin)] }
    })
    expect((await restarted.http({ path: wellKnown })).header("etag")).toBe(etag)
    expect((await target.http({ path: wellKnown, headers: { "If-None-Match": etag } })).status).toBe(304)
  }
)

check("META-14", "other methods on the metadata get 405 with Allow, and TRACE echoes nothing", async (target) => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "TRACE"]) {
    const answer = await target.http({ method, path: wellKnown, headers: { "X-Secret": "echo-me" } })
    expect(answer.status, method).toBe(405)
    expect(answer.header("allow"), method).toBe("GET, HEAD, OPTIONS")
    expect(answer.text, method).not.toContain("echo-me")
  }
})

control("META-11", "against a server that builds its metadata from the Host header", {
  mutation: {
    answer: (answer, { headers }) => ({
      ...answer,
      body: answer.body.replaceAll(/127\.0\.0\.1:\d+/g, header(headers, "host") ?? "")
    })
  }
})

control("META-12", "against a server that believes X-Forwarded-Host", {
  mutation: {
    answer: (answer, { headers }) => ({
      ...answer,
      body: answer.body.replaceAll(/127\.0\.0\.1:\d+/g, header(headers, "x-forwarded-host") ?? "$&")
    })
  }
})

control("META-05", "against a server that does not advertise PKCE", {
  mutation: {
    answer: (answer) => ({ ...answer, body: answer.body.replace("code_challenge_methods_supported", "x") })
  }
})

control("META-14", "against a server that treats every method as GET", {
  mutation: { request: (request) => ({ ...request, method: "GET" }) }
})

control("META-13", "against a server whose metadata are cached without limit", {
  mutation: {
    answer: (answer) => ({
      ...answer,
      headers: withHeader(answer.headers, "cache-control", "public, max-age=31536000")
    })
  }
})
