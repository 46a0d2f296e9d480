/** RFC 7009: token revocation. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TemporarilyUnavailable } from "../../src/domain/OAuthError.js"
import { RevokedTokenStore } from "../../src/services/stores/RevokedTokenStore.js"
import { basic, issuer, outcome, test, tokensOf, toSearchParams } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { sameEachTime } from "../support/Headers.js"
import { apart, confidential, json } from "./support/Conformance.js"

apart([
  {
    section: "§2",
    requirement: "the endpoint is reached over TLS",
    how: "elsewhere",
    why: "`test/domain/Issuer.test.ts`: an issuer is https, or http on loopback"
  },
  {
    section: "§2.1",
    requirement: "revoking an access token may revoke its refresh token too",
    how: "otherwise",
    why: "optional, and not done, as is tested"
  },
  {
    section: "§2.2.1",
    requirement: "unsupported_token_type",
    how: "not applicable",
    why: "every token that the server issues can be revoked"
  },
  {
    section: "§2.3",
    requirement: "JSONP may be supported",
    how: "otherwise",
    why: "optional, and not done: the endpoint answers CORS; that `callback` is ignored is tested"
  }
])

describe("RFC 7009", () => {
  test("§2 the endpoint is in the metadata", async (server) => {
    const metadata = await json(server.send("/.well-known/oauth-authorization-server"))
    expect(metadata.revocation_endpoint).toBe(`${issuer}/revoke`)
  })

  test("§2.1 a revocation request must be a POST [REVOKE-06]", async (server) => {
    for (const method of ["GET", "PUT", "DELETE"]) expect((await server.send("/revoke", { method })).status).toBe(405)
  })

  test("§2.1 a revocation request needs a token", async (server) => {
    const client = await server.register()
    expect(await outcome(server.ask("/revoke", client, {}))).toBe("400 invalid_request")
  })

  test("§2.1 a token in the URI is not read [INTRO-07]", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    const query = toSearchParams({ token: access_token })
    expect(await outcome(server.ask(`/revoke?${query}`, client, {}))).toBe("400 invalid_request")
    expect((await server.call(access_token)).status).toBe(200)
  })

  test("§2.1 the client's credentials are checked first [REVOKE-02]", async (server) => {
    const client = await server.register(confidential)
    const { access_token: token } = await server.tokens(client)
    const answer = await server.post("/revoke", { token }, basic(client.client_id, "wrong"))
    expect(answer.headers.get("www-authenticate")).toMatch(/^Basic /)
    expect(await outcome(answer)).toBe("401 invalid_client")
    expect(await outcome(server.post("/revoke", { token }))).toBe("401 invalid_client")
    expect((await server.call(token)).status).toBe(200)
  })

  test("§2.1 a public client must name itself [REVOKE-01]", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    expect(await outcome(server.ask("/revoke", client, { token: access_token }))).toBe("200")
    expect((await server.call(access_token)).status).toBe(401)
  })

  test("§2.1 a token of another client is not changed [REVOKE-03]", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    const other = await server.register()
    for (const token of [access_token, refresh_token]) await server.ask("/revoke", other, { token })
    expect((await server.call(access_token)).status).toBe(200)
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("§2.1 revoking a refresh token revokes its access tokens [REVOKE-04]", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    expect(await outcome(server.ask("/revoke", client, { token: second.refresh_token }))).toBe("200")
    for (const { access_token } of [first, second]) expect((await server.call(access_token)).status).toBe(401)
    expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
  })

  test("§2.1 revoking an access token does not revoke its grant", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    await server.ask("/revoke", client, { token: access_token })
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("§2.1 the revocation takes effect at once [REVOKE-08]", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    expect((await server.call(access_token)).status).toBe(200)
    await server.ask("/revoke", client, { token: access_token })
    expect((await server.call(access_token)).status).toBe(401)
  })

  test("§2.1 a wrong or unknown token_type_hint is ignored [REVOKE-05]", async (server) => {
    const client = await server.register()
    for (const token_type_hint of ["refresh_token", "unknown", ""]) {
      const { access_token: token } = await server.tokens(client)
      expect(await outcome(server.ask("/revoke", client, { token, token_type_hint }))).toBe("200")
      expect((await server.call(token)).status, token_type_hint).toBe(401)
    }
    const { refresh_token } = await server.tokens(client)
    await server.ask("/revoke", client, { token: refresh_token, token_type_hint: "access_token" })
    expect(await outcome(server.refresh(client, refresh_token))).toBe("400 invalid_grant")
  })

  test("§2.2 the response is 200 with an empty object [REVOKE-01]", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    const answer = await server.ask("/revoke", client, { token: access_token })
    expect([answer.status, await answer.text()]).toEqual([200, "{}"])
  })

  test("§2.2 the revocation of an invalid token succeeds [REVOKE-01]", async (server) => {
    const client = await server.register()
    const { access_token: spent } = await server.tokens(client)
    await server.ask("/revoke", client, { token: spent })
    for (const token of ["x", "lk_at_x", "lk_rt_x", spent]) {
      expect(await outcome(server.ask("/revoke", client, { token })), token).toBe("200")
    }
  })

  test("§2.2.1 errors are those of RFC 6749 §5.2", async (server) => {
    const client = await server.register()
    const answer = await json(server.ask("/revoke", client, {}), 400)
    expect(answer).toEqual({ error: "invalid_request", error_description: expect.any(String) })
  })

  test(
    "§2.2.1 a failed revocation gets 503 with Retry-After, and the token stays active [REVOKE-07]",
    async (server) => {
      const client = await server.register()
      const { access_token: token } = await server.tokens(client)
      const answer = await server.ask("/revoke", client, { token })
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/)
      expect(await outcome(answer)).toBe("503 temporarily_unavailable")
    },
    {
      storage: Storage.changed(
        Storage.around(RevokedTokenStore, ["insert"], () =>
          Effect.fail(new TemporarilyUnavailable({ reason: "StoreFailed", description: "later" }))
        )
      )
    }
  )

  test("§2.3 a script of any origin may revoke a token [CORS-02]", async (server) => {
    const client = await server.register()
    const answer = await server.ask("/revoke", client, { token: "x" })
    expect(answer.headers.get("access-control-allow-origin")).toBe("*")
    expect(answer.headers.has("access-control-allow-credentials")).toBe(false)
  })

  test("§2.3 the endpoint does not support JSONP [REVOKE-06]", async (server) => {
    const client = await server.register()
    const answer = await server.ask("/revoke", client, { token: "x", callback: "package.hello" })
    expect(await answer.text()).toBe("{}")
  })

  test("§5 the response does not reveal whether another client's token exists [REVOKE-03]", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const other = await server.register()
    const told = await Promise.all(
      [access_token, "lk_at_x"].map(async (token) => {
        const answer = await server.ask("/revoke", other, { token })
        return [answer.status, await answer.text(), ...sameEachTime(answer)]
      })
    )
    expect(told[0]).toEqual(told[1])
  })
})
