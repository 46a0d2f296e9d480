/** The whole flow in process: discovery, registration, login, consent, code, tokens, a guarded call, refresh. */
import { expect } from "@effect/vitest"
import { outcome, resource, test, tokensOf } from "../support/Server.js"

test(
  "a resource without scopes can be requested, and its token has no scope (RFC 8707 §2)",
  async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client, { scope: undefined })
    expect(tokens).not.toHaveProperty("scope")
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
  },
  { settings: { resources: [{ uri: resource, scopes: {} }] } }
)

test("a new client registers, gets tokens and calls a guarded route", async (server) => {
  expect(await outcome(server.call(undefined))).toBe("401")
  const client = await server.register()
  const tokens = await server.tokens(client)
  expect(tokens.scope).toBe("notes:read notes:write")
  const answer = await server.call(tokens.access_token)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ clientId: client.client_id })

  const refreshed = await tokensOf(server.refresh(client, tokens.refresh_token))
  expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
  expect(await outcome(server.call(refreshed.access_token))).toBe("200")
})
