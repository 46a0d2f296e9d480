/** Allow without a ticked permission decides nothing, and shows the page again. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { parse } from "node-html-parser"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import type { Page } from "../support/Browser.js"
import { consentHeading, files, issuer, notes, resource, test, tokensOf } from "../support/Server.js"

const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
const problemOf = (page: Page) => page.document.querySelector("[role=alert]")?.text ?? "no problem"
const formOf = (page: Page) => page.document.querySelector("input[name=form]")?.getAttribute("value")
const boxesOf = (page: Page) =>
  page.document
    .querySelectorAll("input[name=scope]")
    .map((box) => [box.getAttribute("value"), box.hasAttribute("checked")])

/** The page as an attacker sends it who put other scopes into its boxes. */
const withOtherScopes = (page: Page): Page => ({
  ...page,
  document: parse(page.html.replaceAll('value="notes:', 'value="other:'))
})

const nothing = { button: "allow", ticked: [] } as const

describe("an Allow with nothing ticked", () => {
  test("an Allow with nothing ticked shows the page again, with an alert, the same form and nothing ticked", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    for (const [sent, ticked] of [
      [page, []],
      [withOtherScopes(page), ["other:read", "other:write"]]
    ] as const) {
      const again = await browser.submit(sent, { button: "allow", ticked })
      expect([again.sentTo, headingOf(again)]).toEqual([undefined, `400 ${consentHeading}`])
      expect(problemOf(again)).toContain("Nothing is ticked.")
      expect(boxesOf(again)).toEqual([
        ["notes:read", false],
        ["notes:write", false]
      ])
      expect(formOf(again)).toBe(formOf(page))
      expect(again.headers.get("content-security-policy")).toBe(page.headers.get("content-security-policy"))
    }
  })

  test("the page that is shown again works as the first: Allow grants the ticked scopes, Deny refuses", async (server) => {
    const client = await server.register()
    for (const times of [1, 3]) {
      for (const button of ["allow", "deny"]) {
        const { browser, page, verifier } = await server.toConsent(client)
        let again = page
        for (let time = 1; time <= times; time++) again = await browser.submit(again, nothing)
        const { sentTo } = await browser.submit(again, { button, ticked: ["notes:read"] })
        if (button === "deny") expect(sentTo?.searchParams.get("error")).toBe("access_denied")
        else {
          const code = sentTo?.searchParams.get("code") ?? "no code"
          expect((await tokensOf(server.redeem(client, { code, verifier }))).scope).toBe("notes:read")
        }
      }
    }
  })

  test("an Allow with nothing ticked stores no event and gives no access", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    await browser.submit(page, nothing)
    const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
    expect(events.filter(({ kind }) => kind._tag === "Denied" || kind._tag === "Allowed")).toEqual([])
    const account = await browser.open(`${issuer}/account`)
    expect(account.document.querySelectorAll("button[value=withdraw]")).toHaveLength(0)
  })

  test("an Allow with nothing ticked does not reopen a denied request", async (server) => {
    const { browser, page } = await server.toConsent(await server.register())
    const again = await browser.submit(page, nothing)
    await browser.submit(page, { button: "deny" })
    for (const shown of [page, again]) {
      for (const ticked of [[], ["notes:read"]]) {
        expect(headingOf(await browser.submit(shown, { button: "allow", ticked }))).toBe("409 Already decided")
      }
    }
  })

  test(
    "an Allow with nothing ticked does not extend the lifetime of the form",
    async (server) => {
      const { browser, page } = await server.toConsent(await server.register())
      await server.advance("3 minutes")
      const again = await browser.submit(page, nothing)
      await server.advance("3 minutes")
      const late = await browser.submit(again, { button: "allow", ticked: ["notes:read"] })
      expect([late.sentTo, boxesOf(late)[0]]).toEqual([undefined, ["notes:read", true]])
      expect(problemOf(late)).toContain("This page was open for too long.")
    },
    { settings: { lifetimes: { form: "5 minutes" } } }
  )

  test(
    "with several resources, nothing ticked is refused, and one ticked permission of any resource is enough",
    async (server) => {
      const client = await server.register()
      const url = (await server.request(client, { scope: "notes:read files:read", resource: [resource, files.uri] }))
        .url
      const browser = server.browser()
      const page = await server.logIn(browser, await browser.open(url))
      expect(problemOf(await browser.submit(page, nothing))).toContain("Nothing is ticked.")
      const { sentTo } = await browser.submit(page, { button: "allow", ticked: ["files:read"] })
      expect(sentTo?.searchParams.get("code")).toMatch(/^lk_ac_/)
    },
    { settings: { resources: [notes, files] } }
  )

  test(
    "for a resource without scopes, Allow with nothing ticked is enough",
    async (server) => {
      const { browser, page } = await server.toConsent(await server.register(), { scope: undefined })
      expect(boxesOf(page)).toEqual([])
      const { sentTo } = await browser.submit(page, { button: "allow" })
      expect(sentTo?.searchParams.get("code")).toMatch(/^lk_ac_/)
    },
    { settings: { resources: [{ uri: resource, scopes: {} }] } }
  )
})
