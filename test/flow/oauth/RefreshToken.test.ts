/** The refresh token grant: honest clients end with one valid token, and a replay revokes the grant. */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Chain from "../../../src/domain/Chain.js"
import * as Grant from "../../../src/domain/Grant.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import type * as Server from "../support/Server.js"
import { files, issuer, notes, outcome, resource, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const bothResources = { settings: { resources: [notes, files] } }
const everything = { scope: "notes:read notes:write files:read", resource: [resource, files.uri] }

/** Refreshes `times` times, each time with the refresh token of the last response. */
const rotate = async (server: TestServer, client: Server.Client, from: Server.Tokens, times: number) => {
  let tokens = from
  for (let i = 0; i < times; i++) tokens = await tokensOf(server.refresh(client, tokens.refresh_token))
  return tokens
}

const expectAlive = async (server: TestServer, client: Server.Client, tokens: Server.Tokens) => {
  expect(await outcome(server.call(tokens.access_token))).toBe("200")
  expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
}

const expectDead = async (server: TestServer, client: Server.Client, tokens: Server.Tokens) => {
  expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
  expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
}

describe("a refresh", () => {
  // REFRESH-01
  test("a refresh gives a new refresh token and a new access token (RFC 9700 §2.2.2)", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    expect(second).toMatchObject({ token_type: "Bearer", expires_in: 600, scope: first.scope })
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(second.access_token).not.toBe(first.access_token)
    expect(await outcome(server.call(first.access_token))).toBe("200")
    await expectAlive(server, client, second)
  })

  // TOKEN-13
  test("a client that did not register refresh_token gets no refresh token and cannot refresh (OAuth 2.1 §3.2.3)", async (server) => {
    const client = await server.register({ grant_types: ["authorization_code"] })
    const other = await server.tokens(await server.register())
    const tokens = await server.tokens(client)
    expect(tokens).not.toHaveProperty("refresh_token")
    expect(await outcome(server.refresh(client, other.refresh_token))).toBe("400 unauthorized_client")
  })

  for (const method of ["client_secret_basic", "client_secret_post"]) {
    // REFRESH-05
    test(`a refresh by a client with ${method} requires its secret (RFC 6749 §6)`, async (server) => {
      const client = await server.register({ token_endpoint_auth_method: method })
      const tokens = await server.tokens(client)
      const attempts: ReadonlyArray<Server.Client> = [
        { ...client, client_secret: "guess" },
        { ...client, token_endpoint_auth_method: "none" }
      ]
      for (const attempt of attempts) {
        expect(await outcome(server.refresh(attempt, tokens.refresh_token))).toBe("401 invalid_client")
      }
      await expectAlive(server, client, tokens)
    })
  }
})

describe("the end of a grant", () => {
  // REFRESH-09
  test("a grant ends after its idle lifetime, to the millisecond", async (server) => {
    const client = await server.register()
    const [used, idle] = [await server.tokens(client), await server.tokens(client)]
    await server.advance(Duration.toMillis("30 days") - 1)
    const next = await tokensOf(server.refresh(client, used.refresh_token))
    await server.advance(1)
    expect(await outcome(server.refresh(client, idle.refresh_token))).toBe("400 invalid_grant")
    await server.advance(Duration.toMillis("30 days") - 2)
    const last = await tokensOf(server.refresh(client, next.refresh_token))
    await server.advance("30 days")
    expect(await outcome(server.refresh(client, last.refresh_token))).toBe("400 invalid_grant")
  })

  test("a grant and all its tokens end at its absolute expiry, however often it is refreshed (RFC 9700 §4.14.2)", async (server) => {
    const client = await server.register()
    let tokens = await server.tokens(client)
    for (let day = 0; day < 175; day += 25) {
      await server.advance("25 days")
      tokens = await rotate(server, client, tokens, 1)
    }
    await server.advance(Duration.toMillis("5 days") - 5 * 60_000)
    tokens = await rotate(server, client, tokens, 1)
    expect(tokens.expires_in).toBe(300)
    await server.advance(5 * 60_000 - 1)
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
    tokens = await rotate(server, client, tokens, 1)
    await server.advance(1)
    await expectDead(server, client, tokens)
  })
})

describe("narrowing", () => {
  // REFRESH-07
  test("a scope in a refresh narrows one access token, not the grant (RFC 6749 §6)", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const narrow = await tokensOf(server.refresh(client, first.refresh_token, { scope: "notes:read" }))
    expect(narrow.scope).toBe("notes:read")
    const who = await (await server.call(narrow.access_token)).json()
    expect(who).toMatchObject({ scope: "notes:read" })
    const wide = await tokensOf(server.refresh(client, narrow.refresh_token))
    expect(wide.scope).toBe("notes:read notes:write")
    const reordered = await tokensOf(server.refresh(client, wide.refresh_token, { scope: "notes:write notes:read" }))
    expect(new Set(reordered.scope.split(" "))).toEqual(new Set(["notes:read", "notes:write"]))
  })

  test(
    "a resource in a refresh narrows one access token, not the grant (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.register()
      const first = await server.tokens(client, everything)
      const narrow = await tokensOf(server.refresh(client, first.refresh_token, { resource: files.uri }))
      expect(narrow.scope).toBe("files:read")
      expect(await outcome(server.call(narrow.access_token))).toBe("401 invalid_token")
      expect(await outcome(server.call(narrow.access_token, files.uri))).toBe("200")
      const wide = await tokensOf(server.refresh(client, narrow.refresh_token))
      expect(await outcome(server.call(wide.access_token))).toBe("200")
    },
    bothResources
  )

  // REFRESH-08
  test(
    "a refresh for a scope or resource that was not granted is refused and changes nothing (RFC 6749 §6, RFC 8707 §2.2)",
    async (server) => {
      const client = await server.register()
      const tokens = await server.tokens(client, { scope: "notes:read files:read", resource: everything.resource })
      const before = await server.grant(tokens.refresh_token)
      const refusals: ReadonlyArray<readonly [expected: string, parameters: Server.Parameters]> = [
        ["400 invalid_scope", { scope: "notes:read notes:write" }],
        ["400 invalid_scope", { scope: "notes:write" }],
        ["400 invalid_scope", { scope: "admin" }],
        ["400 invalid_scope", { scope: "NOTES:READ" }],
        ["400 invalid_scope", { scope: "notes:rea" }],
        ["400 invalid_scope", { scope: "notes:read  files:read" }],
        ["400 invalid_scope", { scope: 'notes:read"' }],
        ["400 invalid_request", { scope: ["notes:read", "notes:read"] }],
        ["400 invalid_target", { resource: `${issuer}/elsewhere` }],
        ["400 invalid_target", { resource: [resource, `${issuer}/elsewhere`] }],
        ["400 invalid_target", { resource: "notes" }],
        // Both are granted, and the resource does not offer the scope.
        ["400 invalid_target", { scope: "notes:read", resource: files.uri }]
      ]
      for (const [expected, parameters] of refusals) {
        const answer = server.refresh(client, tokens.refresh_token, parameters)
        expect(await outcome(answer), JSON.stringify(parameters)).toBe(expected)
      }
      expect(await server.grant(tokens.refresh_token)).toEqual(before)
      await expectAlive(server, client, tokens)
    },
    bothResources
  )
})

describe("honest clients", () => {
  // REFRESH-03
  for (const count of [2, 8, 64]) {
    test(`${count} concurrent refreshes end with the same valid refresh token`, async (server) => {
      const client = await server.register()
      const first = await server.tokens(client)
      const answers = await Promise.all(
        Array.from({ length: count }, () => tokensOf(server.refresh(client, first.refresh_token)))
      )
      const [answer] = answers
      expect(new Set(answers.map((tokens) => tokens.refresh_token))).toEqual(new Set([answer?.refresh_token]))
      expect(new Set(answers.map((tokens) => tokens.access_token)).size).toBe(count)
      for (const { access_token } of answers) expect(await outcome(server.call(access_token))).toBe("200")
      await expectAlive(server, client, answer!)
    })
  }

  test("clients that race each other through a burst of refreshes keep the grant", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const ends = await Promise.all(Array.from({ length: 8 }, () => rotate(server, client, first, 7)))
    for (const end of ends) expect(await outcome(server.refresh(client, end.refresh_token))).toBe("200")
  })

  test("a retry of a refresh gets the same refresh token, and an access token with the scope of the retry", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const lost = await tokensOf(server.refresh(client, first.refresh_token))
    await server.advance("20 seconds")
    const retried = await tokensOf(server.refresh(client, first.refresh_token, { scope: "notes:read" }))
    expect(retried.refresh_token).toBe(lost.refresh_token)
    expect(retried).toMatchObject({ scope: "notes:read", expires_in: 600 })
    expect(retried.access_token).not.toBe(lost.access_token)
    expect(await outcome(server.call(retried.access_token))).toBe("200")
  })

  test("any token of the present burst gets the current one", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await rotate(server, client, first, 1)
    const third = await rotate(server, client, second, 1)
    for (const { refresh_token } of [first, second, first]) {
      expect((await tokensOf(server.refresh(client, refresh_token))).refresh_token).toBe(third.refresh_token)
    }
  })

  test("a retry of a refresh writes nothing and does not extend the window", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    const before = await server.grant(first.refresh_token)
    for (let retry = 0; retry < 3; retry++) {
      await server.advance(retry === 2 ? 9_999 : 10_000)
      expect(await outcome(server.refresh(client, first.refresh_token))).toBe("200")
    }
    expect(await server.grant(first.refresh_token)).toEqual(before)
    await server.advance(1)
    expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
    await expectDead(server, client, second)
  })

  test("the token before the current one can be retried for a window after the last rotation", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await rotate(server, client, first, 1)
    await server.advance("25 seconds")
    const third = await rotate(server, client, second, 1)
    await server.advance(29_999)
    const retried = await tokensOf(server.refresh(client, second.refresh_token))
    expect(retried.refresh_token).toBe(third.refresh_token)
    await server.advance(1)
    expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
    await expectDead(server, client, third)
  })

  test("a rotation begins a new burst if the last burst began a window ago", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const second = await rotate(server, client, first, 1)
    await server.advance("30 seconds")
    const fourth = await rotate(server, client, second, 2)
    await server.advance(29_999)
    expect((await tokensOf(server.refresh(client, second.refresh_token))).refresh_token).toBe(fourth.refresh_token)
  })

  test(
    "the length of the retry window is a setting",
    async (server) => {
      const client = await server.register()
      const [inTime, late] = [await server.tokens(client), await server.tokens(client)]
      await rotate(server, client, inTime, 1)
      await rotate(server, client, late, 1)
      await server.advance(4_999)
      expect(await outcome(server.refresh(client, inTime.refresh_token))).toBe("200")
      await server.advance(1)
      expect(await outcome(server.refresh(client, late.refresh_token))).toBe("400 invalid_grant")
    },
    { settings: { lifetimes: { refreshWindow: "5 seconds" } } }
  )
})

describe("a thief", () => {
  // REFRESH-02
  test("a replayed refresh token revokes its grant, and no other (RFC 9700 §4.14.2)", async (server) => {
    const client = await server.register()
    const bystander = await server.tokens(client)
    const stolen = await server.tokens(client)
    const current = await rotate(server, client, stolen, 3)
    await server.advance("30 seconds")
    expect(await outcome(server.refresh(client, stolen.refresh_token))).toBe("400 invalid_grant")
    expect(await server.grant(stolen.refresh_token)).toMatchObject({
      _tag: "Revoked",
      reason: "RefreshTokenReplayed"
    })
    await expectDead(server, client, current)
    await expectAlive(server, client, bystander)
  })

  test("a token of an earlier burst is a replay, although the present burst is active", async (server) => {
    const client = await server.register()
    const stolen = await server.tokens(client)
    const second = await rotate(server, client, stolen, 1)
    await server.advance("30 seconds")
    const current = await rotate(server, client, second, 2)
    expect(await outcome(server.refresh(client, stolen.refresh_token))).toBe("400 invalid_grant")
    await expectDead(server, client, current)
  })

  test("a client that comes after the thief revokes the grant", async (server) => {
    const client = await server.register()
    const stolen = await server.tokens(client)
    const stolenNext = await rotate(server, client, stolen, 1)
    await server.advance("10 minutes")
    expect(await outcome(server.refresh(client, stolen.refresh_token))).toBe("400 invalid_grant")
    await expectDead(server, client, stolenNext)
  })

  test("a replay revokes the grant after hundreds of refreshes, at once or within an hour", async (server) => {
    const client = await server.register()
    for (const { pause, times } of [
      { times: 300, pause: 0 },
      { times: 60, pause: 60_000 }
    ]) {
      const stolen = await server.tokens(client)
      let stolenNext = stolen
      for (let i = 0; i < times; i++) {
        stolenNext = await rotate(server, client, stolenNext, 1)
        if (pause > 0) await server.advance(pause)
      }
      expect(await outcome(server.refresh(client, stolen.refresh_token))).toBe("400 invalid_grant")
      await expectDead(server, client, stolenNext)
    }
  })

  test(`a token more than ${Chain.maxRetrySteps} steps behind is a replay within the window, too`, async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const last = await rotate(server, client, first, Chain.maxRetrySteps)
    expect((await tokensOf(server.refresh(client, first.refresh_token))).refresh_token).toBe(last.refresh_token)
    const beyond = await rotate(server, client, last, 1)
    expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
    await expectDead(server, client, beyond)
  })

  test(
    "a replay revokes the grant at once if the window is 0",
    async (server) => {
      const client = await server.register()
      const first = await server.tokens(client)
      const second = await rotate(server, client, first, 1)
      expect(await outcome(server.refresh(client, first.refresh_token))).toBe("400 invalid_grant")
      await expectDead(server, client, second)
    },
    { settings: { lifetimes: { refreshWindow: 0 } } }
  )

  const spoil = (text: string, index: number) =>
    `${text.slice(0, index)}${text.at(index) === "4" ? "5" : "4"}${text.slice(index + 1)}`

  test("a guessed refresh token changes nothing", async (server) => {
    const client = await server.register()
    const first = await server.tokens(client)
    const current = await rotate(server, client, first, 2)
    await server.advance("1 hour")
    const before = await server.grant(current.refresh_token)
    const [, head = "", generation = "", secretAndTag = ""] = /^(\w+)\.(\d+)\.(.+)$/.exec(current.refresh_token) ?? []
    expect(generation).toBe("3")
    const guesses: Readonly<Record<string, string>> = {
      "another secret": spoil(current.refresh_token, head.length + 5),
      "another tag": spoil(current.refresh_token, current.refresh_token.length - 10),
      "an old token with another tag": spoil(first.refresh_token, first.refresh_token.length - 10),
      "an earlier number": `${head}.2.${secretAndTag}`,
      "a later number": `${head}.4.${secretAndTag}`,
      "the greatest number": `${head}.999999999999999.${secretAndTag}`,
      "all zero": `${head}.1.${"A".repeat(65)}`,
      "another grant": spoil(current.refresh_token, head.length - 1)
    }
    for (const [name, guess] of Object.entries(guesses)) {
      expect(await outcome(server.refresh(client, guess)), name).toBe("400 invalid_grant")
    }
    expect(await server.grant(current.refresh_token)).toEqual(before)
    await expectAlive(server, client, await rotate(server, client, current, 1))
  })

  // REFRESH-06
  test("a refresh token of another client changes nothing, even an old one (RFC 6749 §10.4)", async (server) => {
    const client = await server.register()
    const others = [
      await server.register(),
      await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    ]
    const first = await server.tokens(client)
    const current = await rotate(server, client, first, 2)
    await server.advance("1 hour")
    for (const other of others) {
      for (const { refresh_token } of [first, current]) {
        expect(await outcome(server.refresh(other, refresh_token))).toBe("400 invalid_grant")
      }
    }
    await expectAlive(server, client, await rotate(server, client, current, 1))
  })
})

// REFRESH-11
test("a text that is not a refresh token is an invalid_grant", async (server) => {
  const client = await server.register()
  const tokens = await server.tokens(client)
  const { code } = await server.code(client)
  const refreshToken = tokens.refresh_token
  const others: Readonly<Record<string, string>> = {
    "an access token": tokens.access_token,
    "a code": code,
    "one character": "x",
    "the prefix alone": "lk_rt_",
    "another prefix": refreshToken.replace("lk_rt_", "lk_at_"),
    "a leading zero": refreshToken.replace(".1.", ".01."),
    "no number": refreshToken.replace(".1.", ".."),
    "a negative number": refreshToken.replace(".1.", ".-1."),
    "a number beyond counting": refreshToken.replace(".1.", ".9999999999999999."),
    "an upper-case grant": refreshToken.replace(/_(\w{26})\./, (grant) => grant.toUpperCase()),
    padding: `${refreshToken}=`,
    "white space": `${refreshToken} `,
    "a JWT": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
    "a prototype's key": "__proto__",
    "60 KiB": "A".repeat(60_000)
  }
  for (const [name, other] of Object.entries(others)) {
    expect(await outcome(server.refresh(client, other)), name).toBe("400 invalid_grant")
  }
  for (const missing of ["", "\0"]) expect(await outcome(server.refresh(client, missing))).toBe("400 invalid_request")
  await expectAlive(server, client, tokens)
})

describe("a database that lost writes", () => {
  let losing = false
  test(
    "a refresh token that is newer than its row revokes the grant, because writes were lost",
    async (server) => {
      const client = await server.register()
      const first = await server.tokens(client)
      losing = true
      const second = await rotate(server, client, first, 1)
      losing = false
      expect(await outcome(server.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
      expect(await server.grant(first.refresh_token)).toMatchObject({ _tag: "Revoked", reason: "LostWrites" })
      await expectDead(server, client, first)
    },
    {
      storage: Storage.changed(
        Storage.verbs(GrantStore, ({ find, rotate }) => ({
          rotate: (rotation) =>
            losing
              ? Effect.map(find(rotation.grantId), (grant) =>
                  Grant.RotationAnswer.Rotated({ grant: Option.getOrThrow(grant) as Grant.Refreshable })
                )
              : rotate(rotation)
        }))
      )
    }
  )
})
