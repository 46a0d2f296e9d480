/** A request that is sent many times stores one event, and no more rows than the first time. */
import { describe, expect } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { RevokedTokenStore } from "../../../src/services/stores/RevokedTokenStore.js"
import { withForm } from "../support/Browser.js"
import { kept, keptOf } from "../support/EventRows.js"
import { issuer, outcome, type TestServer, test } from "../support/Server.js"

const times = 200

/** Sends a request `count` times: eight at once, and the rest one after the other. */
const again = async (send: () => Promise<unknown>, count = times) => {
  await Promise.all(Array.from({ length: 8 }, send))
  for (let i = 8; i < count; i++) await send()
}

/** Deletes all revoked tokens from the store, and returns their number. */
const revokedTokens = (server: TestServer) =>
  server.run(
    Effect.gen(function* () {
      const inAYear = DateTime.addDuration(yield* DateTime.now, "365 days")
      return yield* (yield* RevokedTokenStore).prune(inAYear, 1_000)
    })
  )

describe("a revocation", () => {
  test("revoking one access token 2,000 times stores one event and one row", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    await again(() => server.ask("/revoke", client, { token: access_token }), 2_000)
    expect(await outcome(server.ask("/revoke", client, { token: access_token }))).toBe("200")
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
    expect(await keptOf(server, "TokenRevoked")).toHaveLength(1)
    expect(await revokedTokens(server)).toBe(1)
  })

  test("revoking one client_credentials token many times stores one event and one row", async (server) => {
    const client = await server.addClient()
    const answer = await server.token(client, { grant_type: "client_credentials" })
    const { access_token } = (await answer.json()) as { readonly access_token: string }
    await again(() => server.ask("/revoke", client, { token: access_token }))
    expect(await keptOf(server, "TokenRevoked")).toHaveLength(1)
    expect(await revokedTokens(server)).toBe(1)
  })

  test("revoking a refresh token many times stores one event", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    await again(() => server.ask("/revoke", client, { token: refresh_token }))
    // The access token is already dead, because its grant is revoked.
    await again(() => server.ask("/revoke", client, { token: access_token }))
    expect(await keptOf(server, "Revoked")).toHaveLength(1)
    expect(await keptOf(server, "TokenRevoked")).toEqual([])
    expect(await revokedTokens(server)).toBe(0)
  })

  test("revoking an expired access token stores no event and no row", async (server) => {
    const [client, own] = [await server.register(), await server.addClient()]
    const { access_token } = await server.tokens(client)
    const answer = await server.token(own, { grant_type: "client_credentials" })
    const { access_token: other } = (await answer.json()) as { readonly access_token: string }
    await server.advance("10 minutes")
    expect(await outcome(server.ask("/revoke", client, { token: access_token }))).toBe("200")
    expect(await outcome(server.ask("/revoke", own, { token: other }))).toBe("200")
    expect(await keptOf(server, "TokenRevoked")).toEqual([])
    expect(await revokedTokens(server)).toBe(0)
  })
})

describe("a form that is posted again and again", () => {
  test("denying one page 1,000 times stores one event and one row", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await again(async () => {
      const { sentTo } = await browser.clone().submit(page, { button: "deny" })
      expect(sentTo?.searchParams.get("error")).toBe("access_denied")
    }, 1_000)
    expect(await keptOf(server, "Denied")).toHaveLength(1)
    expect(await revokedTokens(server)).toBe(1)
  })

  test("denying a page many times after allowing it stores one event", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await browser.submit(page, { button: "allow" })
    await again(() => browser.clone().submit(page, { button: "deny" }))
    expect(await keptOf(server, "Denied")).toHaveLength(1)
  })

  test("allowing one page many times stores one event", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await again(() => browser.clone().submit(page, { button: "allow" }))
    expect(await keptOf(server, "Allowed")).toHaveLength(1)
  })

  test("withdrawing one consent 1,000 times stores one event, and one more after a new consent", async (server) => {
    const client = await server.register()
    for (const expected of [1, 2]) {
      await server.tokens(client)
      const browser = server.browser()
      const page = await server.logIn(browser, await browser.open(`${issuer}/account`))
      const form = withForm(page, "withdraw")
      await again(() => browser.clone().submit(form), 1_000)
      expect(await keptOf(server, "ConsentWithdrawn")).toHaveLength(expected)
      expect(await keptOf(server, "Revoked")).toHaveLength(expected)
    }
  })

  test("logging out many times stores one event", async (server) => {
    const browser = server.browser()
    await server.logIn(browser, await browser.open(`${issuer}/account`))
    const page = await browser.open(`${issuer}/logout`)
    await again(() => browser.clone().submit(page))
    expect(await keptOf(server, "LoggedOut")).toHaveLength(1)
  })

  test("ending another session many times stores one event", async (server) => {
    const other = server.browser()
    await server.logIn(other, await other.open(`${issuer}/account`))
    await server.advance("1 second")
    const browser = server.browser()
    const page = await server.logIn(browser, await browser.open(`${issuer}/account`))
    const before = (await kept(server)).length
    const form = withForm(page, "end")
    await again(() => browser.clone().submit(form))
    expect(await keptOf(server, "LoggedOut")).toHaveLength(1)
    expect(await kept(server)).toHaveLength(before + 1)
  })
})
