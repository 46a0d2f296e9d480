import { expect } from "vitest"
import { sentBack } from "../conformance/support/Conformance.js"
import { password, redirectUri } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { family } from "./support/Catalogue.js"
import { attempt, cookiesSet, loginForm, newSession } from "./support/Login.js"
import { withHeader } from "./support/MutatingProxy.js"
import { formOf } from "./support/Pages.js"
import { https, type Target } from "./support/Target.js"
import { cookies } from "./support/Walk.js"

const { check, control, otherwise } = family()

const isLoggedIn = async (target: Target, headers: Readonly<Record<string, string>>) =>
  (await target.http({ path: "/account", headers })).body.includes("Your account")

otherwise(
  "LOGIN-01",
  "ADR 33: a form that is bound to another browser restarts, and never decides",
  "a login form that is forged, foreign or another browser's starts no session and is not counted",
  async (target) => {
    const own = await loginForm(target)
    const other = await loginForm(target)
    const foreign = { headers: { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" } }
    // More attempts than a name may have: if they were counted, the last login would be paused.
    for (let tries = 0; tries < 12; tries++) {
      const answers = [
        await attempt(target, { ...own, form: "" }, "ada", password),
        await attempt(target, { ...own, form: `${own.form.slice(0, -2)}xx` }, "ada", "wrong password"),
        await attempt(target, own, "ada", "wrong password", foreign),
        await attempt(target, own, "ada", password, foreign),
        await attempt(target, { ...own, form: other.form }, "ada", password),
        await attempt(target, { form: own.form, headers: { "Sec-Fetch-Site": "same-origin" } }, "ada", "wrong password")
      ]
      expect(answers.map(({ status }) => status)).toEqual([400, 403, 403, 403, 403, 403])
      for (const answer of answers) expect([...cookiesSet(answer).keys()].join()).not.toContain("session")
    }
    expect((await attempt(target, own, "ada")).status).toBe(303)
  }
)

otherwise(
  "LOGIN-02",
  "ADR 33: a form that is bound to another session restarts, and never decides",
  "a consent form that is forged, foreign, replayed or another user's writes no grant",
  async (target) => {
    const written: Array<string> = []
    const server = await target.another({ storage: Storage.recorded(written) })
    await server.addAccount("bob")
    const client = await server.register()
    const bob = await newSession(server, "bob")
    const { browser, page } = await server.toConsent(client)
    const form = page.document.querySelector("[name=form]")?.getAttribute("value") ?? ""
    const post = (body: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) =>
      server.http({ method: "POST", path: "/consent", headers: { "Sec-Fetch-Site": "same-origin", ...headers }, body })
    const login = await loginForm(server)
    written.length = 0
    const yes = { form, decision: "allow", scope: "notes:read" }
    expect((await post({ ...yes, form: "" }, cookies(browser))).status).toBe(400)
    expect((await post({ ...yes, form: `${form.slice(0, -2)}xx` }, cookies(browser))).status).toBe(403)
    expect((await post({ ...yes, form: login.form }, cookies(browser))).status).toBe(403)
    expect((await post(yes, { ...cookies(browser), "Sec-Fetch-Site": "cross-site" })).status).toBe(403)
    expect((await post(yes, {})).header("location")).toMatch(/^\/authorize\?/)
    expect((await post(yes, cookies(bob))).header("location")).toMatch(/^\/authorize\?/)
    expect(written).toEqual([])
    expect((await post(yes, cookies(browser))).header("location")).toContain("code=")
    expect(written).toContain("approve")
    const code = new URL((await post(yes, cookies(browser))).header("location") ?? "").searchParams.get("code")
    await server.post("/token", {
      grant_type: "authorization_code",
      client_id: client.client_id,
      code: String(code),
      code_verifier: "v".repeat(43),
      redirect_uri: redirectUri
    })
    expect((await post(yes, cookies(browser))).status).toBe(409)
  }
)

check("LOGIN-03", "a consent form that is sent many times gives one code", async (target) => {
  const { browser, page, verifier } = await target.toConsent(await target.register())
  const answers = await Promise.all(Array.from({ length: 5 }, () => browser.clone().submit(page, { button: "allow" })))
  const codes = answers.map((answer) => sentBack(answer).code)
  expect(new Set(codes).size).toBe(1)
  expect(verifier).toHaveLength(43)
})

check("LOGIN-04", "a login begins a new session, and the previous session ends", async (target) => {
  const attacker = await newSession(target)
  const victim = attacker.clone()
  const before = [...victim.cookies]
  const { url } = await target.request(await target.register(), { prompt: "login" })
  await target.logIn(victim, await victim.open(url))
  const session = (pairs: Iterable<readonly [string, string]>) =>
    [...pairs].filter(([name]) => name.includes("session"))
  expect(session(victim.cookies)).toHaveLength(1)
  expect(session(victim.cookies)).not.toEqual(session(before))
  expect(await isLoggedIn(target, cookies(victim))).toBe(true)
  expect(await isLoggedIn(target, cookies(attacker))).toBe(false)

  const made = target.browser()
  const [[name] = [""]] = session(before)
  made.cookies.set(name, "A".repeat(43))
  await target.logIn(made, await made.open(`${target.issuer}/account`))
  expect(made.cookies.get(name)).not.toBe("A".repeat(43))
})

check(
  "LOGIN-05",
  "a cookie is bound to the host and https, cannot be read by scripts, and contains no data",
  async (target) => {
    const secure = await target.another(https)
    const login = await secure.http({ path: "/account" })
    const lines = [...login.all("set-cookie")]
    const headers = {
      Cookie: [...cookiesSet(login)].map((pair) => pair.join("=")).join("; "),
      "Sec-Fetch-Site": "same-origin"
    }
    const session = await attempt(secure, { form: formOf(login), headers }, "ada")
    expect(session.status).toBe(303)
    lines.push(...session.all("set-cookie"))
    expect(lines.length).toBeGreaterThanOrEqual(2)
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split("; ")
      expect(pair).toMatch(/^__Host-latchkey_[a-z]+_[A-Za-z0-9_-]+=[A-Za-z0-9_-]{43,}$/)
      const names = attributes
        .map((attribute) => attribute.toLowerCase())
        .filter((name) => !/^(max-age|expires)=/.test(name))
      expect(names.sort(), line).toEqual(["httponly", "path=/", "samesite=lax", "secure"])
    }
  }
)

check("LOGIN-06", "a changed cookie is ignored", async (target) => {
  const browser = await newSession(target)
  const [name = "", value = ""] = [...browser.cookies].find(([own]) => own.includes("session")) ?? []
  expect(await isLoggedIn(target, { Cookie: `${name}=${value}` })).toBe(true)
  const flipped = (value.startsWith("A") ? "B" : "A") + value.slice(1)
  const wrong = [
    flipped,
    value.slice(0, -1),
    `${value}A`,
    "",
    "x".repeat(4096),
    '{"__proto__":{}}',
    `${value}"`,
    "%00",
    "é"
  ]
  const headers = wrong.map((own) => `${name}=${own}`)
  const others = [
    `${name}=${value}; ${name}=${flipped}`,
    `${name}=${flipped}; ${name}=${value}`,
    `${name.slice(0, -8)}AAAAAAAA=${value}`
  ]
  for (const Cookie of [...headers, ...others, name, "=", ";;;", `${name.toUpperCase()}=${value}`]) {
    const answer = await target.http({ path: "/account", headers: { Cookie } })
    expect(answer.status, Cookie.slice(0, 80)).toBe(200)
    expect(answer.body, Cookie.slice(0, 80)).toContain("<h1>Log in</h1>")
  }
})

check(
  "LOGIN-07",
  "a logout needs a click on the server's page, ends the session on the server, and redirects nowhere else",
  async (target) => {
    const browser = await newSession(target)
    const target_ = "post_logout_redirect_uri=https://evil.example/&redirect_uri=https://evil.example/"
    const asked = await target.http({
      path: `/logout?${target_}`,
      headers: { ...cookies(browser), "Sec-Fetch-Site": "cross-site" }
    })
    expect([asked.status, asked.header("location")]).toEqual([200, undefined])
    expect(asked.text).not.toContain("evil")
    expect(await isLoggedIn(target, cookies(browser))).toBe(true)
    const post = (site: string) =>
      target.http({
        method: "POST",
        path: `/logout?${target_}`,
        headers: { ...cookies(browser), "Sec-Fetch-Site": site },
        body: { form: formOf(asked), post_logout_redirect_uri: "https://evil.example/" }
      })
    expect((await post("cross-site")).status).toBe(403)
    expect(await isLoggedIn(target, cookies(browser))).toBe(true)
    const done = await post("same-origin")
    expect([done.status, done.header("location")]).toEqual([200, undefined])
    expect(done.text).not.toContain("evil")
    expect(await isLoggedIn(target, cookies(browser))).toBe(false)
  }
)

control("LOGIN-01", "against a server that believes every form to be its own", {
  mutation: {
    request: (request) => ({ ...request, headers: withHeader(request.headers, "sec-fetch-site", "same-origin") })
  }
})

control("LOGIN-05", "against a server whose cookies scripts can read", {
  mutation: {
    answer: (answer) => ({
      ...answer,
      headers: answer.headers.map(([name, value]) => [name, value.replace("; HttpOnly", "")])
    })
  }
})

control("LOGIN-06", "against a server that reads as much of a cookie as it needs", {
  mutation: {
    request: (request) => ({
      ...request,
      headers: request.headers.map(([name, value]) => [
        name,
        value.replace(/(session_[^=]*=[A-Za-z0-9_-]{43})[^;]*/, "$1")
      ])
    })
  }
})
