/** REVOKE: the revocation endpoint. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect } from "vitest"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { GrantStore } from "../../src/services/stores/GrantStore.js"
import { type Client, outcome, type Parameters, tokensOf } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { sameEachTime } from "../support/Headers.js"
import { family } from "./support/Catalogue.js"
import { outage } from "./support/Outage.js"
import { outcomeOf } from "./support/Outcome.js"
import type { Target } from "./support/Target.js"

const { check, control } = family({ isStopped: true })

const ready = async (target: Target, metadata = {}) => {
  const client = await target.register(metadata)
  return { client, tokens: await target.tokens(client) }
}

const revoke = (target: Target, client: Client, parameters: Parameters) => target.ask("/revoke", client, parameters)

/** Whether the guarded route accepts an access token. */
const isGood = async (target: Target, token: string) => (await target.call(token)).status === 200

check("REVOKE-01", "every revocation is answered 200 with an empty object, whatever the token is", async (target) => {
  const { client, tokens } = await ready(target)
  const expired = await target.tokens(client)
  await target.advance("11 minutes")
  const used = tokens.refresh_token
  const { access_token, refresh_token } = await tokensOf(target.refresh(client, used))
  const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ."
  const tokensToRevoke = [expired.access_token, access_token, access_token, used, refresh_token, refresh_token]
  const answers: Array<unknown> = []
  for (const token of [...tokensToRevoke, "x", jwt, "lk_at_x", "lk_rt_x", "lk_ac_x", "ä", "a".repeat(60_000)]) {
    for (const hint of [undefined, "access_token", "refresh_token", "other"]) {
      const answer = await revoke(target, client, { token, token_type_hint: hint })
      const headers = sameEachTime(answer)
      answers.push({ status: answer.status, body: await answer.text(), headers })
    }
  }
  expect(answers[0]).toMatchObject({ status: 200, body: "{}" })
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect(await isGood(target, access_token)).toBe(false)
})

check("REVOKE-02", "the client authenticates before the token is read", async (target) => {
  const { client, tokens } = await ready(target, { token_endpoint_auth_method: "client_secret_basic" })
  const attempts: ReadonlyArray<Client> = [
    { ...client, client_secret: "guess" },
    { ...client, token_endpoint_auth_method: "none" },
    { client_id: "nobody", token_endpoint_auth_method: "none" }
  ]
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    for (const attempt of attempts) expect(await outcome(revoke(target, attempt, { token }))).toBe("401 invalid_client")
    expect(await outcome(target.post("/revoke", { token }))).toBe("401 invalid_client")
  }
  expect(await isGood(target, tokens.access_token)).toBe(true)
  expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("200")
})

check(
  "REVOKE-03",
  "the token of another client is not changed, and the response does not reveal it",
  async (target) => {
    const { client, tokens } = await ready(target)
    const other = await target.register({ token_endpoint_auth_method: "client_secret_basic" })
    for (const token of [tokens.access_token, tokens.refresh_token, "lk_rt_x"]) {
      const answer = await revoke(target, other, { token })
      expect([answer.status, await answer.text()]).toEqual([200, "{}"])
    }
    expect(await isGood(target, tokens.access_token)).toBe(true)
    expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("200")
  }
)

check("REVOKE-04", "revoking a refresh token revokes every token of its grant", async (target) => {
  const { client, tokens } = await ready(target)
  const bystander = await target.tokens(client)
  await target.advance("31 seconds")
  const second = await tokensOf(target.refresh(client, tokens.refresh_token))
  // Revoking an access token does not revoke its grant.
  expect(await outcome(revoke(target, client, { token: tokens.access_token }))).toBe("200")
  expect(await isGood(target, tokens.access_token)).toBe(false)
  expect(await isGood(target, second.access_token)).toBe(true)

  // A superseded refresh token revokes its grant too.
  expect(await outcome(revoke(target, client, { token: tokens.refresh_token }))).toBe("200")
  expect(await isGood(target, second.access_token)).toBe(false)
  expect(await outcome(target.refresh(client, second.refresh_token))).toBe("400 invalid_grant")
  expect(await isGood(target, bystander.access_token)).toBe(true)
})

check("REVOKE-05", "a wrong or unknown hint changes nothing, and a repeated one is refused", async (target) => {
  const client = await target.register()
  for (const hint of ["access_token", "refresh_token", "foo", "__proto__"]) {
    const { access_token, refresh_token } = await target.tokens(client)
    for (const token of [access_token, refresh_token]) {
      expect(await outcome(revoke(target, client, { token, token_type_hint: hint }))).toBe("200")
    }
    expect(await isGood(target, access_token)).toBe(false)
    expect(await outcome(target.refresh(client, refresh_token))).toBe("400 invalid_grant")
  }
  const { access_token: token } = await target.tokens(client)
  const twice = { token, token_type_hint: ["access_token", "access_token"] }
  expect(await outcome(revoke(target, client, twice))).toBe("400 invalid_request")
  expect(await outcome(revoke(target, client, { token: [token, token] }))).toBe("400 invalid_request")
  expect(await isGood(target, token)).toBe(true)
})

check("REVOKE-06", "only POST revokes, and there is no JSONP", async (target) => {
  const { client, tokens } = await ready(target)
  const query = new URLSearchParams({ token: tokens.access_token, client_id: client.client_id, callback: "alert" })
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "PROPFIND"]) {
    const answer = await target.http({ method, path: `/revoke?${query}` })
    expect([answer.status, answer.header("allow")]).toEqual([405, "POST, OPTIONS"])
    expect(answer.text).not.toContain("alert")
  }
  const inQuery = await target.http({ method: "POST", path: `/revoke?${query}`, body: { a: "b" } })
  expect(outcomeOf(inQuery)).toBe("400 invalid_request")
  expect(await isGood(target, tokens.access_token)).toBe(true)
  const withCallback = { token: tokens.access_token, callback: "alert" }
  expect(await (await revoke(target, client, withCallback)).text()).toBe("{}")
})

check("REVOKE-07", "a revocation that was not stored is answered 503, and never 200", async (shared) => {
  const { during, storage } = outage({ grants: ["find", "revoke"], revokedTokens: ["insert"] })
  const target = await shared.another({ storage })
  const { client, tokens } = await ready(target)
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    const answer = await during(() => revoke(target, client, { token }))
    expect(answer.headers.get("retry-after")).toBe("1")
    expect(await outcome(answer)).toBe("503 temporarily_unavailable")
  }
  expect(await isGood(target, tokens.access_token)).toBe(true)
})

check("REVOKE-08", "a token that was revoked at one node is refused at once at another", async (shared) => {
  const storage = Layer.succeedContext(await shared.run(Effect.scoped(Layer.build(MemoryStorage.layer))))
  const one = await shared.another({ storage })
  // The second node answers under the issuer of the first.
  const other = await shared.another({ storage, settings: { issuer: one.issuer }, resources: () => [notesAt(one)] })
  const { client, tokens } = await ready(one)
  const atOther = (token: string) => other.http({ path: "/notes", headers: { Authorization: `Bearer ${token}` } })
  expect((await atOther(tokens.access_token)).status).toBe(200)
  expect(await outcome(revoke(one, client, { token: tokens.access_token }))).toBe("200")
  expect((await atOther(tokens.access_token)).status).toBe(401)

  const next = await tokensOf(one.refresh(client, tokens.refresh_token))
  expect((await atOther(next.access_token)).status).toBe(200)
  expect(await outcome(revoke(one, client, { token: next.refresh_token }))).toBe("200")
  expect((await atOther(next.access_token)).status).toBe(401)
})

const notesAt = (target: Target) => ({ uri: target.resource, scopes: { "notes:read": "Read", "notes:write": "Write" } })

check("REVOKE-09", "a revocation that races a refresh leaves no active token", async (target) => {
  const client = await target.register()
  for (let round = 0; round < 20; round++) {
    const { access_token, refresh_token } = await target.tokens(client)
    const [, refreshed] = await Promise.all([
      revoke(target, client, { token: refresh_token }),
      target.refresh(client, refresh_token)
    ])
    const living = [access_token]
    if (refreshed.status === 200) {
      const tokens = await tokensOf(refreshed)
      living.push(tokens.access_token)
      expect(await outcome(target.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    }
    for (const token of living) expect(await isGood(target, token)).toBe(false)
  }
})

control("REVOKE-04", "if the store reports a revocation that it did not make", {
  storage: Storage.changed(Storage.verbs(GrantStore, () => ({ revoke: () => Effect.succeed(true) })))
})
control("REVOKE-07", "if a failure is answered as a success", {
  mutation: { answer: (answer) => (answer.status === 503 ? { status: 200, headers: [], body: "" } : answer) }
})
