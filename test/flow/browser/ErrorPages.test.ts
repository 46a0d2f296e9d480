/** Pages for requests that cannot go on: each has an id that the log has too, and leads on. */
import { describe, expect } from "@effect/vitest"
import * as Logger from "effect/Logger"
import type { Page } from "../support/Browser.js"
import { issuer, type TestServer, test } from "../support/Server.js"

const incidentOf = (html: string) => /incident.*?([0-9a-z]{26})/s.exec(html)?.[1] ?? "no incident"

describe("an error page", () => {
  const lines: Array<string> = []
  const logger = Logger.map(Logger.jsonLogger, (line) => void lines.push(line))

  test(
    "has an id of its own, which one line of the log has too, and leads to the account",
    async (server) => {
      const client = await server.register()
      const { url } = await server.request(client, { redirect_uri: "https://other.example/" })
      const html = (answer: Promise<Response>) => answer.then((response) => response.text())
      const answers = [
        await html(server.send(url.href)),
        await html(server.send("/authorize?client_id=nobody")),
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
  const told = (page: Page) => page.document.querySelector("main p")?.text

  test("tells the person in plain words why", async (server: TestServer) => {
    const client = await server.register()
    const { url } = await server.request(client, { prompt: "none" })
    const browser = server.browser()
    expect(told(await browser.open(url))).toContain("You are not logged in, so it has to ask you.")
    await server.logIn(browser, await browser.open(`${issuer}/account`))
    expect(told(await browser.open(url))).toContain("You have not allowed this yet, so it has to ask you.")
  })
})
