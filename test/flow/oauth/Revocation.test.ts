/** Revocation: a client revokes its own tokens, and no other client's. */
import { describe, expect } from "@effect/vitest"
import type * as Server from "../support/Server.js"
import { basic, issuer, outcome, type TestServer, test, tokensOf } from "../support/Server.js"

const revoke = (server: TestServer, client: Server.Client, token: string, parameters: Server.Parameters = {}) =>
  server.ask("/revoke", client, { token, ...parameters })

const expectAlive = async (server: TestServer, client: Server.Client, tokens: Server.Tokens) => {
  expect(await outcome(server.call(tokens.access_token))).toBe("200")
  expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
}

const expectDead = async (server: TestServer, client: Server.Client, tokens: Server.Tokens) => {
  expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
  expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
}

/** A client, and the tokens of three refreshes of one grant, the oldest first. */
const chain = async (server: TestServer) => {
  const client = await server.register()
  const first = await server.tokens(client)
  const second = await tokensOf(server.refresh(client, first.refresh_token))
  const third = await tokensOf(server.refresh(client, second.refresh_token))
  return { client, first, second, third }
}

describe("a refresh token", () => {
  test("revoking a refresh token revokes its grant and every token of it at once (RFC 7009 §2.1)", async (server) => {
    const { client, first, second, third } = await chain(server)
    expect(await outcome(revoke(server, client, third.refresh_token))).toBe("200")
    for (const tokens of [third, second, first]) await expectDead(server, client, tokens)
  })

  test("revoking a used refresh token revokes its grant (RFC 7009 §2.1)", async (server) => {
    const { client, first, second, third } = await chain(server)
    await server.advance("5 minutes")
    expect(await outcome(revoke(server, client, first.refresh_token))).toBe("200")
    for (const tokens of [third, second, first]) await expectDead(server, client, tokens)
  })

  test("revoking a refresh token leaves the client's other grants active (RFC 7009 §2.1)", async (server) => {
    const client = await server.register()
    const [one, other] = [await server.tokens(client), await server.tokens(client)]
    await revoke(server, client, one.refresh_token)
    await expectDead(server, client, one)
    await expectAlive(server, client, other)
  })

  test("revoking a forged refresh token changes nothing, even if it names a grant (RFC 7009 §2.2)", async (server) => {
    const { client, third } = await chain(server)
    const [head, generation, tail = ""] = third.refresh_token.split(".")
    const forgeries = [
      `${head}.${Number(generation) + 1}.${tail}`,
      `${head}.1.${tail}`,
      `${head}.${generation}.${"A".repeat(tail.length)}`,
      `${head}.${generation}.${"A".repeat(43)}${tail.slice(43)}`,
      `${head}.${generation}.${tail.slice(0, 43)}${"A".repeat(22)}`
    ]
    for (const token of forgeries) expect(await outcome(revoke(server, client, token)), token).toBe("200")
    await expectAlive(server, client, third)
  })

  test("revoking a refresh token again is not an error (RFC 7009 §2.2)", async (server) => {
    const { client, third } = await chain(server)
    for (const _ of [1, 2]) expect(await outcome(revoke(server, client, third.refresh_token))).toBe("200")
    await expectDead(server, client, third)
  })
})

describe("an access token", () => {
  test("revoking an access token leaves its grant and the other tokens active (RFC 7009 §2.1)", async (server) => {
    const { client, second, third } = await chain(server)
    expect(await outcome(revoke(server, client, third.access_token))).toBe("200")
    expect(await outcome(server.call(third.access_token))).toBe("401 invalid_token")
    expect(await outcome(server.call(second.access_token))).toBe("200")
    const next = await tokensOf(server.refresh(client, third.refresh_token))
    await expectAlive(server, client, next)
  })

  test("a revoked access token stays revoked until its expiry (RFC 7009 §2.2)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    await revoke(server, client, tokens.access_token)
    await server.advance(599_999)
    expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
  })
})

describe("a token", () => {
  test("revoking a token of another client changes nothing and is not an error (RFC 7009 §2.1, §2.2)", async (server) => {
    const { client, first, third } = await chain(server)
    for (const method of ["none", "client_secret_basic"]) {
      const other = await server.register({ token_endpoint_auth_method: method })
      for (const token of [first.refresh_token, third.refresh_token, third.access_token]) {
        const answer = await revoke(server, other, token)
        expect(answer.status).toBe(200)
        expect(await answer.json()).toEqual({})
      }
    }
    await expectAlive(server, client, third)
  })

  test("revoking a text that never was a token gets the usual response (RFC 7009 §2.2)", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    const malformed = [
      "x",
      "lk_at_",
      "lk_rt_",
      "é",
      "a".repeat(10_000),
      `${access_token}A`,
      access_token.slice(0, -1),
      `${refresh_token}A`,
      refresh_token.slice(0, -1),
      "lk_rt_00000000000000000000000000.1.".padEnd(100, "A")
    ]
    for (const token of malformed) expect(await outcome(revoke(server, client, token)), token).toBe("200")
    await expectAlive(server, client, { access_token, refresh_token } as Server.Tokens)
  })

  test("revoking an expired token gets the usual response (RFC 7009 §2.2)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    await server.advance("200 days")
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      expect(await outcome(revoke(server, client, token))).toBe("200")
    }
  })

  test("revocation finds a token with any hint (RFC 7009 §2.1)", async (server) => {
    const client = await server.register()
    for (const token_type_hint of ["access_token", "refresh_token", "saml", ""]) {
      const [one, other] = [await server.tokens(client), await server.tokens(client)]
      expect(await outcome(revoke(server, client, one.refresh_token, { token_type_hint }))).toBe("200")
      expect(await outcome(revoke(server, client, other.access_token, { token_type_hint }))).toBe("200")
      await expectDead(server, client, one)
      expect(await outcome(server.call(other.access_token)), token_type_hint).toBe("401 invalid_token")
    }
  })
})

describe("the client", () => {
  for (const method of ["none", "client_secret_basic", "client_secret_post"]) {
    test(`a client of ${method} revokes its own token (RFC 7009 §2.1)`, async (server) => {
      const client = await server.register({ token_endpoint_auth_method: method })
      const tokens = await server.tokens(client)
      expect(await outcome(revoke(server, client, tokens.refresh_token))).toBe("200")
      await expectDead(server, client, tokens)
    })
  }

  test("revocation authenticates the client before it reads the token (RFC 7009 §2.1, RFC 6749 §5.2)", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const tokens = await server.tokens(client)
    const token = tokens.refresh_token
    const answers = [
      await server.post("/revoke", { token }, basic(client.client_id, "wrong")),
      await server.post("/revoke", { token, client_id: client.client_id }),
      await server.post("/revoke", { token, client_id: client.client_id, client_secret: "wrong" }),
      await server.post("/revoke", { token, client_id: "nobody" }),
      await server.post("/revoke", { token }),
      await server.post("/revoke", {}, basic(client.client_id, "wrong")),
      await server.post("/revoke", {})
    ]
    for (const answer of answers) {
      expect(answer.headers.get("www-authenticate")).toBe(`Basic realm="${issuer}"`)
      expect(await outcome(answer)).toBe("401 invalid_client")
    }
    await expectAlive(server, client, tokens)
  })
})

describe("the request", () => {
  test("a revocation request has one token (RFC 7009 §2.1)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const { access_token, refresh_token } = tokens
    for (const token of [undefined, "", [access_token, access_token], [access_token, refresh_token]]) {
      expect(await outcome(server.ask("/revoke", client, { token }))).toBe("400 invalid_request")
    }
    await expectAlive(server, client, tokens)
  })

  test("revocation refuses parameters in the URL (RFC 6749 §2.3.1)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const { refresh_token: token } = tokens
    for (const query of [`token=${token}`, `client_id=${client.client_id}`, "x"]) {
      expect(await outcome(server.ask(`/revoke?${query}`, client, { token })), query).toBe("400 invalid_request")
    }
    await expectAlive(server, client, tokens)
  })

  test("a revocation request is a POST (RFC 7009 §2.1)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const query = new URLSearchParams({ token: tokens.refresh_token, client_id: client.client_id })
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "PATCH"]) {
      for (const target of ["/revoke", `/revoke?${query}`]) {
        const answer = await server.send(target, { method })
        expect(answer.status, method).toBe(405)
        expect(answer.headers.get("allow"), method).toBe("POST, OPTIONS")
      }
    }
    await expectAlive(server, client, tokens)
  })

  test("a revocation request is a form (RFC 7009 §2.1)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const body = JSON.stringify({ token: tokens.refresh_token, client_id: client.client_id })
    const headers = { "content-type": "application/json" }
    expect(await outcome(server.send("/revoke", { method: "POST", body, headers }))).toBe("400 invalid_request")
    await expectAlive(server, client, tokens)
  })
})

describe("the answer", () => {
  test("the response to a revocation is an empty JSON object that no cache stores (RFC 7009 §2.2)", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    for (const token of [tokens.access_token, tokens.refresh_token, "x"]) {
      const answer = await revoke(server, client, token)
      expect(answer.status).toBe(200)
      expect(answer.headers.get("cache-control")).toBe("no-store")
      expect(answer.headers.has("set-cookie")).toBe(false)
      expect(answer.headers.get("content-type")).toBe("application/json")
      expect(await answer.json()).toEqual({})
    }
    const refusal = await server.post("/revoke", {})
    expect(refusal.headers.get("cache-control")).toBe("no-store")
  })

  test("scripts of any origin may read the response to a revocation, which needs no cookie (RFC 7009 §2.3)", async (server) => {
    const client = await server.register()
    for (const origin of ["https://app.example", "null"]) {
      const preflight = await server.send("/revoke", { method: "OPTIONS", headers: { origin } })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get("access-control-allow-methods")).toContain("POST")
      const answer = await server.post("/revoke", { token: "x", client_id: client.client_id }, { origin })
      const refusal = await server.post("/revoke", {}, { origin })
      for (const { headers } of [preflight, answer, refusal]) {
        expect(headers.get("access-control-allow-origin")).toBe("*")
        expect(headers.has("access-control-allow-credentials")).toBe(false)
      }
    }
  })
})
