/** Two installations of one app share a metadata document, and nothing else. */
import { describe, expect } from "@effect/vitest"
import { headingOf } from "../support/Attempts.js"
import { withForm } from "../support/Browser.js"
import * as Documents from "../support/Documents.js"
import { keptOf } from "../support/EventRows.js"
import * as Server from "../support/Server.js"
import { issuer, outcome, type TestServer } from "../support/Server.js"

const client = { client_id: Documents.url, token_endpoint_auth_method: "none" }

const test = (title: string, rule: (server: TestServer, web: Documents.Web) => Promise<unknown>) => {
  const web = Documents.make({ [Documents.url]: { body: Documents.document() } })
  return Server.test(title, (server) => rule(server, web), { seams: web.seams })
}

const accountPage = async (server: TestServer) => {
  const browser = server.browser()
  const page = await server.logIn(browser, await browser.open(`${issuer}/account`))
  return { browser, page, rows: page.document.querySelectorAll("section li.row") }
}

const statuses = (server: TestServer, ...tokens: ReadonlyArray<Server.Tokens>) =>
  Promise.all(tokens.map(async ({ access_token }) => (await server.call(access_token)).status))

describe("installations of one app", () => {
  test("the account page lists each with its time, browser and network", async (server) => {
    await server.from("192.0.2.10").tokens(client)
    await server.advance("1 hour")
    await server.from("198.51.100.20").tokens(client)
    const { rows } = await accountPage(server)
    expect(rows.map(({ text }) => text.replace(/\s+/g, " "))).toEqual([
      expect.stringContaining("Allowed 1 June 2026, 01:00 UTC, from 198.51.100.20 Sends you to client.example"),
      expect.stringContaining("Allowed 1 June 2026, 00:00 UTC, from 192.0.2.10 Sends you to client.example")
    ])
  })

  test("removing one ends its tokens alone, and says so", async (server) => {
    const first = await server.tokens(client)
    await server.advance("1 minute")
    const second = await server.tokens(client)
    const { browser, page } = await accountPage(server)
    const after = await browser.submit(withForm(page, "installation"), { button: "installation" })
    expect(after.html).toContain("Access removed for that one")
    expect(await statuses(server, first, second)).toEqual([200, 401])
    expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.refresh(client, first.refresh_token))).toBe("200")
    expect(await keptOf(server, "Revoked")).toMatchObject([{ reason: "ConsentWithdrawn" }])
  })

  test("removing the last one withdraws the consent, so that the app must ask again", async (server) => {
    await server.tokens(client)
    await server.tokens(client)
    const { browser, page } = await accountPage(server)
    await browser.submit(withForm(page, "installation", 0), { button: "installation" })
    const after = await browser.submit(withForm(page, "installation", 1), { button: "installation" })
    expect(after.html).toContain("No app has access")
    const { page: asked } = await server.toConsent(client, { prompt: undefined })
    expect(headingOf(asked)).toContain("200 Example app wants")
  })

  test("removing the app ends the tokens of all", async (server) => {
    const tokens = [await server.tokens(client), await server.tokens(client)]
    const { browser, page } = await accountPage(server)
    await browser.submit(withForm(page, "withdraw"), { button: "withdraw" })
    expect(await statuses(server, ...tokens)).toEqual([401, 401])
  })

  test("a replayed refresh token revokes its own installation alone", async (server) => {
    const stolen = await server.tokens(client)
    const other = await server.tokens(client)
    await server.refresh(client, stolen.refresh_token)
    await server.advance("5 minutes")
    expect(await outcome(server.refresh(client, stolen.refresh_token))).toBe("400 invalid_grant")
    expect(await statuses(server, stolen, other)).toEqual([401, 200])
    expect(await outcome(server.refresh(client, other.refresh_token))).toBe("200")
  })

  test("a code that is used twice revokes its own installation alone", async (server) => {
    const code = await server.code(client)
    const other = await server.tokens(client)
    const tokens = await Server.tokensOf(server.redeem(client, code))
    await server.advance("10 seconds")
    await server.redeem(client, code)
    expect(await statuses(server, tokens, other)).toEqual([401, 200])
  })

  test("revoking a token at /revoke ends its own installation alone", async (server) => {
    const [one, other] = [await server.tokens(client), await server.tokens(client)]
    await server.ask("/revoke", client, { token: one.refresh_token })
    expect(await statuses(server, one, other)).toEqual([401, 200])
  })

  test("the access of another user is untouched", async (server) => {
    await server.addAccount("grace")
    const browser = server.browser()
    const { url, verifier } = await server.request(client)
    const consent = await server.logIn(browser, await browser.open(url), "grace")
    const { sentTo } = await browser.submit(consent, { button: "allow" })
    const code = { code: sentTo?.searchParams.get("code") ?? "", verifier }
    const graces = await Server.tokensOf(server.redeem(client, code))
    await server.tokens(client)
    const account = await accountPage(server)
    await account.browser.submit(withForm(account.page, "withdraw"), { button: "withdraw" })
    expect(await statuses(server, graces)).toEqual([200])
  })

  test("a user cannot remove an installation of another user", async (server) => {
    await server.addAccount("grace")
    const tokens = await server.tokens(client)
    await server.tokens(client)
    const { page } = await accountPage(server)
    const grace = server.browser()
    await server.logIn(grace, await grace.open(`${issuer}/account`), "grace")
    for (const i of [0, 1]) await grace.submit(withForm(page, "installation", i), { button: "installation" })
    expect(await statuses(server, tokens)).toEqual([200])
  })

  test("an app that has its own id at each installation has no such list", async (server) => {
    await server.tokens(await server.register())
    expect((await accountPage(server)).rows).toEqual([])
  })
})

describe("an app that changed its name", () => {
  test("an installation shows the name that the user allowed", async (server, web) => {
    await server.tokens(client)
    await server.advance("1 hour")
    web.answers[Documents.url] = { body: Documents.document({ client_name: "Renamed app" }) }
    await server.tokens(client)
    const { page, rows } = await accountPage(server)
    expect(page.document.querySelector("section h3")?.text).toBe("Renamed app")
    expect(rows.map(({ text }) => text.includes("as Example app"))).toEqual([false, true])
  })
})
