/** LOGIN: checks that need a real browser. They are skipped without one, like the tests of `test/e2e`. */
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { setTimeout as sleep } from "node:timers/promises"
import type { Browser } from "playwright-core"
import { describe, expect } from "vitest"
import * as Chromium from "../e2e/support/Chromium.js"
import { Person } from "../e2e/support/Person.js"
import { family } from "./support/Catalogue.js"
import type { Target } from "./support/Target.js"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

const withBrowser = async (use: (browser: Browser) => Promise<void>) => {
  const browser = await Chromium.launch()
  try {
    await use(browser)
  } finally {
    await browser.close()
  }
}

/** The parts of axe's report that count here. */
interface Report {
  readonly violations: ReadonlyArray<{ readonly id: string; readonly impact: string }>
}

/** The policy violations that the browser reports after a user allows. */
const violations = async (browser: Browser, target: Target, redirect_uri: string): Promise<ReadonlyArray<string>> => {
  const client = await target.register({ redirect_uris: [redirect_uri] })
  const { url } = await target.request(client, { redirect_uri, prompt: "consent" })
  const person = await Person.at(browser)
  const said: Array<string> = []
  const forbidden = new Promise<undefined>((resolve) => {
    person.page.on("console", (message) => {
      if (!message.text().includes("Content Security Policy")) return
      said.push(message.text())
      resolve(undefined)
    })
  })
  await person.page.goto(url.href)
  await person.logIn()
  const answered = person.page.waitForResponse((response) => response.url().endsWith("/consent"))
  await person.page.click("button[value=allow]", { noWaitAfter: true })
  // The browser drops a redirect that the policy forbids.
  const answer = await Promise.race([answered.catch(() => undefined), forbidden])
  if (answer !== undefined) {
    expect([answer.status(), answer.headers().location?.startsWith(`${redirect_uri}?code=`)]).toEqual([303, true])
    await sleep(500)
  }
  await person.leave()
  return said
}

describe.runIf(Chromium.executablePath !== undefined)("a browser", () => {
  const { check, control } = family()

  check(
    "LOGIN-28",
    "the pages work without scripts, name their fields, and have no serious accessibility fault",
    (target) =>
      withBrowser(async (browser) => {
        const { url } = await target.request(await target.register())
        const person = await Person.at(browser)
        await person.page.goto(url.href)
        for (const [name, autocomplete] of [
          ["username", "username"],
          ["password", "current-password"]
        ]) {
          expect(await person.page.getAttribute(`input[name=${name}]`, "autocomplete")).toBe(autocomplete)
        }
        await person.logIn()
        expect(await person.page.locator("button[name=decision]").count()).toBe(2)
        await person.leave()

        const context = await browser.newContext({ bypassCSP: true })
        const page = await context.newPage()
        const look = async () => {
          await page.evaluate(axe)
          const { violations } = (await page.evaluate("axe.run()")) as Report
          expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([])
        }
        await page.goto(url.href)
        await look()
        await page.fill("input[name=username]", "ada")
        await page.fill("input[name=password]", "correct horse battery")
        await page.click("button[type=submit]")
        await page.waitForSelector("button[name=decision]")
        await look()
        await context.close()
      })
  )

  check(
    "LOGIN-30",
    "a browser follows the redirect of the consent form, to https and to an app's own scheme",
    (target) =>
      withBrowser(async (browser) => {
        for (const uri of ["https://client.example/callback", "http://127.0.0.1:9/cb", "com.example.app:/cb"]) {
          expect(await violations(browser, target, uri), uri).toEqual([])
        }
      })
  )

  control("LOGIN-30", "against a server whose policy has form-action 'self'", {
    mutation: {
      answer: (answer) => ({
        ...answer,
        headers: answer.headers.map(([name, value]) => [
          name,
          name.toLowerCase() === "content-security-policy" ? `${value}; form-action 'self'` : value
        ])
      })
    }
  })
})
