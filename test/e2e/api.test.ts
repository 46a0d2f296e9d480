/** The API of a launched server, by a client that the command line made, and its description in a real browser. */
import { mkdirSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Cli from "../support/Cli.js"
import * as Chromium from "./support/Chromium.js"

const output = new URL("../../test-output/", import.meta.url)

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let server: Cli.Server
beforeAll(async () => {
  server = await Cli.startServer({ args: ["--api"] })
})
afterAll(() => server?.stop())

describe("latchkey serve --api", () => {
  it("a client of the operator lists the users", async () => {
    expect(server.stdout()).toContain(`${server.url}/api/docs`)
    await Cli.run(["user", "create", "ada", "--password-stdin"], { server, stdin: "correct horse battery" })
    const args = ["--name", "Admin", "--confidential", "--grant", "client_credentials", "--scope", "latchkey:admin"]
    const made = await Cli.run(["client", "create", ...args, "--json"], { server })
    const client = JSON.parse(made.stdout) as { readonly client_id: string; readonly client_secret: string }
    const answer = await fetch(`${server.url}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "latchkey:admin" })
    })
    const { access_token } = (await answer.json()) as { readonly access_token: string }
    const users = await fetch(`${server.url}/api/admin/users`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(await users.json()).toMatchObject({ users: [{ username: "ada", state: "Enabled" }] })
  })

  it("a setting that is neither on nor off is refused", async () => {
    expect(await Cli.run(["serve"], { env: { LATCHKEY_API: "maybe" } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("LATCHKEY_API: give on or off")
    })
  })

  it("the API does not exist without the option", async () => {
    const plain = await Cli.startServer()
    try {
      expect((await fetch(`${plain.url}/api/openapi.json`)).status).toBe(404)
    } finally {
      await plain.stop()
    }
  })

  it.runIf(Chromium.executablePath !== undefined)(
    "the page that describes the API runs under its own policy",
    async () => {
      mkdirSync(output, { recursive: true })
      const browser = await Chromium.launch()
      try {
        const page = await browser.newPage({ viewport: { width: 1100, height: 1400 } })
        const complaints: Array<string> = []
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text())
        })
        page.on("pageerror", ({ message }) => complaints.push(message))
        const response = await page.goto(`${server.url}/api/docs`)
        expect(response?.headers()["content-security-policy"]).not.toContain("unsafe-inline")
        await page.locator(".opblock-summary-path", { hasText: "/api/admin/users" }).first().waitFor()
        await page.screenshot({ path: new URL("api-docs.png", output).pathname })
        expect(complaints).toEqual([])
      } finally {
        await browser.close()
      }
    }
  )
})
