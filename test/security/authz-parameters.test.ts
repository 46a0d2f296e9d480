/** AUTHZ: the requested scopes and resources, PKCE, and the protection of the request. */
import { expect } from "vitest"
import { acquainted, confidential, sentBack } from "../conformance/support/Conformance.js"
import { password, redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { connectionsTo } from "./support/Listener.js"
import { notesOf, type Options, type Target } from "./support/Target.js"
import { expectPage, query, sentTo, visit } from "./support/Walk.js"

const { check, control, otherwise } = family()

/** A server with two resources. */
const two: Options = {
  resources: (origin) => [
    notesOf(origin),
    { uri: "https://files.example/api", name: "The files", scopes: { "files:read": "Read your files" } }
  ]
}

check(
  "AUTHZ-29",
  "a request without code_challenge is refused, of a public and of a confidential client",
  async (target) => {
    for (const metadata of [{}, confidential]) {
      const { open } = await acquainted(target, metadata)
      for (const code_challenge_method of ["S256", undefined]) {
        const said = sentBack(await open({ code_challenge: undefined, code_challenge_method }))
        expect(said).toMatchObject({ error: "invalid_request", state: "the state" })
      }
    }
  }
)

check("AUTHZ-30", "the only PKCE method that is accepted is S256, in this spelling", async (target) => {
  const { open } = await acquainted(target)
  for (const code_challenge_method of ["plain", undefined, "", "s256", "S512", "S256 ", "none"]) {
    const said = sentBack(await open({ code_challenge_method, code_challenge: `${"a".repeat(42)}A` }))
    expect(said.error, String(code_challenge_method)).toBe("invalid_request")
  }
})

check("AUTHZ-31", "a code_challenge has 43 characters of base64url", async (target) => {
  const { open } = await acquainted(target)
  const most = "a".repeat(42)
  const wrong = [
    most,
    "a".repeat(44),
    "a".repeat(128),
    "a".repeat(129),
    ...["=", "+", "/", " ", "é", "~"].map((end) => most + end)
  ]
  for (const code_challenge of wrong) {
    expect(sentBack(await open({ code_challenge })).error, code_challenge).toBe("invalid_request")
  }
  expect(sentBack(await open({ code_challenge: `${most}A` }))).toHaveProperty("code")
})

otherwise(
  "AUTHZ-32",
  "ADR 33: the request travels in its own URL",
  "the challenge is in no cookie, form or response, only in a link of the user's own page",
  async (target) => {
    const client = await target.register()
    const { url } = await target.request(client, { prompt: "consent" })
    const challenge = url.searchParams.get("code_challenge") ?? ""
    expect(challenge).toHaveLength(43)
    const browser = target.browser()
    const login = await browser.open(url)
    expect(login.html).not.toContain(challenge)
    const consent = await target.logIn(browser, login)
    const { sentTo } = await browser.submit(consent, { button: "allow" })
    expect(consent.html.replace(/href="\/authorize\?[^"]*"/, "")).not.toContain(challenge)
    expect(sentTo?.searchParams.has("code")).toBe(true)
    expect(sentTo?.href).not.toContain(challenge)
    expect([...browser.cookies].join()).not.toContain(challenge)
    const form = consent.document.querySelector("[name=form]")?.getAttribute("value") ?? ""
    expect(Buffer.from(form, "base64url").toString("latin1")).not.toContain(challenge)
  }
)

otherwise(
  "AUTHZ-33",
  "ADR 33: nothing is written before the user decides",
  "a challenge that is used again gives another code, and each code is redeemed once",
  async (target) => {
    const { browser, client } = await acquainted(target)
    const { url, verifier } = await target.request(client)
    const codes = await Promise.all(
      [1, 2, 3].map(async () => (await browser.clone().open(url)).sentTo?.searchParams.get("code"))
    )
    expect(new Set(codes).size).toBe(3)
    for (const code of codes) {
      expect((await target.redeem(client, { code: String(code), verifier })).status).toBe(200)
      expect((await target.redeem(client, { code: String(code), verifier })).status).toBe(400)
    }
  }
)

otherwise(
  "AUTHZ-34",
  "ADR 30: tokens that no resource offers are ignored",
  "a scope that is forbidden or malformed is refused, and unknown tokens give no access that the page does not show",
  async (target) => {
    const { open } = await acquainted(target)
    const many = Array.from({ length: 500 }, (_, index) => `s${index}`).join(" ")
    for (const scope of ['a"b', many, "notes:read\n", "notes:read  admin"]) {
      expect(sentBack(await open({ scope })).error, scope.slice(0, 20)).toBe("invalid_scope")
    }
    for (const scope of ["admin", "openid,email", "NOTES:READ", "notes:*", "*"]) {
      expect(sentBack(await open({ scope, resource: undefined })).error, scope).toBe("invalid_scope")
      const page = await open({ scope, prompt: "consent" })
      expect(page.status, scope).toBe(200)
      for (const offered of ["Read your notes", "Write notes"]) expect(page.html, scope).toContain(offered)
      const client = await target.register()
      expect((await target.tokens(client, { scope: `notes:read ${scope}` })).scope, scope).toBe("notes:read")
    }
    const scope = "notes:read notes:read notes:read"
    expect((await target.tokens(await target.register(), { scope })).scope).toBe("notes:read")

    const limited = await target.addClient({
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      scope: "notes:read"
    })
    const { browser, page } = await target.toConsent(limited, { scope: "notes:read" })
    await browser.submit(page, { button: "allow" })
    const answer = await visit(target, await query(target, limited, { scope: "notes:read notes:write" }), browser)
    expect(sentTo(answer, redirectUri).error).toBe("invalid_scope")
  }
)

check(
  "AUTHZ-35",
  "a request without scope gets all scopes of the resource, and the answer names them",
  async (target) => {
    const client = await target.register()
    expect((await target.tokens(client, { scope: undefined })).scope).toBe("notes:read notes:write")
  }
)

check("AUTHZ-36", "the page shows each resource of a request, and the token is for these alone", async (target) => {
  const server = await target.another(two)
  const client = await server.register()
  const resource = ["https://FILES.example/api", server.resource]
  const { page } = await server.toConsent(client, { resource, scope: undefined })
  for (const text of ["The files", "https://files.example/api", server.resource]) expect(page.html).toContain(text)
  const files = await server.tokens(client, { resource: "https://FILES.EXAMPLE/api", scope: undefined })
  expect(files.scope).toBe("files:read")
  expect((await server.call(files.access_token)).status).toBe(401)
  const both = await server.tokens(client, { resource, scope: undefined })
  expect((await server.call(both.access_token)).status).toBe(200)
})

check("AUTHZ-37", "a resource that is unknown or no absolute URI is refused", async (target) => {
  const { open } = await acquainted(target)
  const { resource } = target
  const wrong = ["/notes", "notes", `${resource}#x`, "https://evil.example/", "javascript:alert(1)", `${resource}/x`]
  for (const indicator of [...wrong, `${resource}?x=1`, resource.replace("/notes", "/Notes")]) {
    expect(sentBack(await open({ resource: indicator })).error, indicator).toBe("invalid_target")
    expect(sentBack(await open({ resource: [resource, indicator] })).error, indicator).toBe("invalid_target")
  }
  const hundred = Array.from({ length: 90 }, (_, index) => `https://r${index}.example/`)
  expect(sentBack(await open({ resource: hundred })).error).toBe("invalid_target")
})

otherwise(
  "AUTHZ-38",
  "ADR 33: prompt=none answers by redirect only to a target that the user knows",
  "a silent request shows no login and gets no code without consent, and one of an unknown target gets a page",
  async (target) => {
    const client = await target.register()
    const silent = (parameters = {}) => query(target, client, { prompt: "none", ...parameters })
    expectPage(await visit(target, await silent()), 403, "nobody is logged in")
    expectPage(await visit(target, await silent(), await target.person()), 403, "never allowed")
    const { browser, page } = await target.toConsent(client, { scope: "notes:read" })
    await browser.submit(page, { button: "allow" })
    expect(sentTo(await visit(target, await silent(), browser), redirectUri).error).toBe("consent_required")
    expect(sentTo(await visit(target, await silent({ scope: "notes:read" }), browser), redirectUri)).toHaveProperty(
      "code"
    )
  }
)

/** A client at a redirect URI that the user has just allowed, and the response to its next request. */
const second = async (target: Target, redirect_uri: string, parameters = {}) => {
  const client = await target.register({ redirect_uris: [redirect_uri] })
  const { browser, page } = await target.toConsent(client, { redirect_uri })
  await browser.submit(page, { button: "allow" })
  return visit(target, await query(target, client, { redirect_uri, ...parameters }), browser)
}

check(
  "AUTHZ-39",
  "a public client on the device is never allowed without a page, and a client at https is",
  async (target) => {
    for (const uri of ["http://127.0.0.1:1234/cb", "http://localhost/cb", "com.example.app:/cb"]) {
      expectPage(await second(target, uri), 200, uri)
      expect(sentTo(await second(target, uri, { prompt: "none" }), uri).error, uri).toBe("consent_required")
    }
    expect(sentTo(await second(target, redirectUri), redirectUri)).toHaveProperty("code")
  }
)

check(
  "AUTHZ-40",
  "max_age and prompt=login are met by a new login only, and a malformed max_age is refused",
  async (target) => {
    const server = await target.another({})
    const { client } = await acquainted(server)
    for (const parameters of [{ max_age: "600" }, { max_age: "0" }, { prompt: "login" }]) {
      const browser = server.browser()
      await server.logIn(browser, await browser.open(`${server.issuer}/account`))
      if (parameters.max_age === "600") await server.advance("10 minutes")
      const { url } = await server.request(client, parameters)
      const login = await browser.open(url)
      expect(login.html).toContain('type="password"')
      expect((await browser.open(url)).html).toContain('type="password"')
      expect(sentBack(await server.logIn(browser, login))).toHaveProperty("code")
      expect((await browser.submit(login, { fields: { username: "ada", password: `${password}x` } })).status).toBe(403)
    }
    const { open } = await acquainted(server)
    for (const max_age of ["-1", "NaN", "1e309", "1;DROP", "1.5", " 1", "0x10", "9999999999"]) {
      expect(sentBack(await open({ max_age })).error, max_age).toBe("invalid_request")
    }
  }
)

check("AUTHZ-41", "request and request_uri are refused, and nothing is fetched", async (target) => {
  const { open } = await acquainted(target)
  const connections = await connectionsTo(async (port) => {
    const others = ["http://169.254.169.254/", "https://evil.example/", "urn:ietf:params:oauth:request_uri:x"]
    for (const request_uri of [`http://127.0.0.1:${port}/request`, ...others]) {
      expect(sentBack(await open({ request_uri })).error, request_uri).toBe("request_uri_not_supported")
    }
    expect(sentBack(await open({ request: "e30.e30." })).error).toBe("request_not_supported")
  })
  expect(connections).toBe(0)
})

/** A server that changes parameters of a request before it checks them. */
const rewriting = (change: (parameters: URLSearchParams) => void): Options => ({
  mutation: {
    request: (request) => {
      const url = new URL(request.path, "http://x")
      change(url.searchParams)
      return { ...request, path: url.pathname + url.search }
    }
  }
})

control(
  "AUTHZ-30",
  "against a server that takes every method for S256",
  rewriting((parameters) => {
    if (parameters.has("code_challenge")) parameters.set("code_challenge_method", "S256")
  })
)

control(
  "AUTHZ-34",
  "against a server that drops the scopes that it does not know",
  rewriting((parameters) => {
    if (parameters.has("scope")) parameters.set("scope", "notes:read")
  })
)

control(
  "AUTHZ-40",
  "against a server that forgets max_age and prompt",
  rewriting((parameters) => {
    parameters.delete("max_age")
    parameters.delete("prompt")
  })
)
