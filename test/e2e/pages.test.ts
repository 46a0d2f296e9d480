/**
 * The pages in a real browser: on a phone and on a desk, by day and by night. A screenshot of each is left in
 * `test-output/`, for people to look at; axe finds nothing serious on any (WCAG 2.2 AA), and none scrolls sideways.
 * That the pages work without scripts is shown by the other tests here, which have them turned off.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Chromium from "./support/Chromium.js"
import { password, username } from "./support/Person.js"

const output = new URL("../../test-output/", import.meta.url)
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

const looks = (["light", "dark"] as const).flatMap((colorScheme) =>
  [
    { width: 360, height: 640 },
    { width: 1100, height: 800 }
  ].map((viewport) => ({ colorScheme, viewport, name: `${viewport.width}-${colorScheme}` }))
)

/** The longest names that a client can have, in letters of several widths and directions. */
const longNames = {
  latin: "LongNameWithoutAnySpace".repeat(8),
  arabic: "\u0645\u0644\u0627\u062d\u0638\u0627\u062a ".repeat(25),
  // One letter that is as wide as a line.
  ligatures: "\ufdfd".repeat(200)
}

/** A wide logo that knows both colour schemes. */
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 32"><style>path { fill: #6d28d9 } @media (prefers-color-scheme: dark) { path { fill: #c4b5fd } }</style><path d="M2 2h28v28H2zM38 10h32v4H38zM38 18h24v4H38z"/></svg>`

interface AxeResults {
  readonly violations: ReadonlyArray<{ readonly id: string; readonly impact: string; readonly help: string }>
}

vi.setConfig({ testTimeout: 180_000 })

/** An authorization request of a new client. */
const authorizeUrlOf = async (
  server: Cli.Server,
  clientName: string,
  redirectUri: string,
  more: Record<string, string> = {}
) => {
  const response = await fetch(`${server.url}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      client_name: clientName,
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: "none",
      client_uri: "https://client.example/about"
    })
  })
  const { client_id } = (await response.json()) as { readonly client_id: string }
  return `${server.url}/authorize?${new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri: redirectUri,
    scope: "notes:read notes:write",
    resource: `${server.url}/mcp`,
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    ...more
  })}`
}

/** A page is looked at in every way there is, as it stands. */
const look = async (page: Page, name: string) => {
  for (const { colorScheme, name: look, viewport } of looks) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    // As tall as the page: then its sticky bar is at the end, and hides nothing.
    const height = (await page.evaluate("document.documentElement.scrollHeight")) as number
    await page.setViewportSize({ ...viewport, height: Math.max(height, viewport.height) })
    await page.screenshot({ path: new URL(`${name}-${look}.png`, output).pathname })
    for (const width of [viewport.width, Math.min(viewport.width, 320)]) {
      await page.setViewportSize({ ...viewport, width })
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${name} ${look}`).toBe(true)
    }
    await page.setViewportSize(viewport)
    // What axe finds does not depend on the width, but for what is laid out differently on a phone.
    if (viewport.width > 360) continue
    await page.evaluate(axe)
    const { violations } = (await page.evaluate("axe.run()")) as AxeResults
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    expect(serious.map(({ help, id }) => `${id}: ${help}`)).toEqual([])
  }
}

describe.runIf(Chromium.executablePath !== undefined)("the pages", () => {
  let browser: Browser
  let server: Cli.Server
  beforeAll(async () => {
    mkdirSync(output, { recursive: true })
    ;[browser, server] = await Promise.all([Chromium.launch(), Cli.startServer({ args: ["--demo"] })])
  })
  afterAll(() => Promise.all([browser?.close(), server?.stop()]))

  const visit = async (walk: (page: Page, context: BrowserContext) => Promise<void>) => {
    const context = await browser.newContext({ bypassCSP: true })
    try {
      await walk(await context.newPage(), context)
    } finally {
      await context.close()
    }
  }

  const authorizeUrl = (clientName: string, redirectUri: string, more: Record<string, string> = {}) =>
    authorizeUrlOf(server, clientName, redirectUri, more)

  it("a user creates the first account by a link that works once", () =>
    visit(async (page) => {
      const link = await Cli.firstAccountLink(server)
      await page.goto(link)
      await look(page, "first-account")
      await page.fill("input[name=username]", username)
      await page.fill("input[name=password]", password)
      await page.fill("input[name=password_again]", "something else")
      await page.click("button[type=submit]")
      await look(page, "first-account-differs")
      await page.fill("input[name=password]", password)
      await page.fill("input[name=password_again]", password)
      await page.click("button[type=submit]")
      await look(page, "first-account-done")
      await page.goto(link)
      await look(page, "first-account-void")
    }))

  it("a user logs in and decides about an app", () =>
    visit(async (page, context) => {
      await page.goto(await authorizeUrl("Note Taker", "https://client.example/callback"))
      await look(page, "login")
      await context.clearCookies()
      await page.fill("input[name=username]", username)
      await page.fill("input[name=password]", password)
      await page.click("button[type=submit]")
      await page.waitForSelector("[role=alert]")
      await look(page, "login-without-cookies")
      await page.fill("input[name=username]", username)
      await page.fill("input[name=password]", "not the password")
      await page.click("button[type=submit]")
      await look(page, "login-wrong")
      await page.fill("input[name=password]", password)
      await page.click("button[type=submit]")
      await page.waitForSelector("button[name=decision]")
      await look(page, "consent")
      const asked = page.url()
      await page.goto(`${asked}&latchkey_refused=FormForeign`)
      await look(page, "consent-refused")
      await page.goto(asked)
      await page.click("summary")
      await look(page, "consent-details")
      for (const box of await page.locator("input[name=scope]").all()) await box.uncheck()
      await look(page, "consent-nothing-ticked")
      await page.click("button[value=allow]")
      await page.waitForSelector("[role=alert]")
      await look(page, "consent-nothing-allowed")
      await page.goto(server.url)
      await look(page, "home-logged-in")

      await page.goto(await authorizeUrl("A tool on this machine", "http://127.0.0.1/callback"))
      await look(page, "consent-loopback")
      await page.goto(await authorizeUrl("An app", "com.example.app:/callback"))
      await look(page, "consent-app")
      await page.goto(await authorizeUrl("Confused", "https://client.example/callback", { response_type: "token" }))
      await look(page, "redirect-notice")

      await page.goto(`${server.url}/logout`)
      await look(page, "logout")
      await page.click("button[type=submit]")
      await look(page, "logged-out")
    }))

  it("the error pages and the home page are readable", () =>
    visit(async (page) => {
      await page.goto(`${server.url}/authorize?client_id=nobody`)
      await look(page, "error")
      await page.goto(`${server.url}/nowhere`)
      await look(page, "not-found")
      await page.goto(`${server.url}/mcp`)
      await look(page, "mcp")
      await page.goto(`${server.url}/api`)
      await look(page, "api")
      await page.goto(server.url)
      await look(page, "home")
    }))

  it("a user sees the allowed apps and the sessions on the account page, and ends them", () =>
    visit(async (page) => {
      const allow = async (clientName: string) => {
        await page.goto(await authorizeUrl(clientName, `${server.url}/health`))
        await page.click("button[value=allow]")
        await page.waitForURL(/\/health\?code=/)
      }
      const logIn = async (page: Page) => {
        await page.goto(`${server.url}/account`)
        await page.fill("input[name=username]", username)
        await page.fill("input[name=password]", password)
        await page.click("button[type=submit]")
        await page.waitForURL(`${server.url}/account`)
      }
      await logIn(page)
      await look(page, "account-empty")
      await allow("Note Taker")
      await allow("LongNameWithoutAnySpace".repeat(8))
      await allow("Note Taker")
      await visit((elsewhere) => logIn(elsewhere))
      await page.goto(`${server.url}/account`)
      await look(page, "account")
      for (const action of ["withdraw", "end"]) {
        const names = await page.locator(`button[value=${action}]`).allTextContents()
        expect(new Set(names).size, action).toBe(names.length)
      }
      expect(await page.locator("ul.list .here").count()).toBe(1)
      expect(await page.locator("ul.list li").allTextContents()).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/Chrome on \w+\s+This browser\s+Logged in .* UTC, from 127\.0\.0\.1/)
        ])
      )

      await page.click("section button")
      await page.waitForURL(/done=AccessRemoved/)
      await look(page, "account-access-removed")
      expect(await page.locator("section button").count()).toBe(2)

      // One of the browser of the first account, and one of the browser of the other test.
      const elsewhere = await page.locator(".list button").count()
      await page.locator(".list button").first().click()
      await page.waitForURL(/done=SessionEnded/)
      expect(await page.locator(".list button").count()).toBe(elsewhere - 1)

      await page.fill("input[name=current_password]", "not the password")
      await page.fill("input[name=password]", "another good one")
      await page.fill("input[name=password_again]", "another good one")
      await page.click('button:has-text("Change password")')
      await page.waitForSelector("[aria-invalid=true]")
      await look(page, "account-wrong-password")
    }))

  it("every page works with the keyboard alone", () =>
    visit(async (page) => {
      await page.goto(await authorizeUrl("Note Taker", "https://client.example/callback"))
      await page.waitForFunction("document.activeElement?.name === 'username'")
      await page.keyboard.type(username)
      await page.keyboard.press("Tab")
      await page.keyboard.type(password)
      await page.keyboard.press("Enter")
      await page.waitForSelector("button[name=decision]")
      const focused = () => page.evaluate("document.activeElement?.getAttribute('value')")
      for (let i = 0; i < 12 && (await focused()) !== "allow"; i++) await page.keyboard.press("Tab")
      expect(await focused()).toBe("allow")
    }))

  it.each(Object.entries(longNames))(
    "keep the decision in its place, however long the name and the host: %s",
    (title, name) =>
      visit(async (page) => {
        /** How far down the page a button is, on a phone of 360 pixels. */
        const depth = async (button: string) => {
          await page.setViewportSize({ width: 360, height: 640 })
          return (await page.locator(button).boundingBox())?.y ?? Number.NaN
        }
        const longHost = `https://${"very-long-label-of-a-host.".repeat(9)}example/callback`
        const short = await authorizeUrl("Note Taker", "https://client.example/callback")
        const long = await authorizeUrl(name, longHost)

        await page.goto(short)
        const shortLogin = await depth("button[type=submit]")
        await page.goto(long)
        await look(page, `login-${title}`)
        // Two more lines of the name, and three of the host.
        expect((await depth("button[type=submit]")) - shortLogin).toBeLessThanOrEqual(5 * 26)
        await page.fill("input[name=username]", username)
        await page.fill("input[name=password]", password)
        await page.click("button[type=submit]")
        await page.waitForSelector("button[name=decision]")
        await look(page, `consent-${title}`)
        const longConsent = await depth("button[value=deny]")
        await page.goto(short)
        expect(longConsent - (await depth("button[value=deny]"))).toBeLessThanOrEqual(5 * 26)

        await page.goto(await authorizeUrl(name, longHost, { response_type: "token" }))
        await look(page, `redirect-notice-${title}`)
        await page.goto(await authorizeUrl(name, `${server.url}/health`))
        await page.click("button[value=allow]")
        await page.waitForURL(/\/health\?code=/)
        await page.goto(`${server.url}/account`)
        await look(page, `account-${title}`)
        await page.click("section button")
      })
  )
})

describe.runIf(Chromium.executablePath !== undefined)("the pages with a brand", () => {
  const brands = {
    purple: { LATCHKEY_BRAND_COLOR: "#6d28d9" },
    orange: { LATCHKEY_BRAND_COLOR: "#e8590c", LATCHKEY_BRAND_COLOR_DARK: "#ffd400" }
  }

  it.each(Object.entries(brands))(
    "can be read in its colours, and show its logo under their own policy: %s",
    async (title, colors) => {
      const folder = await Cli.temporaryFolder()
      writeFileSync(join(folder.path, "logo.svg"), logo)
      const env = {
        LATCHKEY_BRAND_NAME: "Notes",
        LATCHKEY_BRAND_LOGO: "logo.svg",
        LATCHKEY_BRAND_SUPPORT_URL: "https://notes.example/help",
        ...colors
      }
      const server = await Cli.startServer({ args: ["--demo"], env, folder: folder.path })
      const browser = await Chromium.launch()
      try {
        // The policy of the pages is in force, so that what it refuses is missing here, too.
        const page = await browser.newPage()
        const refused: Array<string> = []
        page.on("console", (message) => message.type() === "error" && refused.push(message.text()))
        await page.goto(`${server.url}/account`)
        expect(await page.title()).toBe("Log in – Notes")
        expect(
          await page
            .locator("img.logo")
            .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)
        ).toBeGreaterThan(0)
        expect(refused).toEqual([])
        expect(await page.evaluate("getComputedStyle(document.querySelector('button')).backgroundColor")).not.toBe(
          "rgb(31, 77, 64)"
        )

        const context = await browser.newContext({ bypassCSP: true })
        const looked = await context.newPage()
        for (const path of ["", "/account", "/nowhere", "/mcp", "/api"]) {
          await looked.goto(`${server.url}${path}`)
          await look(looked, `brand-${title}-${path.slice(1) || "home"}`)
        }
        await looked.goto(await Cli.firstAccountLink(server))
        await looked.fill("input[name=username]", username)
        await looked.fill("input[name=password]", password)
        await looked.fill("input[name=password_again]", password)
        await looked.click("button[type=submit]")
        await looked.goto(`${server.url}/account`)
        await look(looked, `brand-${title}-account-logged-in`)
        await looked.goto(await authorizeUrlOf(server, "Note Taker", "https://client.example/callback"))
        await looked.waitForSelector("button[name=decision]")
        await look(looked, `brand-${title}-consent`)
      } finally {
        await browser.close()
        await server.stop()
        await folder.remove()
      }
    }
  )
})
