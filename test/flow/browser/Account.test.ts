/** The account page: users see and end their own apps and sessions, and change their own password. */
import { describe, expect } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Username } from "../../../src/domain/Account.js"
import { SessionId } from "../../../src/domain/Session.js"
import { defaultLifetimes } from "../../../src/domain/Settings.js"
import { digestOf } from "../../../src/services/keys/Crypto.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { SessionStore } from "../../../src/services/stores/SessionStore.js"
import { type Browser, type Page, withForm } from "../support/Browser.js"
import { issuer, outcome, password, type TestServer, test } from "../support/Server.js"

const accountUrl = `${issuer}/account`
const newPassword = "another good password"

const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
const account = "200 Your account"
const login = "200 Log in"
const notOurs = "403 This form did not come from here"

/** A new browser in which a user is logged in. */
const logIn = async (
  server: TestServer,
  username = "ada",
  itsPassword = password,
  userAgent?: string
): Promise<Browser> => {
  const browser = server.browser()
  browser.userAgent = userAgent
  const page = await browser.open(accountUrl)
  expect(headingOf(await browser.submit(page, { fields: { username, password: itsPassword } }))).toBe(account)
  return browser
}

const sessionCookie = (browser: Browser) =>
  Array.from(browser.cookies).find(([name]) => name.includes("latchkey_session_"))?.[1]

const appsOf = ({ document }: Page) => document.querySelectorAll("section h3").map(({ text }) => text.trim())
const sessionsOf = ({ document }: Page) => document.querySelectorAll("ul.list li").length

/** The shown sessions: the browser, the time and network of the login, and whether it is this browser. */
const rowsOf = ({ document }: Page) =>
  document.querySelectorAll("ul.list li").map((row) => ({
    browser: row.querySelector("b")?.text,
    login: row.querySelector(".soft")?.text,
    isThis: row.querySelector(".here") !== null
  }))

/** The accessible names of the buttons that begin with these words. */
const buttonsOf = ({ document }: Page, words: string) =>
  document
    .querySelectorAll("button")
    .map(({ text }) => text)
    .filter((text) => text.startsWith(words))

const fill = (current: string, next: string, again = next) => ({
  fields: { current_password: current, password: next, password_again: again }
})

describe("the account page", () => {
  test("the account page asks for a login first, without an app, and follows the login", async (server) => {
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

  test("the account page shows the apps, their scopes, and the sessions", async (server) => {
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

  test("the account page distinguishes apps of one name and logins of one day by their times", async (server) => {
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
      ["section > p.soft:last-of-type", 3],
      ["ul.list li", 4]
    ] as const) {
      expect(times(selector)).toHaveLength(count)
      expect(new Set(times(selector)).size, selector).toBe(count)
      expect(times(selector)).toContain("1 June 2026, 02:02 UTC")
    }
  })

  test("the account page distinguishes apps of one name and one minute by their targets", async (server) => {
    const redirects = ["https://a.example/cb", "http://127.0.0.1:1234/cb", "com.example.agent:/cb"]
    for (const redirect of redirects) {
      const client = await server.register({ client_name: "Agent", redirect_uris: [redirect] })
      const { browser, page } = await server.toConsent(client, { redirect_uri: redirect })
      await browser.submit(page, { button: "allow" })
    }
    const page = await (await logIn(server)).open(accountUrl)
    const sendsTo = page.document.querySelectorAll("section").map(({ text }) => /Sends you to (.*)/.exec(text)?.[1])
    expect(sendsTo.sort()).toEqual([
      "a program on your computer (127.0.0.1)",
      "a.example",
      "an app on your device (com.example.agent:)"
    ])
    expect(new Set(buttonsOf(page, "Remove access")).size).toBe(3)
    expect(page.html).not.toContain("of 3")
  })

  test("the account page numbers identical apps, so that each button has its own name", async (server) => {
    for (let i = 0; i < 3; i++) await server.tokens(await server.register({ client_name: "Agent" }))
    const page = await (await logIn(server)).open(accountUrl)
    const to = "sends you to client.example, allowed since 1 June 2026, 00:00 UTC"
    expect(buttonsOf(page, "Remove access")).toEqual(
      [1, 2, 3].map((number) => `Remove access for Agent (unverified), ${to}, ${number} of 3`)
    )
  })

  test("the account page shows when an app was first allowed and last got a token; a withdrawal resets both", async (server) => {
    const client = await server.register({ client_name: "Agent" })
    const timesOf = (page: Page) => page.document.querySelector("section > p.soft:last-of-type")?.innerHTML.trim()
    const { browser, page } = await server.toConsent(client)
    await browser.submit(page, { button: "allow" })
    expect(timesOf(await browser.open(accountUrl))).toBe("Allowed since 1 June 2026, 00:00 UTC")
    await server.advance("1 hour")
    const { refresh_token } = await server.tokens(client)
    const used = (time: string) => `Allowed since 1 June 2026, 00:00 UTC<br>Last used 1 June 2026, ${time} UTC`
    expect(timesOf(await browser.open(accountUrl))).toBe(used("01:00"))
    await server.advance("1 hour")
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
    expect(timesOf(await browser.open(accountUrl))).toBe(used("02:00"))
    await browser.submit(withForm(await browser.open(accountUrl), "withdraw"), { button: "withdraw" })
    await server.advance("1 hour")
    await browser.submit((await server.toConsent(client)).page, { button: "allow" })
    const again = await server.toConsent(client)
    await again.browser.submit(again.page, { button: "allow" })
    expect(timesOf(await again.browser.open(accountUrl))).toBe("Allowed since 1 June 2026, 03:00 UTC")
  })

  test("the account page shows the browser, time and network of each session, and marks this browser", async (server) => {
    const browsers = [
      [
        "Firefox on Linux",
        "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
        "192.0.2.7",
        "192.0.2.7"
      ],
      [
        "Safari on iPhone",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1",
        "2001:db8:1:2:3:4:5:6",
        "2001:db8:1:2::/64"
      ],
      ["curl", "curl/8.14.1", "::ffff:198.51.100.9", "198.51.100.9"]
    ] as const
    for (const [, userAgent, address] of browsers) {
      await logIn(server.from(address), "ada", password, userAgent)
      await server.advance("1 minute")
    }
    const edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"
    const mine = await logIn(server, "ada", password, edge)
    expect(rowsOf(await mine.open(accountUrl))).toEqual([
      { browser: "Edge on Windows", login: "Logged in 1 June 2026, 00:03 UTC", isThis: true },
      ...browsers
        .map(([browser, , , network], minute) => ({
          browser,
          login: `Logged in 1 June 2026, 00:0${minute} UTC, from ${network}`,
          isThis: false
        }))
        .reverse()
    ])
    expect(buttonsOf(await mine.open(accountUrl), "Log out there")[0]).toBe(
      "Log out there: curl, logged in 1 June 2026, 00:02 UTC, from 198.51.100.9"
    )
  })

  test("a User-Agent without a browser name is shown as an unknown browser, and nothing of it is on the page", async (server) => {
    // Each byte of a non-ASCII header reaches the server as one character.
    const bidi = Buffer.from("\u202eevil\u2066").toString("latin1")
    const strange = [undefined, "<script>alert(1)</script>", "x".repeat(10_000), bidi, "&quot;><img src=x>"]
    for (const userAgent of strange) await logIn(server, "ada", password, userAgent)
    const page = await (await logIn(server, "ada", password, "Mozilla/5.0 <b>Firefox/1")).open(accountUrl)
    const rows = rowsOf(page)
    expect(rows.map(({ browser }) => browser).sort()).toEqual(["Firefox", ...strange.map(() => "Unknown browser")])
    expect(rows.filter(({ isThis }) => isThis)).toHaveLength(1)
    // A sealed form is a random text, which may have any word in it.
    expect(page.html.replaceAll(/value="lk_fm_[^"]*"/g, "")).not.toMatch(/alert|xxx|evil|img/)
    expect(new Set(buttonsOf(page, "Log out there")).size).toBe(strange.length)
  })

  test("the row of a session has no address", async (server) => {
    await logIn(server.from("192.0.2.77"))
    const stored = await server.run(
      Effect.gen(function* () {
        const account = yield* (yield* AccountStore).findByUsername(yield* Schema.decode(Username)("ada"))
        return yield* (yield* SessionStore).list(Option.getOrThrow(account).id, yield* DateTime.now)
      })
    )
    expect(stored).toHaveLength(1)
    expect(Option.isSome(stored[0]?.sealedNetwork ?? Option.none())).toBe(true)
    expect(JSON.stringify(stored)).not.toContain("192.0.2.77")
  })

  test("a network that was sealed for another session or under another key is not shown", async (server) => {
    const browser = await logIn(server.from("192.0.2.77"))
    await server.run(
      Effect.gen(function* () {
        const sessions = yield* SessionStore
        const account = yield* (yield* AccountStore).findByUsername(yield* Schema.decode(Username)("ada"))
        const [mine] = yield* sessions.list(Option.getOrThrow(account).id, yield* DateTime.now)
        if (mine === undefined) return
        // The ids differ from each other and from the user's own, which is random.
        const endings = ["0", "1", "2", "3"].filter((ending) => !mine.id.endsWith(ending))
        for (const [n, sealedNetwork] of [mine.sealedNetwork, Option.some("x"), Option.none<string>()].entries()) {
          const id = SessionId.make(`${mine.id.slice(0, -1)}${endings[n]}`)
          yield* sessions.insert({ ...mine, id, digest: digestOf(String(n)), sealedNetwork })
        }
      })
    )
    const rows = rowsOf(await browser.open(accountUrl))
    expect(rows).toHaveLength(4)
    expect(rows.filter(({ login }) => login?.includes("192.0.2.77")).map(({ isThis }) => isThis)).toEqual([true])
  })

  test("the account page shows only the user's own apps and sessions", async (server) => {
    await server.addAccount("bob")
    await server.tokens(await server.register())
    const page = await (await logIn(server, "bob")).open(accountUrl)
    expect(appsOf(page)).toEqual([])
    expect(sessionsOf(page)).toBe(1)
  })

  test("the account page shows no notice that a link invents", async (server) => {
    const browser = await logIn(server)
    const plain = (page: Page) => page.html.replaceAll(/ value="lk_fm_[^"]*"/g, "")
    const before = plain(await browser.open(accountUrl))
    for (const done of ["", "Nothing", "toString", "__proto__", "<script>alert(1)</script>"]) {
      expect(plain(await browser.open(`${accountUrl}?done=${encodeURIComponent(done)}`)), done).toBe(before)
    }
  })
})

describe("removing an app's access", () => {
  test("removing access ends the app's tokens at once, and the app is no longer listed", async (server) => {
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

  test("removing access twice is no error", async (server) => {
    await server.tokens(await server.register())
    const browser = await logIn(server)
    const form = withForm(await browser.open(accountUrl), "withdraw")
    for (let i = 0; i < 2; i++) expect(headingOf(await browser.submit(form, { button: "withdraw" }))).toBe(account)
  })
})

describe("ending a session", () => {
  test("ending a session logs out that browser only", async (server) => {
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
  /** A user with an app and a second session, and every action of their page. */
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

  test("a form does nothing in another session of the same user", async (server) => {
    const { actions, expectUntouched } = await setUp(server)
    const other = await logIn(server)
    for (const [form, options] of actions) {
      const after = await other.submit(form, options)
      expect([headingOf(after), after.url]).toEqual([account, `${accountUrl}?latchkey_refused=FormForeign`])
    }
    await expectUntouched()
  })

  test("a form does nothing for another user", async (server) => {
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

  test("a form does nothing in a browser that is not logged in", async (server) => {
    const { actions, expectUntouched } = await setUp(server)
    for (const [form, options] of actions) expect(headingOf(await server.browser().submit(form, options))).toBe(login)
    await expectUntouched()
  })

  test("a form is accepted only from a page of this server (RFC 6749 §10.12)", async (server) => {
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

  test("a forged form, or one of another page, does nothing", async (server) => {
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

  test("an expired form does nothing, and the user sees the account page", async (server) => {
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

  test("a password change needs the current password, a good new one, and its repetition", async (server) => {
    const tokens = await server.tokens(await server.register())
    const browser = await logIn(server)
    const before = sessionCookie(browser)
    const refusals: ReadonlyArray<readonly [ReturnType<typeof fill>, string]> = [
      [fill("wrong password", newPassword), wrong],
      [fill("", newPassword), wrong],
      [fill(newPassword, newPassword), wrong],
      [fill(password, ""), invalid],
      [fill(password, "7 chars"), invalid],
      [fill(password, "Password123"), "That password is well known"],
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

  test("a refused password change shows every problem at once", async (server) => {
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

  test("guesses of the current password in a stolen session are throttled like logins", async (server) => {
    const browser = await logIn(server)
    // Six count on the known browser's own counter, and nine on the username's.
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

  test("a password change ends every other session and every grant, and keeps this browser logged in", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const code = await server.code(client)
    const [browser, other] = [await logIn(server), await logIn(server)]
    const stolen = browser.clone()
    const page = await change(browser, fill(password, newPassword))
    expect(headingOf(page)).toBe(account)
    expect(page.html).toContain("Your password is changed.")
    // The logins of the two authorizations, and of the other browser.
    expect(page.html).toContain("It ended 3 other logins and the access of 1 app.")
    expect(sessionsOf(page)).toBe(1)
    expect(headingOf(await other.open(accountUrl))).toBe(login)
    expect(headingOf(await stolen.open(accountUrl))).toBe(login)
    expect(sessionCookie(browser)).not.toBe(sessionCookie(stolen))
    expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
  })

  test("the page says beforehand what a password change ends, and afterwards shows that user the numbers for a time", async (server) => {
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

  test("a password change begins a session with a new id", async (server) => {
    const browser = await logIn(server)
    await change(browser, fill(password, newPassword))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
    const sessions = events.flatMap(({ kind }) => (kind._tag === "LoggedIn" ? [kind.sessionId] : []))
    expect(new Set(sessions).size).toBe(2)
  })

  test("only the new password logs in after a password change", async (server) => {
    await change(await logIn(server), fill(password, newPassword))
    const browser = server.browser()
    const page = await browser.open(accountUrl)
    expect(headingOf(await server.logIn(browser, page))).toBe("403 Log in")
    await logIn(server, "ada", newPassword)
  })
})
