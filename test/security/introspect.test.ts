/** INTRO: the introspection endpoint. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { expect } from "vitest"
import { ResourceIndicator, ResourceServerId } from "../../src/domain/Resource.js"
import * as MemoryStorage from "../../src/layers/MemoryStorage.js"
import { digest } from "../../src/services/keys/Crypto.js"
import { ResourceStore } from "../../src/services/stores/ResourceStore.js"
import { basic, type Client, outcome, tokensOf } from "../flow/support/Server.js"
import { sameEachTime } from "../support/Headers.js"
import { family } from "./support/Catalogue.js"
import { jwt } from "./support/Jwt.js"
import { basicOf, outcomeOf } from "./support/Outcome.js"
import type { Target } from "./support/Target.js"

const { check, control } = family({ isStopped: true })

const confidential = { token_endpoint_auth_method: "client_secret_basic" }
const inactive = { active: false }
const archiveScopes = { "archive:read": "Read the archive" }
const archiveServer = { id: "archive-server", secret: "a secret of the archive" }

const ready = async (target: Target, metadata: object = confidential) => {
  const client = await target.register({ ...metadata })
  return { client, tokens: await target.tokens(client) }
}

const told = async (target: Target, client: Client, token: string) =>
  (await target.ask("/introspect", client, { token })).json()

/** A resource that the operator registered, whose server may introspect. */
const addArchive = async (target: Target) => {
  const uri = ResourceIndicator.make(`${target.origin}/archive`)
  const credentials = Option.some({
    id: ResourceServerId.make(archiveServer.id),
    digest: digest(Redacted.make(archiveServer.secret))
  })
  const added = Effect.flatMap(ResourceStore, (store) => store.insert({ uri, scopes: archiveScopes, credentials }))
  await target.run(Effect.ignore(added))
  // The list of resources is read again after a second.
  await target.advance("2 seconds")
  return uri
}

/** The introspection response that the server of the archive gets. */
const toldArchive = async (target: Target, token: string) =>
  (await target.post("/introspect", { token }, basic(archiveServer.id, archiveServer.secret))).json()

check("INTRO-01", "a caller that does not authenticate gets 401 and no information about the token", async (target) => {
  const { client, tokens } = await ready(target)
  const open = await ready(target, {})
  const { access_token: token } = tokens
  const attempts: ReadonlyArray<() => Promise<Response>> = [
    () => target.post("/introspect", { token }),
    () => target.post("/introspect", { token, client_id: client.client_id }),
    () => target.ask("/introspect", { ...client, client_secret: "guess" }, { token }),
    () => target.ask("/introspect", open.client, { token: open.tokens.access_token }),
    () => target.post("/introspect", { token }, { authorization: `Bearer ${token}` })
  ]
  for (const attempt of attempts) {
    const answer = await attempt()
    expect(answer.headers.get("www-authenticate")).toBe(`Basic realm="${target.issuer}"`)
    expect(await outcome(answer)).toBe("401 invalid_client")
  }
})

check("INTRO-02", "the response for an invalid token says only that it is inactive", async (target) => {
  const { client, tokens } = await ready(target)
  const expired = tokens.access_token
  await target.advance("11 minutes")
  const { access_token, refresh_token } = await tokensOf(target.refresh(client, tokens.refresh_token))
  await target.ask("/revoke", client, { token: refresh_token })
  const storage = Layer.fresh(MemoryStorage.layer)
  const elsewhere = await target.another({ storage })
  const foreign = (await ready(elsewhere)).tokens.access_token
  const { code } = await target.code(client)
  const answers: Array<unknown> = []
  for (const token of [expired, access_token, refresh_token, foreign, code, "x", "lk_at_x", "lk_rt_x", "a.b.c", "ä"]) {
    const answer = await target.ask("/introspect", client, { token })
    const headers = sameEachTime(answer)
    answers.push({ status: answer.status, body: await answer.json(), headers })
  }
  expect(answers[0]).toMatchObject({ status: 200, body: inactive })
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

check("INTRO-03", "a caller gets claims only of tokens for its own resource or client", async (target) => {
  await addArchive(target)
  const { client, tokens } = await ready(target)
  const other = await target.register(confidential)
  expect(await toldArchive(target, tokens.access_token)).toEqual(inactive)
  expect(await told(target, other, tokens.access_token)).toEqual(inactive)
  expect(await told(target, client, tokens.access_token)).toMatchObject({ active: true })
})

check(
  "INTRO-04",
  "a resource server gets the claims of the RFC, and only the scope of its resource",
  async (target) => {
    const archive = await addArchive(target)
    const client = await target.register(confidential)
    const { access_token } = await target.tokens(client, {
      scope: "notes:read archive:read",
      resource: [target.resource, archive]
    })
    const answer = await target.http({
      method: "POST",
      path: "/introspect",
      headers: basicOf(`${archiveServer.id}:${archiveServer.secret}`),
      body: { token: access_token }
    })
    expect(answer.header("cache-control")).toBe("no-store")
    const claims = answer.json()
    expect(claims).toEqual({
      active: true,
      iss: target.issuer,
      token_type: "Bearer",
      scope: "archive:read",
      client_id: client.client_id,
      sub: expect.any(String),
      aud: archive,
      iat: expect.any(Number),
      exp: Number(claims.iat) + 600,
      jti: expect.any(String)
    })
  }
)

check("INTRO-05", "a token is active until its expiry, and not at it", async (target) => {
  const { client, tokens } = await ready(target)
  await target.advance(599_999)
  expect(await told(target, client, tokens.access_token)).toMatchObject({ active: true })
  await target.advance(1)
  expect(await told(target, client, tokens.access_token)).toEqual(inactive)
})

check("INTRO-06", "a refresh token is known to its client, and to no resource server", async (target) => {
  const archive = await addArchive(target)
  const client = await target.register(confidential)
  const asked = { scope: "archive:read", resource: archive }
  const { access_token, refresh_token } = await target.tokens(client, asked)
  expect(await toldArchive(target, access_token)).toMatchObject({ active: true })
  expect(await toldArchive(target, refresh_token)).toEqual(inactive)
  expect(await told(target, client, refresh_token)).toMatchObject({ active: true, token_type: "refresh_token" })
  expect(await told(target, await target.register(confidential), refresh_token)).toEqual(inactive)
})

check("INTRO-07", "only POST introspects, and a token in the URL is neither read nor logged", async (target) => {
  const { client, tokens } = await ready(target)
  const headers = basicOf(`${client.client_id}:${client.client_secret}`)
  const path = `/introspect?token=${tokens.access_token}`
  for (const method of ["GET", "HEAD", "PUT", "OPTIONS"]) {
    const answer = await target.http({ method, path, headers })
    expect([answer.status, answer.header("allow")]).toEqual([405, "POST"])
  }
  expect(outcomeOf(await target.http({ method: "POST", path, headers, body: { a: "b" } }))).toBe("400 invalid_request")
  for (const [place, text] of Object.entries(target.observed.places())) {
    expect(String(text).includes(tokens.access_token), place).toBe(false)
  }
})

check("INTRO-08", "scanning for tokens is limited by caller", async (shared) => {
  const rateLimits = Object.fromEntries([["introspectClient", { quota: 20, window: 60_000 }]])
  const target = await shared.another({ settings: { rateLimits } })
  const [client, other] = [await target.register(confidential), await target.register(confidential)]
  const answers: Array<string> = []
  for (let index = 0; index < 30; index++) {
    answers.push(await outcome(target.ask("/introspect", client, { token: `lk_at_${index}` })))
  }
  const refused = Array.from({ length: 10 }, () => "429 temporarily_unavailable")
  expect(answers).toEqual([...Array.from({ length: 20 }, () => "200"), ...refused])
  const answer = await target.ask("/introspect", client, { token: "x" })
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0)
  expect(await outcome(target.ask("/introspect", other, { token: "x" }))).toBe("200")
})

check("INTRO-09", "a token is active only with every bit of its seal, and a JWT never is", async (target) => {
  const { client, tokens } = await ready(target)
  const { access_token: token } = tokens
  const claims = { iss: target.issuer, sub: "ada", aud: target.resource, exp: 4_102_444_800 }
  const jwts = ["", "AAAA"].map((signature) => jwt({ alg: "none", typ: "at+jwt" }, claims, signature))
  const forged = Array.from({ length: 30 }, (_, index) => {
    const at = 6 + index * 4
    return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1)
  })
  for (const each of [...jwts, ...forged]) expect(await told(target, client, each)).toEqual(inactive)
  expect(await told(target, client, token)).toMatchObject({ active: true })
})

control("INTRO-01", "if every caller counts as a confidential client", {
  mutation: {
    answer: (answer, { path }) =>
      path === "/introspect" && answer.status === 401
        ? { ...answer, status: 200, body: JSON.stringify(inactive) }
        : answer
  }
})
control("INTRO-02", "if the response says why a token is not active", {
  mutation: {
    answer: (answer, { body }) =>
      answer.body === '{"active":false}'
        ? { ...answer, body: JSON.stringify({ ...inactive, expired: body.includes("lk_at_") }) }
        : answer
  }
})
