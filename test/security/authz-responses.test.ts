/** AUTHZ: the redirect to the client, and the headers of every page. */
import { expect } from "vitest"
import { acquainted, sentBack } from "../conformance/support/Conformance.js"
import { outcome, password, redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { newSession } from "./support/Login.js"
import { withHeader, without } from "./support/MutatingProxy.js"
import { everyPage } from "./support/Pages.js"
import { start } from "./support/Target.js"
import { expectPage, query, visit } from "./support/Walk.js"

const { check, control, otherwise } = family()

check(
  "AUTHZ-24",
  "a user who is not logged in sees the login page first, whatever is wrong with the request",
  async (target) => {
    const client = await target.register()
    const wrong = [
      { scope: 'ad"min' },
      { code_challenge: undefined },
      { response_type: "token" },
      { resource: "https://evil.example/" }
    ]
    for (const parameters of wrong) {
      const answer = await visit(target, await query(target, client, parameters))
      expectPage(answer, 200, JSON.stringify(parameters))
      expect(answer.body).toContain('type="password"')
      expect(answer.body).not.toContain(redirectUri)
    }
  }
)

otherwise(
  "AUTHZ-25",
  "ADR 33: the consent page has named the target, so Deny leads there",
  "an error goes to a target that was never approved only after the user clicks on a page that names it",
  async (target) => {
    const client = await target.register()
    for (const parameters of [{ scope: 'ad"min' }, { response_type: "token" }, { prompt: "none" }]) {
      const answer = await visit(target, await query(target, client, parameters), await target.person())
      expectPage(answer, parameters.prompt === undefined ? 400 : 403, JSON.stringify(parameters))
      expect(answer.body).toContain("client.example")
      expect(answer.body).toMatch(/<a [^>]*href="https:\/\/client\.example\/callback\?error=/)
    }
    const { browser, page } = await target.toConsent(client)
    expect(page.document.querySelector("form")?.text).toContain("Either answer will send you to client.example")
    expect(sentBack(await browser.submit(page, { button: "deny" }))).toMatchObject({ error: "access_denied" })
  }
)

check("AUTHZ-42", "every response names the issuer exactly, once", async (target) => {
  const { browser, client } = await acquainted(target)
  const native = await target.register({ redirect_uris: ["http://127.0.0.1:1234/cb"] })
  const local = { redirect_uri: "http://127.0.0.1:1234/cb" }
  const first = await target.toConsent(native, local)
  await first.browser.submit(first.page, { button: "allow" })
  const denied = await target.toConsent(client)
  await denied.browser.submit(denied.page, { button: "deny" })
  const locations = [
    (await visit(target, await query(target, client), browser)).header("location"),
    (await visit(target, await query(target, client, { scope: 'ad"min' }), browser)).header("location"),
    (await visit(target, await query(target, native, { ...local, prompt: "none" }), browser)).header("location"),
    denied.browser.seen.at(-1)?.headers.get("location")
  ]
  const kinds = ["code", "invalid_scope", "consent_required", "access_denied"]
  for (const [index, location] of locations.entries()) {
    const parameters = new URL(location ?? "").searchParams
    expect(parameters.has("code") ? "code" : parameters.get("error")).toBe(kinds[index])
    expect(parameters.getAll("iss")).toEqual([target.issuer])
  }
})

check("AUTHZ-43", "every redirect after a form is 303, and no password is forwarded", async (target) => {
  const browser = target.browser()
  const login = await browser.open((await target.request(await target.register())).url)
  const consent = await target.logIn(browser, login)
  const { sentTo } = await browser.submit(consent, { button: "allow" })
  expect(sentTo?.searchParams.has("code")).toBe(true)
  const redirects = browser.seen.filter(({ headers }) => headers.has("location"))
  expect(redirects.map(({ status }) => status)).toEqual([303, 303])
  for (const { headers } of redirects) {
    expect(headers.get("location")).not.toContain(encodeURIComponent(password))
    expect(headers.get("location")).not.toContain("password")
  }
})

check("AUTHZ-44", "the pages answer scripts of other origins with no CORS header", async (target) => {
  const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" }
  for (const path of ["/authorize", "/login", "/consent", "/account", "/logout"]) {
    for (const method of ["OPTIONS", "GET", "POST"]) {
      const answer = await target.http({ method, path, headers })
      expect(
        answer.headers.filter(([name]) => /^access-control-/i.test(name)),
        `${method} ${path}`
      ).toEqual([])
    }
  }
})

otherwise(
  "AUTHZ-45",
  "ADR 33: no COOP within an authorization, since a popup needs its opener",
  "no page may be framed, whatever its status",
  async (target) => {
    for (const { answer, name, status } of await everyPage(target)) {
      expectPage(answer, status, name)
      expect(answer.header("content-security-policy"), name).toContain("frame-ancestors 'none'")
      expect(answer.header("x-frame-options"), name).toBe("DENY")
    }
    const missing = await target.http({ path: "/nowhere", headers: { Accept: "text/html" } })
    expectPage(missing, 404, "a path without a route")
    expect(missing.header("x-frame-options")).toBe("DENY")
  }
)

otherwise(
  "AUTHZ-46",
  "ADR 33: with no-referrer a browser sends Origin: null on our own forms",
  "no page sends its URL to another site, loads a resource, or links to anything but the client's answer",
  async (target) => {
    for (const { answer, name } of await everyPage(target)) {
      expect(answer.header("referrer-policy"), name).toBe("same-origin")
      expect(answer.body, name).not.toMatch(/<(script|img|iframe|object|embed|link|base)\b|\bsrc=|@import|url\(/i)
      const away = [...answer.body.matchAll(/(?:href|action)="(https?:[^"]*)"/g)].map(([, url]) => String(url))
      expect(
        away.filter((url) => !url.startsWith(`${redirectUri}?error=`) && url.includes("?")),
        name
      ).toEqual([])
    }
  }
)

check("AUTHZ-47", "no page and no redirect of an authorization is cached", async (target) => {
  for (const { answer, name } of await everyPage(target)) expect(answer.header("cache-control"), name).toBe("no-store")
  const { browser, page } = await target.toConsent(await target.register())
  await browser.submit(page, { button: "allow" })
  for (const { headers } of browser.seen) expect(headers.get("cache-control")).toBe("no-store")
})

check("AUTHZ-48", "a code expires after a minute by default, and after ten minutes at most", async (target) => {
  const { code } = await target.code(await target.register())
  const grant = await target.grant(code)
  if (grant._tag !== "Approved") throw new Error(`the grant is ${grant._tag}`)
  expect(grant.code.expiresAt.epochMillis - grant.terms.approvedAt.epochMillis).toBe(60_000)
  await expect(start({ settings: { lifetimes: { authorizationCode: "11 minutes" } } })).rejects.toThrow("10 minutes")

  const server = await target.another({})
  const client = await server.register()
  const late = await server.code(client)
  await server.advance("1 minute")
  expect(await outcome(server.redeem(client, late))).toBe("400 invalid_grant")
})

check("AUTHZ-49", "codes, tokens and secrets have 256 random bits, all of them different", async (target) => {
  const client = await target.register()
  const { browser } = await target.toConsent(client)
  const codes: Array<string> = []
  const url = (await target.request(client, { prompt: "consent" })).url
  for (let count = 0; count < 20; count++) {
    const { sentTo } = await browser.submit(await browser.open(url), { button: "allow" })
    codes.push(sentTo?.searchParams.get("code") ?? "")
  }
  const secrets = await Promise.all(
    Array.from({ length: 60 }, async () =>
      String((await target.register({ token_endpoint_auth_method: "client_secret_post" })).client_secret)
    )
  )
  const random = [...codes, ...secrets].map((text) => Buffer.from(text.slice(-43), "base64url"))
  expect(random.every(({ length }) => length === 32)).toBe(true)
  expect(new Set(random.map((bytes) => bytes.toString("hex"))).size).toBe(80)
  // Of 20,480 random bits, the number of ones is within five standard deviations of the half, except in one run of a million.
  const ones = Buffer.concat(random).reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0)
  expect(Math.abs(ones - 80 * 128)).toBeLessThan(5 * Math.sqrt(80 * 256 * 0.25))
  // No bit has the same value in all of them.
  for (let bit = 0; bit < 256; bit++) {
    const set = random.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length
    expect(set, `bit ${bit}`).toBeGreaterThan(10)
    expect(set, `bit ${bit}`).toBeLessThan(70)
  }
})

otherwise(
  "AUTHZ-50",
  "ADR 33: a form that is bound to another session restarts, and never decides",
  "a consent form that was shown to one session gives no code in another",
  async (target) => {
    await target.addAccount("bob")
    const client = await target.register()
    const { page } = await target.toConsent(client)
    for (const username of ["bob", "ada"]) {
      const victim = await newSession(target, username)
      const answer = await victim.submit(page, { button: "allow" })
      expect(answer.sentTo, username).toBeUndefined()
      expect(answer.html, username).toContain("Allow access?")
      expect(answer.html, username).toContain(username)
    }
    const nobody = await target.browser().submit(page, { button: "allow" })
    expect(nobody.sentTo).toBeUndefined()
    expect(nobody.html).toContain('type="password"')
  }
)

control("AUTHZ-42", "against a server that names no issuer in errors", {
  mutation: {
    answer: (answer) => ({
      ...answer,
      headers: answer.headers.map(([name, value]) => [name, value.replace(/(\?error=.*)&iss=[^&]*/, "$1")])
    })
  }
})

control("AUTHZ-43", "against a server that redirects with 307", {
  mutation: {
    answer: (answer, { method }) => (answer.status === 303 && method === "POST" ? { ...answer, status: 307 } : answer)
  }
})

control("AUTHZ-45", "against a server whose error pages may be framed", {
  mutation: {
    answer: (answer) =>
      answer.status === 400 ? { ...answer, headers: without(answer.headers, "x-frame-options") } : answer
  }
})

control("AUTHZ-47", "against a server whose pages may be cached", {
  mutation: { answer: (answer) => ({ ...answer, headers: withHeader(answer.headers, "cache-control", "private") }) }
})
