/** Error pages: each has an id that is also in the log, and a link to the account page. */
import { describe, expect } from "@effect/vitest"
import * as Logger from "effect/Logger"
import type { Page } from "../support/Browser.js"
import { issuer, type TestServer, test } from "../support/Server.js"

const incidentOf = (html: string) => /incident.*?([0-9a-z]{26})/s.exec(html)?.[1] ?? "no incident"

describe("an error page", () => {
  const lines: Array<string> = []
  const logger = Logger.map(Logger.jsonLogger, (line) => void lines.push(line))

  test(
    "an error page has its own id, which is on one line of the log, and links to the account page",
    async (server) => {
      const client = await server.register()
      const { url } = await server.request(client, { redirect_uri: "https://other.example/" })
      const html = (answer: Promise<Response>) => answer.then((response) => response.text())
      const answers = [
        await html(server.send(url.href)),
        await html(server.send("/authorize?client_id=unknown")),
        await html(server.post("/login", { form: "x" }, { origin: "https://evil.example" })),
        await html(server.post("/consent", { form: "x" }, { origin: issuer })),
        await html(server.post("/account", {}, { origin: issuer })),
        await html(server.post("/logout", { form: ["x", "y"] }, { origin: issuer }))
      ]
      const ids = answers.map(incidentOf)
      expect(new Set(ids).size).toBe(answers.length)
      for (const [index, id] of ids.entries()) {
        expect(answers[index]).toContain('href="/account"')
        expect(
          lines.filter((line) => line.includes(id)),
          answers[index]
        ).toHaveLength(1)
      }
    },
    { logger }
  )
})

describe("a request with prompt=none that cannot be answered silently", () => {
  const reason = (page: Page) => page.document.querySelector("main p")?.text

  test("the page for a prompt=none that needs the user says why", async (server: TestServer) => {
    const client = await server.register()
    const { url } = await server.request(client, { prompt: "none" })
    const browser = server.browser()
    expect(reason(await browser.open(url))).toContain("You are not logged in, so it has to ask you.")
    await server.logIn(browser, await browser.open(`${issuer}/account`))
    expect(reason(await browser.open(url))).toContain("You have not allowed this yet, so it has to ask you.")
  })
})
