/** REFRESH: the refresh token grant. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { expect } from "vitest"
import { Password } from "../../src/domain/Account.js"
import { ClientId } from "../../src/domain/Client.js"
import type { TemporarilyUnavailable } from "../../src/domain/OAuthError.js"
import { Accounts } from "../../src/services/accounts/Accounts.js"
import { GrantRevocation } from "../../src/services/grants/GrantRevocation.js"
import { EventLog } from "../../src/services/stores/EventLog.js"
import { type Client, outcome, type Tokens, tokensOf } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { header, withHeader } from "./support/MutatingProxy.js"
import { outage } from "./support/Outage.js"
import { filesOf, twoResources } from "./support/Resources.js"
import type { Target } from "./support/Target.js"

const { absent, check, control, otherwise } = family({ isStopped: true, resources: twoResources })

const invalidGrant = "400 invalid_grant"

const ready = async (target: Target, metadata = {}) => {
  const client = await target.register(metadata)
  return { client, tokens: await target.tokens(client) }
}

/** Refreshes after the end of every retry window. */
const next = async (target: Target, client: Client, { refresh_token }: Tokens): Promise<Tokens> => {
  await target.advance("31 seconds")
  return tokensOf(target.refresh(client, refresh_token))
}

const isDead = async (target: Target, client: Client, tokens: Tokens) => {
  expect(await outcome(target.call(tokens.access_token))).toBe("401 invalid_token")
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe(invalidGrant)
}

const lives = async (target: Target, client: Client, tokens: Tokens) =>
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("200")

otherwise(
  "REFRESH-01",
  "ADR 7: the retry window is 30 s, and 0 is strict",
  "a refresh gives a new refresh token, and with a window of 0 the old one ends at once",
  async (target) => {
    const { client, tokens } = await ready(target)
    const first = await tokensOf(target.refresh(client, tokens.refresh_token))
    expect(first.refresh_token).not.toBe(tokens.refresh_token)
    // A retry inside the window gets the current token: there are never two.
    const retried = await tokensOf(target.refresh(client, tokens.refresh_token))
    expect(retried.refresh_token).toBe(first.refresh_token)

    const strict = await target.another({ settings: { lifetimes: { refreshWindow: 0 } } })
    const { client: other, tokens: old } = await ready(strict)
    const successor = await tokensOf(strict.refresh(other, old.refresh_token))
    expect(await outcome(strict.refresh(other, old.refresh_token))).toBe(invalidGrant)
    await isDead(strict, other, successor)
  }
)

check("REFRESH-02", "a replayed refresh token revokes only its grant, and is an event", async (target) => {
  for (const replayed of [0, 1]) {
    const { client, tokens } = await ready(target)
    const bystander = await target.tokens(client)
    const second = await next(target, client, tokens)
    const third = await next(target, client, second)
    await target.advance("31 seconds")
    const { refresh_token } = replayed === 0 ? tokens : second
    expect(await outcome(target.refresh(client, refresh_token))).toBe(invalidGrant)
    for (const each of [tokens, second, third]) await isDead(target, client, each)
    await lives(target, client, bystander)
    const { id: grantId } = (await target.grant(third.refresh_token)).terms
    // Events are written a moment after the response (ADR 11).
    const events = () => target.run(Effect.flatMap(EventLog, (log) => log.read({ grantId, limit: 100 })))
    await expect.poll(async () => JSON.stringify(await events())).toContain("RefreshTokenReplayed")
  }
})

// Two processes on SQLite, and two nodes on PostgreSQL: `test/fault/races.test.ts`.
otherwise(
  "REFRESH-03",
  "ADR 7: concurrent refreshes all get the same active token",
  "2 to 64 concurrent refreshes leave one active refresh token",
  async (target) => {
    for (const count of [2, 8, 64]) {
      const { client, tokens } = await ready(target)
      const requests = Array.from({ length: count }, () => tokensOf(target.refresh(client, tokens.refresh_token)))
      const living = new Set((await Promise.all(requests)).map(({ refresh_token }) => refresh_token))
      expect(living.size).toBe(1)
      await target.advance("31 seconds")
      for (const refresh_token of living) expect(await outcome(target.refresh(client, refresh_token))).toBe("200")
    }
  }
)

check("REFRESH-05", "a confidential client refreshes only with its secret", async (target) => {
  const { client, tokens } = await ready(target, { token_endpoint_auth_method: "client_secret_basic" })
  const other = await target.register({ token_endpoint_auth_method: "client_secret_basic" })
  const attempts: ReadonlyArray<readonly [Client, string]> = [
    [{ ...client, token_endpoint_auth_method: "none" }, "401 invalid_client"],
    [{ ...client, client_secret: "guess" }, "401 invalid_client"],
    [{ ...client, client_secret: "guess", token_endpoint_auth_method: "client_secret_post" }, "401 invalid_client"],
    [other, invalidGrant]
  ]
  for (const [attempt, expected] of attempts) {
    expect(await outcome(target.refresh(attempt, tokens.refresh_token))).toBe(expected)
  }
  const without = target.post("/token", { grant_type: "refresh_token", refresh_token: tokens.refresh_token })
  expect(await outcome(without)).toBe("401 invalid_client")
  await lives(target, client, tokens)
})

check("REFRESH-06", "a refresh token of one public client is unknown to another", async (target) => {
  const { client, tokens } = await ready(target)
  const successor = await next(target, client, tokens)
  const other = await target.register()
  await target.advance("31 seconds")
  // Another client revokes nothing, not even with an old token.
  for (const { refresh_token } of [tokens, successor]) {
    expect(await outcome(target.refresh(other, refresh_token))).toBe(invalidGrant)
  }
  await lives(target, client, successor)
})

check("REFRESH-07", "a refresh never widens the scope, and narrows it for one access token only", async (target) => {
  const client = await target.register()
  let tokens = await target.tokens(client, { scope: "notes:read" })
  for (const scope of ["notes:read notes:write", "notes:write", "NOTES:READ", "unknown", '"']) {
    expect(await outcome(target.refresh(client, tokens.refresh_token, { scope })), scope).toBe("400 invalid_scope")
  }
  await lives(target, client, tokens)

  tokens = await target.tokens(client)
  for (const [asked, given] of [
    ["notes:write", "notes:write"],
    // The order of a scope means nothing (RFC 6749 §3.3).
    ["notes:write notes:read", "notes:read notes:write"],
    [undefined, "notes:read notes:write"]
  ]) {
    tokens = await tokensOf(target.refresh(client, tokens.refresh_token, { scope: asked }))
    expect(tokens.scope).toBe(given)
  }
})

check("REFRESH-08", "a refresh may request only resources of its grant", async (target) => {
  const { client, tokens } = await ready(target)
  for (const resource of [filesOf(target.origin).uri, "https://other.example/", `${target.resource}/x`, "x"]) {
    const answer = target.refresh(client, tokens.refresh_token, { resource })
    expect(await outcome(answer), resource).toBe("400 invalid_target")
  }
  await lives(target, client, tokens)
})

check("REFRESH-09", "a refresh token expires when it is idle, and at the absolute end of its grant", async (shared) => {
  const lifetimes = { refreshTokenIdle: "1 hour", grant: "2 hours" } as const
  const target = await shared.another({ settings: { lifetimes } })
  const { client, tokens } = await ready(target)
  const idle = await target.tokens(client)
  await target.advance(3_599_999)
  const second = await tokensOf(target.refresh(client, tokens.refresh_token))
  await target.advance(1)
  expect(await outcome(target.refresh(client, idle.refresh_token))).toBe(invalidGrant)
  await target.advance(3_599_998)
  const last = await tokensOf(target.refresh(client, second.refresh_token))
  // The access token ends with the grant, in two milliseconds.
  expect(last.expires_in).toBe(0)
  await target.advance(2)
  await isDead(target, client, last)
})

check(
  "REFRESH-10",
  "a refresh token ends with its consent, its account, its client and its password",
  async (shared) => {
    const target = await shared.another({})
    const change = (use: (accounts: Accounts["Type"]) => Effect.Effect<unknown, TemporarilyUnavailable>) =>
      target.run(Effect.flatMap(Accounts, use))
    const { client, tokens } = await ready(target)
    const { subject } = (await target.grant(tokens.refresh_token)).terms
    const clientId = ClientId.make(client.client_id)
    await target.run(Effect.flatMap(GrantRevocation, ({ withdraw }) => withdraw(subject, clientId)))
    await isDead(target, client, tokens)

    const renewed = await target.tokens(client)
    const password = await target.run(Effect.orDie(Schema.decode(Password)("another horse battery")))
    await change(({ setPassword }) => setPassword(subject, password))
    await isDead(target, client, renewed)
    await change(({ disable }) => disable(subject))
    await isDead(target, client, renewed)
  }
)

check("REFRESH-11", "the refresh grant accepts refresh tokens only", async (target) => {
  const { client, tokens } = await ready(target)
  const jwt = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEifQ."
  const { code } = await target.code(client)
  for (const token of [tokens.access_token, code, jwt, "x", "lk_rt_", tokens.refresh_token.slice(6)]) {
    expect(await outcome(target.refresh(client, token)), token).toBe(invalidGrant)
  }
  await lives(target, client, tokens)
})

otherwise(
  "REFRESH-12",
  "ADR 33: a logout ends the session and not the grants",
  "a refresh token outlives the browser's session",
  async (shared) => {
    const target = await shared.another({})
    const { client, tokens } = await ready(target)
    const browser = await target.person()
    await browser.submit(await browser.open(`${target.issuer}/logout`))
    expect((await browser.open(`${target.issuer}/account`)).html).not.toContain("Log out")
    await lives(target, client, tokens)
  }
)

absent("REFRESH-13", "no refresh token is bound to a DPoP key", async (target) => {
  const metadata = (await target.http({ path: "/.well-known/oauth-authorization-server" })).json()
  expect(metadata).not.toHaveProperty("dpop_signing_alg_values_supported")
})

check("REFRESH-14", "a rotation that fails in the store does not change the old refresh token", async (shared) => {
  const { during, storage } = outage({ grants: ["rotate"] })
  const target = await shared.another({ storage })
  const { client, tokens } = await ready(target)
  expect(await outcome(during(() => target.refresh(client, tokens.refresh_token)))).toBe("503 temporarily_unavailable")
  const successor = await next(target, client, tokens)
  await lives(target, client, successor)
})

check("REFRESH-15", "a refresh token is opaque, has 256 random bits, and only one spelling", async (target) => {
  const { client, tokens } = await ready(target)
  const { refresh_token: token } = tokens
  expect(token).toMatch(/^lk_rt_[0-9a-z]{26}\.1\.[A-Za-z0-9_-]{65}$/)
  // The tag covers the grant and the generation.
  const spellings = [
    token.replace(".1.", ".2."),
    token.replace(".1.", ".01."),
    token.replace(".1.", ".1e0."),
    token.replace(".1.", ".99999999999999999999."),
    token.replace("lk_rt_", "lk_rt2_"),
    token.toUpperCase(),
    `${token}=`,
    `${token} `,
    token.slice(0, -1),
    ...Array.from({ length: 22 }, (_, index) => {
      const at = token.length - 1 - index * 4
      return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1)
    })
  ]
  for (const spelling of spellings) {
    expect(await outcome(target.refresh(client, spelling)), spelling).toBe(invalidGrant)
  }
  await lives(target, client, tokens)
})

control("REFRESH-02", "where every superseded token may be retried for ten minutes", {
  settings: { lifetimes: { refreshWindow: "10 minutes" } }
})
let proof: string | undefined
control("REFRESH-05", "where something in front of the server adds the client's secret to every request", {
  mutation: {
    request: (sent) => {
      if (sent.path !== "/token") return sent
      proof ??= header(sent.headers, "authorization")
      return proof === undefined ? sent : { ...sent, headers: withHeader(sent.headers, "Authorization", proof) }
    }
  }
})
