/** LOGIN: several pages, users and browsers, and the target of a form. */
import * as fs from "node:fs"
import { expect } from "vitest"
import { typescriptFiles } from "../../scripts/lib/sources.mjs"
import { sentBack } from "../conformance/support/Conformance.js"
import { outcome, password, redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { newSession } from "./support/Login.js"
import { cookies, visit } from "./support/Walk.js"

const { check, control, otherwise } = family()

otherwise(
  "LOGIN-24",
  "ADR 33: the sealed form has the target of a login",
  "a login leads back to its own request, whatever other parameters name",
  async (target) => {
    const client = await target.register()
    for (const evil of ["//evil.example", "/\\evil.example", "https:evil.example", "data:,x", "%2f%2fevil.example"]) {
      const names = ["next", "continue", "return_to", "returnTo", "redirect", "url"]
      const more = Object.fromEntries(names.map((name) => [name, evil]))
      const { url } = await target.request(client)
      const browser = target.browser()
      const page = await browser.open(url)
      const form = page.document.querySelector("[name=form]")?.getAttribute("value") ?? ""
      const answer = await target.http({
        method: "POST",
        path: `/login?${new URLSearchParams(more)}`,
        headers: { ...cookies(browser), "Sec-Fetch-Site": "same-origin" },
        body: { ...more, form, username: "ada", password }
      })
      const location = new URL(answer.header("location") ?? "", target.issuer)
      expect([location.origin, location.pathname], evil).toEqual([target.origin, "/authorize"])
      expect(location.href).not.toContain("evil")
    }
  }
)

otherwise(
  "LOGIN-25",
  "ADR 33: a form that is too old or another session's restarts, and never decides",
  "a consent form gives no code in another browser, after it was answered, or after it expired",
  async (target) => {
    const server = await target.another({})
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    expect((await server.browser().submit(page, { button: "allow" })).html).toContain('type="password"')
    await server.advance("10 minutes")
    const late = await browser.submit(page, { button: "allow" })
    expect([late.sentTo, late.status]).toEqual([undefined, 200])
    expect(late.html).toContain("Allow access?")

    const other = await target.register()
    const asked = await target.toConsent(other)
    const { code = "" } = sentBack(await asked.browser.submit(asked.page, { button: "allow" }))
    expect(await outcome(target.redeem(other, { code, verifier: asked.verifier }))).toBe("200")
    const again = await asked.browser.submit(asked.page, { button: "allow" })
    expect([again.status, again.sentTo]).toEqual([409, undefined])
  }
)

check("LOGIN-26", "five authorizations at once in one browser do not mix", async (target) => {
  const browser = await target.person()
  const tabs = await Promise.all(
    [0, 1, 2, 3, 4].map(async (tab) => {
      const client = await target.register({ redirect_uris: [`${redirectUri}/${tab}`] })
      const scope = tab % 2 === 0 ? "notes:read" : "notes:write"
      const own = { state: `tab ${tab}`, scope, redirect_uri: `${redirectUri}/${tab}` }
      const { url, verifier } = await target.request(client, own)
      return { client, own, verifier, page: await browser.open(url) }
    })
  )
  for (const { client, own, page, verifier } of tabs.reverse()) {
    const { sentTo } = await browser.submit(page, { button: "allow" })
    expect(sentTo?.href.startsWith(`${own.redirect_uri}?`)).toBe(true)
    expect(sentTo?.searchParams.get("state")).toBe(own.state)
    const code = sentTo?.searchParams.get("code") ?? ""
    const answer = await target.redeem(client, { code, verifier }, { redirect_uri: own.redirect_uri })
    expect(await answer.json()).toMatchObject({ scope: own.scope })
  }
})

otherwise(
  "LOGIN-27",
  "ADR 33: a form that is bound to another session restarts, and never decides",
  "a consent page of one user gives no code after another user has logged in",
  async (target) => {
    await target.addAccount("eve")
    const browser = await newSession(target)
    const { url } = await target.request(await target.register())
    const page = await browser.open(url)
    expect(page.html).toContain("ada")
    await target.logIn(browser, await browser.open(`${url}&prompt=login`), "eve")
    const answer = await browser.submit(page, { button: "allow" })
    expect(answer.sentTo).toBeUndefined()
    expect(answer.html).toContain("Allow access?")
    expect(answer.html).toContain("eve")
  }
)

check("LOGIN-31", "every redirect of a form is 303, and no file in http/wire names another status", async (target) => {
  const browser = target.browser()
  const client = await target.register()
  const consent = await target.logIn(browser, await browser.open((await target.request(client)).url))
  await browser.submit(consent, { button: "allow" })
  const account = await browser.open(`${target.issuer}/account`)
  await browser.submit(account, { button: "withdraw" })
  const statuses = browser.seen.filter(({ headers }) => headers.has("location")).map(({ status }) => status)
  expect(statuses).toEqual([303, 303, 303])
  const body = Object.fromEntries((await target.request(client)).url.searchParams)
  expect((await target.http({ method: "POST", path: "/authorize", body })).status).toBe(303)
  const root = new URL("../../", import.meta.url).pathname
  for (const file of typescriptFiles(root, "src/http")) {
    expect(fs.readFileSync(root + file, "utf8"), file).not.toMatch(/\bstatus: 30[1278]\b/)
  }
  expect((await visit(target, String(new URLSearchParams(body)))).status).toBe(200)
})

control("LOGIN-31", "against a server that redirects with 307", {
  mutation: { answer: (answer) => (answer.status === 303 ? { ...answer, status: 307 } : answer) }
})
