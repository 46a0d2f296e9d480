/** LOGIN: texts of strangers on a page. */
import { parse } from "node-html-parser"
import { expect } from "vitest"
import { redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { attempt, loginForm, textOf } from "./support/Login.js"
import { cookies, expectPage, query, visit } from "./support/Walk.js"

const { check, control } = family()

/** The page has no markup of an attack: no script, no image, no event handler. */
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
    expect((await register({ client_name: "x".repeat(10_240) })).json()).not.toHaveProperty("client_name")
    for (const name of ["client_uri", "tos_uri", "policy_uri", "logo_uri"]) {
      expect((await register({ [name]: "javascript:alert(1)" })).json(), name).not.toHaveProperty(name)
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

check("LOGIN-22", "no page shows text of a request as the server's own", async (target) => {
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
