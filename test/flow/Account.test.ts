/** The account page: what a person allowed, where they are logged in, and their password; their own, and nobody else's. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { defaultLifetimes } from "../../src/domain/Settings.js"
import { EventLog } from "../../src/services/EventLog.js"
import { type Browser, type Page, withForm } from "./support/Browser.js"
import { issuer, outcome, password, type TestServer, test } from "./support/Server.js"

const accountUrl = `${issuer}/account`
const newPassword = "another good password"

const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
const account = "200 Your account"
const login = "200 Log in"
const notOurs = "403 This form did not come from here"

/** A new browser in which somebody is logged in. */
const logIn = async (server: TestServer, username = "ada", itsPassword = password): Promise<Browser> => {
  const browser = server.browser()
  const page = await browser.open(accountUrl)
  expect(headingOf(await browser.submit(page, { fields: { username, password: itsPassword } }))).toBe(account)
  return browser
}

const sessionCookie = (browser: Browser) =>
  Array.from(browser.cookies).find(([name]) => name.includes("latchkey_session_"))?.[1]

const appsOf = ({ document }: Page) => document.querySelectorAll("section h3").map(({ text }) => text.trim())
const sessionsOf = ({ document }: Page) => document.querySelectorAll("ul.list li").length

const fill = (current: string, next: string, again = next) => ({
  fields: { current_password: current, password: next, password_again: again }
})

describe("the account page", () => {
  test("asks for a login first, without an app, and is where that leads", async (server) => {
    const browser = server.browser()
    const page = await browser.open(accountUrl)
    expect(headingOf(page)).toBe(login)
    expect(page.document.querySelector("main .panel")).toBe(null)
    expect(headingOf(await browser.submit(page, { fields: { username: "ada", password: "wrong password" } }))).toBe(
      "403 Log in"
    )
    const after = await server.logIn(browser, page)
    expect(headingOf(after)).toBe(account)
    expect(after.url).toBe(accountUrl)
  })

  test("shows the apps, what each may do, and where the person is logged in", async (server) => {
    const client = await server.register({ client_name: "First app" })
    await server.tokens(client, { scope: "notes:read" })
    const browser = await logIn(server)
    const page = await browser.open(accountUrl)
    expect(appsOf(page)).toEqual(["First app"])
    const app = page.document.querySelector("section")
    expect(app?.querySelectorAll("ul.may li").map(({ text }) => text.trim())).toEqual(["Read your notes notes:read"])
    expect(app?.text).toContain("Allowed since 1 June 2026, 00:00 UTC")
    expect(sessionsOf(page)).toBe(2)
    expect(page.document.querySelectorAll("ul.list .here").length).toBe(1)
  })

  test("tells apps of one name and logins of one day apart by their times", async (server) => {
    for (const redirect of ["https://a.example/cb", "https://b.example/cb", "https://c.example/cb"]) {
      const client = await server.register({ client_name: "Agent", redirect_uris: [redirect] })
      const { browser, page } = await server.toConsent(client, { redirect_uri: redirect })
      await browser.submit(page, { button: "allow" })
      await server.advance("61 minutes")
    }
    const page = await (await logIn(server)).open(accountUrl)
    const times = (selector: string) =>
      page.document.querySelectorAll(selector).map(({ text }) => /1 June 2026, \d\d:\d\d UTC/.exec(text)?.[0])
    expect(appsOf(page)).toEqual(["Agent", "Agent", "Agent"])
    for (const [selector, count] of [
      ["section > p.soft", 3],
      ["ul.list li", 4]
    ] as const) {
      expect(times(selector)).toHaveLength(count)
      expect(new Set(times(selector)).size, selector).toBe(count)
      expect(times(selector)).toContain("1 June 2026, 02:02 UTC")
    }
  })

  test("shows nobody else's apps and sessions", async (server) => {
    await server.addAccount("bob")
    await server.tokens(await server.register())
    const page = await (await logIn(server, "bob")).open(accountUrl)
    expect(appsOf(page)).toEqual([])
    expect(sessionsOf(page)).toBe(1)
  })

  test("says nothing that a link makes up", async (server) => {
    const browser = await logIn(server)
    const plain = (page: Page) => page.html.replaceAll(/ value="lk_fm_[^"]*"/g, "")
    const before = plain(await browser.open(accountUrl))
    for (const done of ["", "Nothing", "toString", "__proto__", "<script>alert(1)</script>"]) {
      expect(plain(await browser.open(`${accountUrl}?done=${encodeURIComponent(done)}`)), done).toBe(before)
    }
  })
})

describe("removing an app's access", () => {
  test("ends its tokens at once, and it is no longer listed", async (server) => {
    const [client, other] = [await server.register({ client_name: "A" }), await server.register({ client_name: "B" })]
    const [tokens, others] = [await server.tokens(client), await server.tokens(other)]
    const browser = await logIn(server)
    const page = await browser.open(accountUrl)
    const index = appsOf(page).indexOf("A")
    const after = await browser.submit(withForm(page, "withdraw", index), { button: "withdraw" })
    expect(headingOf(after)).toBe(account)
    expect(after.html).toContain("Access removed.")
    expect(appsOf(after)).toEqual(["B"])
    expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.call(others.access_token))).toBe("200")
    expect(await outcome(server.refresh(other, others.refresh_token))).toBe("200")
  })

  test("twice is no harm", async (server) => {
    await server.tokens(await server.register())
    const browser = await logIn(server)
    const form = withForm(await browser.open(accountUrl), "withdraw")
    for (let i = 0; i < 2; i++) expect(headingOf(await browser.submit(form, { button: "withdraw" }))).toBe(account)
  })
})

describe("ending a session", () => {
  test("logs that browser out, and no other", async (server) => {
    const first = await logIn(server)
    await server.advance("1 second")
    const [second, third] = [await logIn(server), await logIn(server, "ada")]
    const page = await first.open(accountUrl)
    expect(page.document.querySelectorAll(".list button").length).toBe(2)
    const after = await first.submit(withForm(page, "end"), { button: "end" })
    expect(headingOf(after)).toBe(account)
    expect(after.html).toContain("That browser is logged out.")
    expect(sessionsOf(after)).toBe(2)
    const states = [headingOf(await second.open(accountUrl)), headingOf(await third.open(accountUrl))]
    expect(states.sort()).toEqual([login, account].sort())
  })
})

describe("a form of the account page", () => {
  /** A person with an app and a second session, and everything that their page can do. */
  const setUp = async (server: TestServer) => {
    const tokens = await server.tokens(await server.register())
    const browser = await logIn(server)
    const page = await browser.open(accountUrl)
    const actions = [
      [withForm(page, "withdraw"), { button: "withdraw" }],
      [withForm(page, "end"), { button: "end" }],
      [withForm(page, "password"), { button: "password", ...fill(password, newPassword) }]
    ] as const
    const expectUntouched = async () => {
      expect(await outcome(server.call(tokens.access_token))).toBe("200")
      await logIn(server)
      expect(sessionsOf(await browser.open(accountUrl))).toBeGreaterThanOrEqual(3)
    }
    return { browser, actions, expectUntouched }
  }

  test("does nothing in another session of the same person", async (server) => {
    const { actions, expectUntouched } = await setUp(server)
    const other = await logIn(server)
    for (const [form, options] of actions) {
      const after = await other.submit(form, options)
      expect([headingOf(after), after.url]).toEqual([account, `${accountUrl}?latchkey_refused=FormForeign`])
    }
    await expectUntouched()
  })

  test("does nothing in the hands of another person", async (server) => {
    const { actions, expectUntouched } = await setUp(server)
    await server.addAccount("bob")
    const other = await logIn(server, "bob")
    for (const [form, options] of actions) {
      const after = await other.submit(form, options)
      expect([headingOf(after), after.url]).toEqual([account, `${accountUrl}?latchkey_refused=FormForeign`])
    }
    await expectUntouched()
    await logIn(server, "bob")
  })

  test("does nothing where nobody is logged in", async (server) => {
    const { actions, expectUntouched } = await setUp(server)
    for (const [form, options] of actions) expect(headingOf(await server.browser().submit(form, options))).toBe(login)
    await expectUntouched()
  })

  test("is taken from a page of ours only (RFC 6749 §10.12)", async (server) => {
    const { actions, browser, expectUntouched } = await setUp(server)
    const foreign: ReadonlyArray<Readonly<Record<string, string | undefined>>> = [
      { origin: undefined, "sec-fetch-site": undefined },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { "sec-fetch-site": "none" },
      { origin: "https://evil.example", "sec-fetch-site": undefined },
      { origin: "null", "sec-fetch-site": undefined }
    ]
    for (const headers of foreign) {
      for (const [form, options] of actions) {
        expect(headingOf(await browser.submit(form, { ...options, headers })), JSON.stringify(headers)).toBe(notOurs)
      }
    }
    await expectUntouched()
  })

  test("that we did not make, or made for something else, does nothing", async (server) => {
    const { actions, browser, expectUntouched } = await setUp(server)
    const [[page]] = actions
    const real = page.document.querySelector("input[name=form]")?.getAttribute("value") ?? ""
    const logout = await browser.open(`${issuer}/logout`)
    const ofLogout = logout.document.querySelector("input[name=form]")?.getAttribute("value") ?? ""
    const changed = `${real.slice(0, -2)}${real.at(-2) === "A" ? "B" : "A"}${real.at(-1)}`
    for (const form of ["x", "lk_fm_", changed, real.slice(0, -1), `${real}A`, ofLogout]) {
      expect(headingOf(await browser.submit(page, { fields: { form } })), form).toBe(notOurs)
    }
    await expectUntouched()
  })

  test("that was open for too long does nothing, and the person sees their page", async (server) => {
    const { actions, browser } = await setUp(server)
    await server.advance(defaultLifetimes.form)
    for (const [form, options] of actions) {
      const after = await browser.submit(form, options)
      expect([headingOf(after), after.url]).toEqual([account, `${accountUrl}?latchkey_refused=FormExpired`])
    }
    const page = await browser.open(accountUrl)
    expect(appsOf(page).length).toBe(1)
    expect(sessionsOf(page)).toBe(2)
    await logIn(server)
  })
})

describe("a new password", () => {
  const change = async (browser: Browser, filled: ReturnType<typeof fill>) =>
    browser.submit(withForm(await browser.open(accountUrl), "password"), { button: "password", ...filled })

  const wrong = "That is not your current password."
  const invalid = "That password cannot be used."
  const differ = "The two new passwords differ."
  const throttled = "Too many attempts. Try again in 1 second."

  test("needs the current one, a good one, and the same twice", async (server) => {
    const tokens = await server.tokens(await server.register())
    const browser = await logIn(server)
    const before = sessionCookie(browser)
    const refusals: ReadonlyArray<readonly [ReturnType<typeof fill>, string]> = [
      [fill("wrong password", newPassword), wrong],
      [fill("", newPassword), wrong],
      [fill(newPassword, newPassword), wrong],
      [fill(password, ""), invalid],
      [fill(password, "7 chars"), invalid],
      [fill(password, "x".repeat(1_025)), invalid],
      [fill(password, newPassword, `${newPassword} `), differ],
      [fill(password, newPassword, ""), differ]
    ]
    for (const [filled, problem] of refusals) {
      const page = await change(browser, filled)
      expect(headingOf(page), problem).toBe("400 Your account")
      expect(page.html).toContain(problem)
    }
    expect(sessionCookie(browser)).toBe(before)
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
    await logIn(server)
  })

  test("is refused with every fault of the form at once", async (server) => {
    const browser = await logIn(server)
    const sentences = [wrong, invalid, differ]
    const forms = [
      [fill("wrong password", "7 chars", "8 chars!"), [wrong, invalid, differ]],
      [fill("wrong password", newPassword, "another"), [wrong, differ]],
      [fill("wrong password", "7 chars"), [wrong, invalid]],
      [fill(password, "7 chars", ""), [invalid, differ]]
    ] as const
    for (const [filled, expected] of forms) {
      const { html } = await change(browser, filled)
      expect(sentences.filter((sentence) => html.includes(sentence))).toEqual(expected)
    }
  })

  test("is not guessed at in a stolen session: it is throttled as a login is", async (server) => {
    const browser = await logIn(server)
    // Six on its own counter, because the browser is known, and nine on that of the name.
    for (let i = 0; i < 6 + 9; i++) {
      expect((await change(browser, fill("wrong password", newPassword))).html).toContain(wrong)
    }
    const page = await change(browser, fill(password, newPassword))
    expect(headingOf(page)).toBe("429 Your account")
    expect(page.headers.get("retry-after")).toBe("1")
    expect(page.html).toContain(throttled)
    await server.advance("1 second")
    expect((await change(browser, fill(password, newPassword))).html).toContain("Your password is changed.")
  })

  test("ends every other session and every grant, and keeps this browser logged in", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const code = await server.code(client)
    const [browser, other] = [await logIn(server), await logIn(server)]
    const stolen = browser.clone()
    const page = await change(browser, fill(password, newPassword))
    expect(headingOf(page)).toBe(account)
    expect(page.html).toContain("Your password is changed.")
    // The logins of the two authorizations, and the other browser's.
    expect(page.html).toContain("It ended 3 other logins and the access of 1 app.")
    expect(sessionsOf(page)).toBe(1)
    expect(headingOf(await other.open(accountUrl))).toBe(login)
    expect(headingOf(await stolen.open(accountUrl))).toBe(login)
    expect(sessionCookie(browser)).not.toBe(sessionCookie(stolen))
    expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
  })

  test("says beforehand what it ends, and afterwards tells the numbers to that person alone, and not for ever", async (server) => {
    await server.addAccount("bob")
    const browser = await logIn(server)
    expect((await browser.open(accountUrl)).html).toContain(
      "A new password logs you out everywhere else and ends the access of all apps."
    )
    const page = await change(browser, fill(password, newPassword))
    const ended = "It ended 0 other logins and the access of 0 apps."
    expect(page.html).toContain(ended)
    expect((await (await logIn(server, "bob")).open(page.url)).html).not.toContain("It ended")
    expect((await browser.open(`${accountUrl}?done=PasswordChanged&ended=lk_fm_x`)).html).not.toContain("It ended")
    expect((await browser.open(page.url)).html).toContain(ended)
    await server.advance(defaultLifetimes.form)
    expect((await browser.open(page.url)).html).not.toContain("It ended")
  })

  test("gives this browser another session id", async (server) => {
    const browser = await logIn(server)
    await change(browser, fill(password, newPassword))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
    const sessions = events.flatMap(({ happening }) => (happening._tag === "LoggedIn" ? [happening.sessionId] : []))
    expect(new Set(sessions).size).toBe(2)
  })

  test("is the only one that logs in from then on", async (server) => {
    await change(await logIn(server), fill(password, newPassword))
    const browser = server.browser()
    const page = await browser.open(accountUrl)
    expect(headingOf(await server.logIn(browser, page))).toBe("403 Log in")
    await logIn(server, "ada", newPassword)
  })
})
