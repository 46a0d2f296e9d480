/** Login pages that one browser opens at the same time: each form works, in that browser only (ADR 32). */
import { describe, expect } from "@effect/vitest"
import type { Browser, Page } from "../support/Browser.js"
import { consentHeading, issuer, type TestServer, test } from "../support/Server.js"

const headingOf = (page: Page) => page.document.querySelector("h1")?.text

const idsOf = (browser: Browser) => Array.from(browser.cookies).filter(([name]) => name.includes("_browser_"))

/**
 * Opens pages at once in a browser without cookies. It keeps the cookies in the order of `arrival`, as a browser does
 * when the answers overtake each other.
 */
const openAtOnce = async (server: TestServer, urls: ReadonlyArray<URL>, arrival: ReadonlyArray<number>) => {
  const tabs = urls.map(() => server.browser())
  const pages = await Promise.all(tabs.map((tab, index) => tab.open(urls[index]!)))
  const browser = server.browser()
  for (const index of arrival) {
    for (const [name, value] of tabs[index]!.cookies) browser.cookies.set(name, value)
  }
  return { browser, pages }
}

const requests = async (server: TestServer, count: number) => {
  const client = await server.register()
  return Promise.all(Array.from({ length: count }, async () => (await server.request(client)).url))
}

describe("login pages that are opened at once", () => {
  test("login pages that load at once all log in, in any order of their cookies and forms", async (server) => {
    const urls = await requests(server, 2)
    for (const arrival of [
      [0, 1],
      [1, 0]
    ]) {
      for (const sent of [
        [0, 1],
        [1, 0]
      ]) {
        const { browser, pages } = await openAtOnce(server, urls, arrival)
        for (const index of sent) {
          expect(headingOf(await server.logIn(browser, pages[index]!)), `${arrival}, ${sent}`).toBe(consentHeading)
        }
      }
    }
  })

  test("ten restored tabs all log in", async (server) => {
    const urls = await requests(server, 10)
    const { browser, pages } = await openAtOnce(server, urls, [3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    for (const page of pages) expect(headingOf(await server.logIn(browser, page))).toBe(consentHeading)
  })

  test("a login form is refused from a browser without its cookie", async (server) => {
    const urls = await requests(server, 2)
    const { pages } = await openAtOnce(server, urls, [0, 1])
    const { browser } = await openAtOnce(server, urls, [0, 1])
    for (const page of pages) expect(headingOf(await server.logIn(browser, page))).toBe("Log in")
    expect([...browser.cookies.keys()].join()).not.toContain("session")
  })
})

describe("the id of a browser", () => {
  test("pages that open one after the other share one browser id", async (server) => {
    const [first, second] = await requests(server, 2)
    const browser = server.browser()
    const pages = [await browser.open(first!), await browser.open(second!)]
    expect(idsOf(browser)).toHaveLength(1)
    for (const page of pages) expect(headingOf(await server.logIn(browser, page))).toBe(consentHeading)
  })

  test("a cookie with another name or value, or sent twice, is no browser id", async (server) => {
    const browser = server.browser()
    const page = await browser.open(`${issuer}/account`)
    const [[name, value] = ["", ""]] = idsOf(browser)
    const form = page.document.querySelector("input[name=form]")?.getAttribute("value") ?? ""
    const post = (cookie: string) =>
      server.post("/login", { form, username: "ada", password: "correct horse battery" }, { cookie, origin: issuer })
    for (const cookie of [
      `${name.slice(0, -1)}${name.at(-1) === "A" ? "B" : "A"}=${value}`,
      `x${name}=${value}`,
      `${name}=${value.slice(0, -1)}`,
      `${name}="${value}"`,
      `${name}=${value}; ${name}=${value}`,
      `${name}=${value}; ${name}=x`
    ]) {
      expect((await post(cookie)).status, cookie).toBe(403)
    }
    expect((await post(`other=1; ${name}=${value}; more=2`)).status).toBe(303)
  })

  test("a browser has at most sixteen ids: a page deletes the oldest ones", async (server) => {
    const urls = await requests(server, 20)
    const order = urls.map((_, index) => index)
    const { browser } = await openAtOnce(server, urls, order)
    const all = idsOf(browser)
    await browser.open(urls[0]!)
    expect([all.length, idsOf(browser)]).toEqual([20, all.slice(4)])
  })
})
