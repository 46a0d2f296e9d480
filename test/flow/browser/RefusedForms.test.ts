/** Forms that expired, or that belong to another browser or session: the page says so, keeps the input, and can be sent again. */
import { describe, expect } from "@effect/vitest"
import { type Browser, type Page, withForm } from "../support/Browser.js"
import { consentHeading, issuer, password, type TestServer, test } from "../support/Server.js"

const accountUrl = `${issuer}/account`
const tooLong = "This page was open for too long."
const otherLogin = "This page was from before another login."
const otherBrowser = "This page was opened in another browser"
const needsCookies = "Cookies are needed to log in"

const brief = { settings: { lifetimes: { form: "1 second" } } } as const

const headingOf = (page: Page) => page.document.querySelector("h1")?.text
const problemOf = (page: Page) => page.document.querySelector("[role=alert]")?.text ?? "no problem"
const usernameOf = (page: Page) => page.document.querySelector("input[name=username]")?.getAttribute("value")
const isLoggedIn = (browser: Browser) => Array.from(browser.cookies.keys()).some((name) => name.includes("_session_"))
const tickedOf = (page: Page) =>
  page.document.querySelectorAll("input[name=scope][checked]").map((box) => box.getAttribute("value"))

/** Two URLs at which an unknown user gets a login page, and the heading of the page after the login. */
const places = async (server: TestServer) =>
  [
    [(await server.request(await server.register())).url, consentHeading],
    [accountUrl, "Your account"]
  ] as const

const typed: ReadonlyArray<Readonly<Record<string, string>>> = [
  { username: "ada", password },
  { username: "ada", password: "a wrong password" },
  { username: "unknown", password: "" },
  { username: "<b>Ada & co", password }
]

describe("a login form", () => {
  test(
    "an expired login form is shown again with the username, without the password, and then logs in",
    async (server) => {
      for (const [url, next] of await places(server)) {
        for (const fields of typed) {
          const browser = server.browser()
          const page = await browser.open(url)
          await server.advance("2300 millis")
          const again = await browser.submit(page, { fields })
          expect([headingOf(again), usernameOf(again)]).toEqual(["Log in", fields.username])
          expect(problemOf(again)).toContain(tooLong)
          expect(again.html).not.toContain(password)
          expect(isLoggedIn(browser)).toBe(false)
          expect(headingOf(await server.logIn(browser, again))).toBe(next)
        }
      }
    },
    brief
  )

  test("a login form of another browser is refused, and the page that answers it logs in", async (server) => {
    for (const [url, next] of await places(server)) {
      const [attackers, victims] = [server.browser(), server.browser()]
      const page = await attackers.open(url)
      await victims.open(url)
      const again = await server.logIn(victims, page)
      expect([headingOf(again), usernameOf(again)]).toEqual(["Log in", "ada"])
      expect(problemOf(again)).toContain(otherBrowser)
      expect(isLoggedIn(victims)).toBe(false)
      expect(headingOf(await server.logIn(victims, again))).toBe(next)
    }
  })

  test("a login form from a browser without cookies is refused with the reason, each time", async (server) => {
    for (const [url] of await places(server)) {
      let page = await server.browser().open(url)
      for (let time = 1; time <= 3; time++) {
        page = await server.logIn(server.browser(), page)
        expect([headingOf(page), usernameOf(page)]).toEqual(["Log in", "ada"])
        expect(problemOf(page)).toContain(needsCookies)
      }
    }
  })

  test("a refused login form does not count as a failed login", async (server) => {
    const page = await server.browser().open(accountUrl)
    const browser = server.browser()
    const own = await browser.open(accountUrl)
    for (let time = 1; time <= 15; time++)
      await server.browser().submit(page, { fields: { username: "ada", password: "x" } })
    expect(headingOf(await server.logIn(browser, own))).toBe("Your account")
  })
})

describe("a consent form", () => {
  test(
    "an expired consent form is shown again with its ticks, and then decides",
    async (server) => {
      const client = await server.register()
      for (const ticked of [["notes:read"], ["notes:read", "notes:write"], []]) {
        const { browser, page } = await server.toConsent(client)
        await server.advance("2300 millis")
        const again = await browser.submit(page, { button: "allow", ticked })
        expect([headingOf(again), tickedOf(again)]).toEqual([consentHeading, ticked])
        expect(problemOf(again)).toContain(tooLong)
        const { sentTo } = await browser.submit(again, { button: "allow", ticked: ["notes:read"] })
        expect(sentTo?.searchParams.get("code")).toMatch(/^lk_ac_/)
      }
    },
    brief
  )

  test(
    "an expired consent form leads to the login page if the client requires a newer login",
    async (server) => {
      const client = await server.register()
      for (const parameters of [{ max_age: "1" }, { prompt: "login consent" }]) {
        const { browser, page } = await server.toConsent(client, parameters)
        await server.advance("2300 millis")
        const again = await browser.submit(page, { button: "allow" })
        expect(headingOf(again)).toBe("Log in")
        expect(problemOf(again)).toContain(tooLong)
      }
    },
    brief
  )

  test("a consent form of another session is refused, and its ticks are not shown", async (server) => {
    await server.addAccount("bob")
    const client = await server.register()
    const { page } = await server.toConsent(client, { scope: "notes:read" })
    for (const name of ["ada", "bob"]) {
      const browser = server.browser()
      await server.logIn(browser, await browser.open(accountUrl), name)
      const asked = await browser.submit(page, { button: "allow", ticked: [] })
      expect([headingOf(asked), tickedOf(asked)]).toEqual([consentHeading, ["notes:read"]])
      expect(problemOf(asked)).toContain(otherLogin)
    }
    const loggedOut = await server.browser().submit(page, { button: "allow" })
    expect(headingOf(loggedOut)).toBe("Log in")
    expect(problemOf(loggedOut)).toContain("You are no longer logged in.")
  })

  test("two consent pages of one request give one code each", async (server) => {
    const client = await server.register()
    const { browser, page, url } = await server.toConsent(client)
    const second = await browser.open(url)
    const codes = new Set<string | null | undefined>()
    for (const shown of [page, second]) {
      const { sentTo } = await browser.submit(shown, { button: "allow" })
      codes.add(sentTo?.searchParams.get("code"))
    }
    expect(codes.size).toBe(2)
    for (const code of codes) expect(code).toMatch(/^lk_ac_/)
  })
})

describe("a form of the account or logout page", () => {
  const forms = async (server: TestServer, browser: Browser) => {
    await server.tokens(await server.register())
    await server.logIn(server.browser(), await server.browser().open(accountUrl))
    await server.logIn(browser, await browser.open(accountUrl))
    const page = await browser.open(accountUrl)
    return [
      [withForm(page, "withdraw"), { button: "withdraw" }],
      [withForm(page, "end"), { button: "end" }],
      [withForm(page, "password"), { button: "password", fields: { current_password: password, password: "x" } }],
      [await browser.open(`${issuer}/logout`), {}]
    ] as const
  }

  test("an expired form of the account or logout page is refused with the reason", async (server) => {
    const browser = server.browser()
    const all = await forms(server, browser)
    await server.advance("10 minutes")
    for (const [form, options] of all) expect(problemOf(await browser.submit(form, options))).toContain(tooLong)
    expect(isLoggedIn(browser)).toBe(true)
  })

  test("a form of the account or logout page of another session is refused with the reason", async (server) => {
    const all = await forms(server, server.browser())
    const browser = server.browser()
    await server.logIn(browser, await browser.open(accountUrl))
    for (const [form, options] of all) expect(problemOf(await browser.submit(form, options))).toContain(otherLogin)
    expect(isLoggedIn(browser)).toBe(true)
  })

  test("a form of the account page is refused after the user has logged out", async (server) => {
    const [[form, options]] = await forms(server, server.browser())
    expect(problemOf(await server.browser().submit(form, options))).toContain("You are no longer logged in.")
  })
})

describe("the reason in a URL", () => {
  test("an unknown reason in the URL is ignored", async (server) => {
    for (const word of ["", "formexpired", "<script>", "__proto__"]) {
      const page = await server.browser().open(`${accountUrl}?latchkey_refused=${encodeURIComponent(word)}`)
      expect([headingOf(page), problemOf(page)], word).toEqual(["Log in", "no problem"])
    }
  })
})
