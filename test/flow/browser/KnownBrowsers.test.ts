/**
 * A browser that has logged in as somebody before is known by its device cookie: the pauses of the name and of the address
 * do not hold it up, and what it fails counts on it alone.
 */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as KnownBrowsers from "../../../src/services/accounts/KnownBrowsers.js"
import { attempt, failed, guard, headingOf, loggedIn, throttled, untilPause } from "../support/Attempts.js"
import type { Browser } from "../support/Browser.js"
import { issuer, password, type TestServer, test } from "../support/Server.js"

const deviceCookie = (browser: Browser) => Array.from(browser.cookies.keys()).find((name) => name.includes("_device_"))

/** A browser that has logged in, and out. */
const knownBrowser = async (server: TestServer, username = "ada") => {
  const browser = server.browser()
  expect(headingOf(await attempt(server, username, password, browser))).toBe(loggedIn)
  logOut(browser)
  return browser
}

const logOut = (browser: Browser) => {
  for (const name of browser.cookies.keys()) if (name.includes("_session_")) browser.cookies.delete(name)
}

/** Fails with a username from nine networks, so that it is paused. */
const pause = async (server: TestServer, username = "ada") => {
  for (let i = 0; i < untilPause; i++) await guard(server, username, [`203.0.113.${i}`])
}

describe("the device cookie", () => {
  test("a login sets the device cookie: HttpOnly, Lax, for half a year; no other request does", async (server) => {
    const browser = server.browser()
    await attempt(server, "ada", "wrong password", browser)
    expect(deviceCookie(browser)).toBeUndefined()
    await attempt(server, "ada", password, browser)
    const set = browser.seen
      .flatMap(({ headers }) => headers.getSetCookie())
      .filter((line) => line.includes("_device_"))
    expect(set).toHaveLength(1)
    expect(set[0]).toMatch(/^latchkey_device_[\w-]{8}=[\w-]+; Max-Age=15552000; Path=\/; .*HttpOnly/)
    expect(set[0]).toContain("SameSite=Lax")
    await browser.open(`${issuer}/account`)
    expect(
      browser.seen.flatMap(({ headers }) => headers.getSetCookie()).filter((line) => line.includes("_device_"))
    ).toHaveLength(1)
  })

  test(
    "the device cookie is a __Host- cookie on https",
    async (server) => {
      const browser = server.browser()
      await browser.submit(await browser.open(`${server.issuer}/account`), { fields: { username: "ada", password } })
      expect(deviceCookie(browser)).toMatch(/^__Host-latchkey_device_/)
    },
    { settings: { issuer: "https://auth.example.com" } }
  )

  test("the device cookie is no credential: it logs no browser in", async (server) => {
    const browser = await knownBrowser(server)
    expect(headingOf(await browser.open(`${issuer}/account`))).toBe("200 Log in")
  })

  test("each login renews the device cookie with a new device id", async (server) => {
    const browser = await knownBrowser(server)
    const name = deviceCookie(browser) ?? ""
    const before = browser.cookies.get(name)
    await attempt(server, "ada", password, browser)
    expect(browser.cookies.get(name)).not.toBe(before)
  })
})

describe("a known browser", () => {
  test("a known browser logs in while the username is paused, and an unknown one waits", async (server) => {
    const browser = await knownBrowser(server)
    await pause(server)
    expect(headingOf(await attempt(server, "ada", password))).toBe(throttled)
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(loggedIn)
    // Other browsers still wait.
    expect(headingOf(await attempt(server, "ada", password))).toBe(throttled)
  })

  test("a known browser logs in from an address with 200 failures, and an unknown one waits", async (server) => {
    const office = server.from("192.0.2.1")
    const browser = await knownBrowser(office)
    for (let failures = 0; failures < 200; ) {
      const answer = await guard(server, `name${failures}`, ["192.0.2.1"])
      if (answer === "tried") failures++
      else await server.advance(`${answer} seconds`)
    }
    expect(headingOf(await attempt(office, "ada", password))).toBe(throttled)
    expect(headingOf(await attempt(office, "ada", password, browser))).toBe(loggedIn)
  })

  test(
    "a known browser logs in while other browsers use up the limit of its address",
    async (server) => {
      const office = server.from("192.0.2.1")
      const browser = await knownBrowser(office)
      for (let i = 0; i < 3; i++) await office.post("/login", {})
      expect((await attempt(office, "ada", password)).status).toBe(429)
      expect(headingOf(await attempt(office, "ada", password, browser))).toBe(loggedIn)
    },
    { settings: { rateLimits: { login: { quota: 3, window: "1 hour" } } } }
  )

  test(
    "a known browser has its own limit of requests",
    async (server) => {
      const office = server.from("192.0.2.1")
      const browser = await knownBrowser(office)
      for (let i = 0; i < 3; i++)
        expect(headingOf(await attempt(office, "ada", "wrong password", browser))).toBe(failed)
      expect((await attempt(office, "ada", password, browser)).status).toBe(429)
    },
    { settings: { rateLimits: { login: { quota: 3, window: "1 hour" } } } }
  )

  test("a known browser may fail six times on its own counter, and then counts like an unknown one", async (server) => {
    const browser = await knownBrowser(server)
    for (let i = 0; i < 6; i++) {
      expect(headingOf(await attempt(server, "ada", "wrong password", browser))).toBe(failed)
    }
    // The username counted none of these failures: an unknown browser has all of its free failures.
    for (let i = 0; i < untilPause; i++) expect(await guard(server, "ada", [`203.0.113.${i}`]), `${i}`).toBe("tried")
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(throttled)
    await server.advance("1 second")
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(loggedIn)
    // It logged in as an unknown browser. Its new device id has no failures.
    await pause(server)
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(loggedIn)
  })

  test("a browser is known only for the usernames with which it logged in", async (server) => {
    await server.addAccount("bob")
    const browser = await knownBrowser(server)
    await pause(server, "bob")
    expect(headingOf(await attempt(server, "bob", password, browser))).toBe(throttled)
    await server.advance("1 second")
    expect(headingOf(await attempt(server, "bob", password, browser))).toBe(loggedIn)
    for (const username of ["ada", "bob"]) {
      logOut(browser)
      await pause(server, username)
      expect(headingOf(await attempt(server, username, password, browser)), username).toBe(loggedIn)
    }
  })

  test("a browser is known for its last four accounts, and its cookie does not grow", async (server) => {
    const browser = await knownBrowser(server)
    const lengths = new Set<number>()
    for (let i = 0; i < 6; i++) {
      await server.addAccount(`user${i}`)
      logOut(browser)
      expect(headingOf(await attempt(server, `user${i}`, password, browser))).toBe(loggedIn)
      lengths.add(browser.cookies.get(deviceCookie(browser) ?? "")?.length ?? 0)
    }
    expect(Math.max(...lengths)).toBe(Math.max(...KnownBrowsers.valueLengths))
    logOut(browser)
    await pause(server)
    await pause(server, "user2")
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(throttled)
    expect(headingOf(await attempt(server, "user2", password, browser))).toBe(loggedIn)
  })

  test("a browser stays known after a password change, so a pause does not keep its owner out", async (server) => {
    const browser = await knownBrowser(server)
    const other = server.browser()
    const account = await attempt(server, "ada", password, other)
    const form = account.document.querySelectorAll("form").at(-1)?.outerHTML ?? ""
    const { parse } = await import("node-html-parser")
    const fields = { current_password: password, password: "another password", password_again: "another password" }
    await other.submit({ ...account, document: parse(form) }, { button: "password", fields })
    await pause(server)
    expect(headingOf(await attempt(server, "ada", "another password", browser))).toBe(loggedIn)
    logOut(other)
    expect(headingOf(await attempt(server, "ada", "another password", other))).toBe(loggedIn)
  })

  test("a browser is unknown again half a year after its last login", async (server) => {
    const [first, second] = [await knownBrowser(server), await knownBrowser(server)]
    await server.advance(Duration.subtract(KnownBrowsers.lifetime, "1 hour"))
    await pause(server)
    expect(headingOf(await attempt(server, "ada", password, first))).toBe(loggedIn)
    await server.advance("1 hour")
    for (let i = 0; i < 9; i++) await guard(server, "ada", [`198.51.100.${i}`])
    expect(headingOf(await attempt(server, "ada", password, second))).toBe(throttled)
  })
})

describe("a forged device cookie", () => {
  test("a device cookie that is changed, cut or from another issuer makes no browser known", async (server) => {
    const browser = await knownBrowser(server)
    const name = deviceCookie(browser) ?? ""
    const value = browser.cookies.get(name) ?? ""
    await pause(server)
    for (let i = 0; i < value.length - 1; i += 7) {
      const forged = browser.clone()
      forged.cookies.set(name, value.slice(0, i) + (value[i] === "A" ? "B" : "A") + value.slice(i + 1))
      expect(headingOf(await attempt(server, "ada", password, forged)), `${i}`).toBe(throttled)
    }
    for (const text of ["", value.slice(4), value.slice(0, -4), value + value, "A".repeat(value.length)]) {
      const forged = browser.clone()
      forged.cookies.set(name, text)
      expect(headingOf(await attempt(server, "ada", password, forged)), text).toBe(throttled)
    }
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(loggedIn)
  })
})

describe("a stolen device cookie", () => {
  test("a stolen device cookie allows six guesses, and does not delay its owner's next login", async (server) => {
    const browser = await knownBrowser(server)
    const thief = browser.clone()
    // The owner has a new device id from here on.
    await attempt(server, "ada", password, browser)
    logOut(browser)
    await pause(server)
    for (let i = 0; i < 6; i++) {
      expect(headingOf(await attempt(server, "ada", "wrong password", thief)), `${i}`).toBe(failed)
    }
    expect(headingOf(await attempt(server, "ada", "wrong password", thief))).toBe(throttled)
    expect(headingOf(await attempt(server, "ada", password, browser))).toBe(loggedIn)
  })
})
