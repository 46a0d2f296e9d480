/** LOGIN: what the pages show, and what the person decides there. */
import { parse } from "node-html-parser"
import { expect } from "vitest"
import { sentBack } from "../conformance/support/Conformance.js"
import { outcome, redirectUri, tokensOf } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { family } from "./support/Catalogue.js"
import { attempt, loginForm, textOf } from "./support/Login.js"
import { without } from "./support/MutatingProxy.js"
import { everyPage } from "./support/Pages.js"
import { cookies, expectPage, query, visit } from "./support/Walk.js"

const { check, control, otherwise } = family()

check(
  "LOGIN-16",
  "the consent page names the app, its host, each scope, the resource and the account",
  async (target) => {
    const client = await target.register({
      client_name: "Note Taker",
      redirect_uris: [redirectUri, "http://127.0.0.1/cb"]
    })
    const { page } = await target.toConsent(client)
    const text = page.document.querySelector("main")?.structuredText ?? ""
    for (const part of [
      "Note Taker",
      "client.example",
      "ada",
      "Read your notes",
      "notes:read",
      "Write notes",
      "notes:write",
      target.resource
    ]) {
      expect(text).toContain(part)
    }
    expect(text).toMatch(/unverified/i)
    const buttons = page.document.querySelectorAll("button")
    expect(buttons.map((button) => button.getAttribute("value"))).toEqual(["deny", "allow"])
    expect(new Set(buttons.map((button) => button.getAttribute("class"))).size).toBe(1)
    const local = await target.toConsent(client, { redirect_uri: "http://127.0.0.1:1234/cb" })
    expect(local.page.html).toContain("a program on this device")
  }
)

check(
  "LOGIN-17",
  "the account page lists what each app may do, and removing access ends its tokens at once",
  async (target) => {
    const server = await target.another({})
    const client = await server.register({ client_name: "Note Taker" })
    const tokens = await server.tokens(client)
    const browser = await server.person()
    const account = await browser.open(`${server.issuer}/account`)
    for (const part of ["Note Taker", "Read your notes", "Write notes"]) expect(account.html).toContain(part)
    expect((await server.call(tokens.access_token)).status).toBe(200)
    expect((await browser.submit(account, { button: "withdraw" })).html).not.toContain("Note Taker")
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
  }
)

check(
  "LOGIN-18",
  "a person who denies is sent to the client with access_denied, and no grant is written",
  async (target) => {
    const written: Array<string> = []
    const server = await target.another({ storage: Storage.recorded(written) })
    const { browser, page } = await server.toConsent(await server.register())
    written.length = 0
    expect(sentBack(await browser.submit(page, { button: "deny" }))).toEqual({
      error: "access_denied",
      error_description: expect.any(String),
      state: "the state",
      iss: server.issuer
    })
    expect(written.filter((verb) => verb === "approve" || verb === "record")).toEqual([])
  }
)

otherwise(
  "LOGIN-19",
  "design §3: the sealed form says what was offered, and other fields are ignored",
  "a token carries the scopes that were ticked, and no field adds a scope, a resource or a target",
  async (target) => {
    const client = await target.register()
    const { browser, page, verifier } = await target.toConsent(client, { scope: "notes:read notes:write" })
    const { code = "" } = sentBack(await browser.submit(page, { button: "allow", ticked: ["notes:read"] }))
    expect((await tokensOf(target.redeem(client, { code, verifier }))).scope).toBe("notes:read")

    const other = await target.register()
    const asked = await target.toConsent(other, { scope: "notes:read" })
    const form = asked.page.document.querySelector("[name=form]")?.getAttribute("value") ?? ""
    const post = (body: string) =>
      target.http({
        method: "POST",
        path: "/consent",
        headers: {
          ...cookies(asked.browser),
          "Sec-Fetch-Site": "same-origin",
          "Content-Type": "application/x-www-form-urlencoded"
        },
        body
      })
    const tampered = `${form.slice(0, 20)}${form[20] === "A" ? "B" : "A"}${form.slice(21)}`
    expect((await post(`form=${tampered}&decision=allow&scope=notes:read`)).status).toBe(403)
    const more = "redirect_uri=https://evil.example/&resource=https://evil.example/&client_id=evil&subject=bob"
    const answer = await post(
      `form=${form}&decision=allow&scope=notes:read&scope=notes:write&scope=latchkey:admin&${more}`
    )
    const location = new URL(answer.header("location") ?? "")
    expect(`${location.origin}${location.pathname}`).toBe(redirectUri)
    const own = { code: location.searchParams.get("code") ?? "", verifier: asked.verifier }
    expect((await tokensOf(target.redeem(other, own))).scope).toBe("notes:read")
  }
)

/** No markup of an attack is markup on the page: no script, no image, no handler of events. */
const expectClean = (html: string) => {
  expect(html).not.toMatch(/<script|<img|<svg[/ ]on/i)
  const handlers = parse(html)
    .querySelectorAll("*")
    .flatMap(({ attributes }) => Object.keys(attributes).filter((name) => /^on/i.test(name)))
  expect(handlers).toEqual([])
}

const names = [
  "<img src=x onerror=alert(1)>",
  '"><svg onload=alert(1)>',
  "Bank\u202Eelpmaxe\u202C",
  "Bank\u2066\u200B\u00AD",
  "</title><script>alert(1)</script>",
  "{{constructor.constructor('alert(1)')()}}",
  "a\u0001\u0007\u001B[31m"
]

check(
  "LOGIN-20",
  "a client's name and web pages put no markup, no script and no invisible character on a page",
  async (target) => {
    const headers = { "Content-Type": "application/json" }
    const register = (metadata: Readonly<Record<string, unknown>>) => {
      const body = JSON.stringify({ redirect_uris: [redirectUri], token_endpoint_auth_method: "none", ...metadata })
      return target.http({ method: "POST", path: "/register", headers, body })
    }
    let shown = 0
    for (const client_name of names) {
      const answer = await register({ client_name })
      // A name with invisible characters may be refused at once.
      if (answer.status === 400) continue
      const { page } = await target.toConsent({ client_id: String(answer.json().client_id) })
      expect(page.status).toBe(200)
      expectClean(page.html)
      expect(page.html, client_name).not.toMatch(/[\u0000-\u0008\u000B-\u001F\u00AD\u200B\u202A-\u202E\u2066-\u2069]/)
      expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'/)
      expect(page.headers.get("content-security-policy")).not.toMatch(/script-src|unsafe/)
      shown += 1
    }
    expect(shown).toBeGreaterThan(2)
    expect((await register({ client_name: "x".repeat(10_240) })).status).toBe(400)
    for (const name of ["client_uri", "tos_uri", "policy_uri", "logo_uri"]) {
      expect((await register({ [name]: "javascript:alert(1)" })).status, name).toBe(400)
    }
  }
)

const polyglots = [
  `jaVasCript:/*-/*\`/*\\\`/*'/*"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>\\x3csVg/<sVg/oNloAd=alert()//>\\x3e`,
  `"><script>alert(1)</script>`,
  `'-alert(1)-'`,
  `<svg/onload=alert(1)>`,
  `" onfocus=alert(1) autofocus="`
]

check("LOGIN-21", "no parameter puts markup on a page", async (target) => {
  const client = await target.register()
  const person = await target.person()
  const parameters = [
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "resource",
    "code_challenge",
    "prompt",
    "login_hint",
    "ui_locales",
    "max_age",
    "nonce",
    "x"
  ]
  const form = await loginForm(target)
  for (const text of polyglots) {
    const pages = [
      ...(await Promise.all(
        parameters.flatMap(async (name) => {
          const search = await query(target, client, { prompt: "consent", [name]: text })
          return [await visit(target, search), await visit(target, search, person)]
        })
      )),
      [await attempt(target, form, text, text)],
      [await target.http({ path: `/account?done=${encodeURIComponent(text)}`, headers: cookies(person) })],
      [await target.http({ path: `/logout?x=${encodeURIComponent(text)}`, headers: cookies(person) })]
    ].flat()
    for (const answer of pages) {
      expect(answer.header("content-type")).toBe("text/html; charset=utf-8")
      expectClean(answer.body)
      expect(answer.header("content-security-policy")).not.toContain("unsafe")
    }
  }
})

check("LOGIN-22", "no text of a request stands on a page as the server's own", async (target) => {
  const client = await target.register()
  const evil = "Your account is locked. Call 555-0100."
  const lies = {
    error: evil,
    error_description: evil,
    error_hint: evil,
    error_uri: "https://evil.example/",
    message: evil,
    ui_locales: evil
  }
  for (const search of [await query(target, client, lies), await query(target, client, { ...lies, client_id: "x" })]) {
    const answer = await visit(target, search)
    expect(answer.body).not.toContain("555-0100")
    expect(answer.text).not.toContain("evil.example")
  }
  const hinted = await visit(target, await query(target, client, { login_hint: evil }))
  expect(hinted.body.replace(/<input[^>]*value="[^"]*"[^>]*>/g, "")).not.toContain("555-0100")
})

check("LOGIN-23", "a hint or a locale reads no file and breaks nothing", async (target) => {
  const client = await target.register()
  const plain = await visit(target, await query(target, client))
  for (const value of [
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "x".repeat(5_000),
    "' OR 1=1 --",
    "C:\\windows",
    "fr-FR en"
  ]) {
    for (const name of ["ui_locales", "login_hint", "acr_values", "claims_locales"]) {
      const answer = await visit(target, await query(target, client, { [name]: value }))
      expect(answer.status, `${name}=${value.slice(0, 20)}`).toBe(200)
      expect(textOf(answer)).toBe(textOf(plain))
      expect(answer.body).not.toContain("root:")
    }
  }
  expectPage(await visit(target, `${await query(target, client)}&login_hint=%00`), 400, "a NUL")
})

otherwise(
  "LOGIN-29",
  "design §8: no form-action, which blocks the redirect in Chromium, and no COOP, since a popup needs its opener",
  "every page of every status carries the headers that keep scripts, frames and sniffing out",
  async (target) => {
    const secure = await target.another({
      settings: {
        issuer: "https://auth.example",
        resources: [{ uri: "https://auth.example/notes", scopes: { read: "Read" } }]
      }
    })
    const https = await secure.http({ path: "/account" })
    expect(https.header("strict-transport-security")).toMatch(/^max-age=\d{7,}/)
    for (const { answer, name } of [...(await everyPage(target)), { name: "https", answer: https }]) {
      const policy = answer.header("content-security-policy")?.split("; ") ?? []
      expect(policy, name).toContain("default-src 'none'")
      expect(policy, name).toContain("base-uri 'none'")
      expect(policy, name).toContain("frame-ancestors 'none'")
      expect(policy.join(), name).not.toMatch(/unsafe|\*|https?:/)
      expect(answer.header("x-content-type-options"), name).toBe("nosniff")
      expect(answer.header("x-frame-options"), name).toBe("DENY")
      expect(answer.header("referrer-policy"), name).toBe("same-origin")
      expect(answer.header("cross-origin-resource-policy"), name).toBe("same-origin")
      expect(answer.header("permissions-policy"), name).toContain("camera=()")
      expect(answer.header("x-powered-by"), name).toBeUndefined()
    }
  }
)

control("LOGIN-20", "against a server that does not escape", {
  mutation: {
    answer: (answer) => ({
      ...answer,
      body: answer.body.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    })
  }
})

control("LOGIN-21", "against a server that shows login hints as they are", {
  mutation: {
    answer: (answer, { path }) => ({
      ...answer,
      body: answer.body + (new URL(path, "http://x").searchParams.get("login_hint") ?? "")
    })
  }
})

control("LOGIN-29", "against a server without a content security policy", {
  mutation: { answer: (answer) => ({ ...answer, headers: without(answer.headers, "content-security-policy") }) }
})

control("LOGIN-19", "against a server whose boxes are all ticked", {
  mutation: {
    request: (request) => ({
      ...request,
      body: request.body.replace("scope=notes%3Aread", "scope=notes%3Aread&scope=notes%3Awrite")
    })
  }
})
