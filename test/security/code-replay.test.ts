/** CODE: the replay of an authorization code. */
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import * as Grant from "../../src/domain/Grant.js"
import { GrantStore } from "../../src/services/stores/GrantStore.js"
import { outcome, redirectUri, tokensOf } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { family } from "./support/Catalogue.js"
import { format } from "./support/Raw.js"
import type { Target } from "./support/Target.js"

const { check, control, otherwise } = family({ isStopped: true })

const invalidGrant = "400 invalid_grant"

const ready = async (target: Target, metadata = {}) => {
  const client = await target.register(metadata)
  return { client, held: await target.code(client) }
}

/** No token of the grant is active, because the code was replayed. */
const replayed = async (target: Target, wait: number) => {
  const { client, held } = await ready(target)
  const bystander = await target.tokens(client)
  const first = await tokensOf(target.redeem(client, held))
  const second = await tokensOf(target.refresh(client, first.refresh_token))
  await target.advance(wait)
  expect(await outcome(target.redeem(client, held))).toBe(invalidGrant)
  for (const tokens of [first, second]) {
    expect(await outcome(target.call(tokens.access_token))).toBe("401 invalid_token")
    expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe(invalidGrant)
  }
  expect(await outcome(target.call(bystander.access_token))).toBe("200")
}

otherwise(
  "CODE-09",
  "ADR 7: within the duplicate window of 2 s nothing is revoked",
  "a replayed code revokes its grant and every token of it, also when the code has expired",
  async (target) => {
    for (const wait of [2_000, 30_000, 120_000]) await replayed(target, wait)
    const { client, held } = await ready(target)
    const tokens = await tokensOf(target.redeem(client, held))
    await target.advance(1_999)
    expect(await outcome(target.redeem(client, held))).toBe(invalidGrant)
    expect(await outcome(target.call(tokens.access_token))).toBe("200")
    await replayed(await target.another({ settings: { lifetimes: { codeWindow: 0 } } }), 0)
  }
)

check("CODE-10", "a replay with invalid parameters revokes nothing", async (target) => {
  const { client, held } = await ready(target, { token_endpoint_auth_method: "client_secret_basic" })
  const other = await target.register()
  const tokens = await tokensOf(target.redeem(client, held))
  await target.advance("10 seconds")
  expect(await outcome(target.redeem(client, { ...held, verifier: "x".repeat(43) }))).toBe(invalidGrant)
  expect(await outcome(target.redeem(other, held))).toBe(invalidGrant)
  expect(await outcome(target.redeem({ ...client, client_secret: "guess" }, held))).toBe("401 invalid_client")
  expect(await outcome(target.redeem(client, held, { redirect_uri: "https://other.example/" }))).toBe(invalidGrant)
  expect(await outcome(target.call(tokens.access_token))).toBe("200")
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("200")
})

/** Exactly one of several concurrent redemptions succeeds, and its tokens are active. */
const oneWins = async (targets: ReadonlyArray<Target>, count: number) => {
  const [first] = targets as readonly [Target]
  const { client, held } = await ready(first)
  const at = (index: number) => targets[index % targets.length] ?? first
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => at(index).redeem(client, held)))
  const outcomes = await Promise.all(answers.map((answer) => outcome(answer.clone())))
  expect([...outcomes].sort()).toEqual(["200", ...Array.from({ length: count - 1 }, () => invalidGrant)])
  const tokens = await tokensOf(answers[outcomes.indexOf("200")] ?? Response.error())
  expect(await outcome(first.refresh(client, tokens.refresh_token))).toBe("200")
}

// Two processes on SQLite, and two nodes on PostgreSQL: `test/fault/races.test.ts`.
check("CODE-11", "exactly one of 2 to 64 concurrent redemptions of a code succeeds", async (target) => {
  for (const count of [2, 8, 64]) await oneWins([target], count)
})

otherwise(
  "CODE-18",
  "ADR 7: a duplicate is refused, and revokes nothing",
  "a client that retries after a lost response never gets a second active grant",
  async (target) => {
    const { client, held } = await ready(target)
    const body = {
      grant_type: "authorization_code",
      client_id: client.client_id,
      code: held.code,
      code_verifier: held.verifier,
      redirect_uri: redirectUri
    }
    const request = format(target.port, { method: "POST", path: "/token", body })
    // The response is not read: the connection closes when the request is sent.
    await target.bytes(request, { answers: 0, patience: 200 })
    expect(await outcome(target.redeem(client, held))).toBe(invalidGrant)
    const { _tag } = await target.grant(held.code)
    expect(_tag).toBe("Active")
    await target.advance("2 seconds")
    expect(await outcome(target.redeem(client, held))).toBe(invalidGrant)
    expect(await target.grant(held.code)).toMatchObject({ _tag: "Revoked", reason: "CodeReplayed" })
  }
)

control("CODE-09", "where the duplicate window is a minute", { settings: { lifetimes: { codeWindow: "1 minute" } } })
control("CODE-11", "where a store reads a grant, decides, and says of every redemption that it is the first", {
  storage: Storage.changed(
    Storage.verbs(GrantStore, ({ find, redeem }) => ({
      redeem: (redemption) =>
        Effect.gen(function* () {
          const answer = yield* redeem(redemption)
          const grant = yield* find(redemption.grantId)
          const isActive = answer._tag !== "Redeemed" && grant._tag === "Some" && grant.value._tag === "Active"
          return isActive ? Grant.RedemptionAnswer.Redeemed({ grant: grant.value }) : answer
        })
    }))
  )
})
