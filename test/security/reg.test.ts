/** REG: clients that register themselves. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { expect } from "vitest"
import { Decision } from "../../src/domain/RateLimit.js"
import { InitialAccessTokens } from "../../src/services/clients/InitialAccessTokens.js"
import { RateLimiter } from "../../src/services/RateLimiter.js"
import { redirectUri } from "../flow/support/Server.js"
import { family } from "./support/Catalogue.js"
import { connectionsTo } from "./support/Listener.js"
import { accepted, expectRefused, good, post } from "./support/Register.js"
import type { Target } from "./support/Target.js"

const { check, control, otherwise } = family()

/** A limiter that lets every request through. */
const unlimited = Layer.succeed(
  RateLimiter,
  RateLimiter.of({
    consume: (asked) =>
      Effect.succeed(
        Decision.Allowed({
          quotas: asked.map(({ limit }) => ({ remaining: limit.quota, replenishedAfter: Duration.zero }))
        })
      )
  })
)

check("REG-01", "a registration is a POST of one JSON object without repeated names", async (target) => {
  for (const method of ["GET", "PUT", "DELETE"]) {
    const answer = await target.http({ method, path: "/register" })
    expect([answer.status, answer.header("allow")], method).toEqual([405, "POST, OPTIONS"])
  }
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "text/json"]) {
    const headers = { "Content-Type": type }
    const answer = await target.http({ method: "POST", path: "/register", headers, body: JSON.stringify(good) })
    expect(answer.status, type).toBe(400)
  }
  const text = JSON.stringify(good)
  const notJson = ["", "{", `\ufeff${text}`, text.replace("]", "],"), `${text}x`, `\u2028${text}`, "{'a':1}", "1e400"]
  const twice = [`{"redirect_uris":["${redirectUri}"],"redirect_uris":[]}`, `{"a":{"b":1,"b":2},${text.slice(1)}`]
  const noObject = ["[]", `[${text}]`, '"x"', "1", "null", "true"]
  const deep = `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)},"redirect_uris":1}`
  await expectRefused(target, "invalid_client_metadata", [...notJson, ...twice, ...noObject, "[".repeat(60_000)])
  await expectRefused(target, "invalid_redirect_uri", [deep])
})

check("REG-02", "a registration is answered 201 with everything that is stored, and is not cached", async (target) => {
  const metadata = {
    ...good,
    client_name: "Notes",
    client_uri: "https://client.example/",
    contacts: ["ada@client.example"]
  }
  const answer = await post(target, metadata)
  expect(answer.status).toBe(201)
  expect(answer.header("cache-control")).toBe("no-store")
  expect(answer.json()).toMatchObject({
    ...metadata,
    client_id: expect.stringMatching(/^[\x21-\x7E]{16,}$/),
    client_secret: expect.stringMatching(/^lk_cs_[A-Za-z0-9_-]{43}$/),
    client_secret_expires_at: 0,
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["authorization_code"],
    response_types: ["code"]
  })
})

check("REG-03", "two equal registrations get an id and a secret each", async (target) => {
  const [first, second] = [await accepted(target, good), await accepted(target, good)]
  expect(first?.client_id).not.toBe(second?.client_id)
  expect(first?.client_secret).not.toBe(second?.client_secret)
})

check("REG-04", "the setting decides whether a registration needs an initial access token", async (target) => {
  const answerOf = (server: Target, authorization?: string) =>
    server.http({
      method: "POST",
      path: "/register",
      headers: {
        "Content-Type": "application/json",
        ...(authorization === undefined ? {} : { Authorization: authorization })
      },
      body: JSON.stringify(good)
    })
  expect((await answerOf(target, "Bearer of-another-server")).status).toBe(201)
  expect((await answerOf(target, "Bearer lk_ia_wrong")).status).toBe(401)
  expect((await target.discover()).registration_endpoint).toBe(`${target.issuer}/register`)

  const guarded = await target.another({ settings: { registration: "Token" } })
  expect((await guarded.discover()).registration_endpoint).toBe(`${guarded.issuer}/register`)
  for (const [authorization, challenge] of [
    [undefined, /^Bearer realm="[^"]+"$/],
    ["Basic YTpi", /^Bearer realm="[^"]+"$/],
    ["Bearer wrong", /^Bearer realm="[^"]+", error="invalid_token"/],
    ["Bearer lk_ia_wrong", /^Bearer realm="[^"]+", error="invalid_token"/]
  ] as const) {
    const answer = await answerOf(guarded, authorization)
    expect(answer.status).toBe(401)
    expect(answer.header("www-authenticate")).toMatch(challenge)
  }
  const { secret } = await guarded.run(Effect.flatMap(InitialAccessTokens, ({ create }) => create({ maxUses: 1 })))
  expect((await answerOf(guarded, `Bearer ${Redacted.value(secret)}`)).status).toBe(201)
  expect((await answerOf(guarded, `Bearer ${Redacted.value(secret)}`)).status).toBe(401)

  const closed = await target.another({ settings: { registration: "Off" } })
  expect((await answerOf(closed)).status).toBe(403)
  expect((await closed.discover()).registration_endpoint).toBeUndefined()
})

otherwise(
  "REG-05",
  "ADR 33: a body has 64 KiB at most",
  "a registration that is too large or has too many entries is refused",
  async (target) => {
    for (const length of [64 * 1024, 1024 * 1024]) {
      expect((await post(target, { ...good, unknown: "x".repeat(length) })).status).toBe(413)
    }
    const uris = (count: number) => Array.from({ length: count }, (_, index) => `${redirectUri}/${index}`)
    expect((await post(target, { redirect_uris: uris(10) })).status).toBe(201)
    await expectRefused(target, "invalid_redirect_uri", [
      { redirect_uris: uris(11) },
      { redirect_uris: uris(1000) },
      { redirect_uris: [`https://client.example/${"x".repeat(2_048)}`] }
    ])
    // Members that only describe the client are dropped, or shortened (ADR 30).
    const contacts = Array.from({ length: 200 }, (_, index) => `ada${index}@client.example`)
    const client = await accepted(target, { ...good, client_name: "x".repeat(10_240), contacts })
    expect(client).not.toHaveProperty("client_name")
    expect(client.contacts).toEqual(contacts.slice(0, 10))
  }
)

check(
  "REG-06",
  "a flood of registrations is refused by address, and leaves a bounded number of clients",
  async (target) => {
    const limited = await target.another({ settings: { rateLimits: { register: { quota: 3, window: "1 hour" } } } })
    const statuses: Array<number> = []
    for (let tries = 0; tries < 5; tries++) statuses.push((await post(limited, good)).status)
    expect(statuses).toEqual([201, 201, 201, 429, 429])
    const refused = await post(limited, good)
    expect(Number(refused.header("retry-after"))).toBeGreaterThan(0)
    expect((await post(limited, good, { from: "127.0.0.9" })).status).toBe(201)

    const small = await target.another({ settings: { maxUnusedClients: 5 } })
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(small, good)))
    const ids = answers.filter(({ status }) => status === 201).map((answer) => String(answer.json().client_id))
    const known = await Promise.all(
      ids.map(async (client_id) => {
        const { url } = await small.request({ client_id })
        return (await small.http({ path: url.pathname + url.search })).status === 200
      })
    )
    expect(known.filter(Boolean)).toHaveLength(5)
  }
)

check("REG-11", "metadata that contradict each other, or name an unsupported value, are refused", async (target) => {
  await expectRefused(target, "invalid_client_metadata", [
    { ...good, grant_types: ["authorization_code"], response_types: [] },
    { ...good, grant_types: ["refresh_token"], response_types: ["code"] },
    { ...good, grant_types: ["implicit"] },
    { ...good, response_types: ["token"] },
    { ...good, grant_types: ["implicit", "password"] },
    { ...good, token_endpoint_auth_method: "client_secret_jwt" },
    { ...good, token_endpoint_auth_method: "NONE" },
    { ...good, jwks: { keys: [] }, jwks_uri: "https://client.example/jwks" }
  ])
})

check("REG-12", "members that are unknown, or that a client may not choose, are not stored", async (target) => {
  const chosen = { client_id: "chosen", client_secret: "chosen", scope: "admin" }
  const unknown = { foo: 1, is_admin: true, trusted: true, skip_consent: true, origin: "Operator", state: "Disabled" }
  const client = await accepted(target, { ...good, ...chosen, ...unknown })
  for (const [name, value] of Object.entries(chosen)) expect(client[name], name).not.toBe(value)
  for (const name of Object.keys(unknown)) expect(client).not.toHaveProperty(name)
  expect(client.scope).toBe("notes:read notes:write")
  const { page } = await target.toConsent({ client_id: String(client.client_id) })
  expect(page.html).toMatch(/unverified/i)
})

check("REG-13", "members that name a prototype change nothing", async (target) => {
  const inner = '{"polluted":"yes","token_endpoint_auth_method":"none"}'
  for (const member of [
    `"__proto__":${inner}`,
    `"constructor":{"prototype":${inner}}`,
    `"unknown":{"__proto__":${inner}}`,
    `"contacts":["a"],"__proto__":{"client_name":"evil"}`
  ]) {
    const client = await accepted(target, `{${member},"redirect_uris":["${redirectUri}"]}`)
    expect(client.token_endpoint_auth_method).toBe("client_secret_basic")
    expect(client).not.toHaveProperty("client_name")
    expect(({} as Readonly<Record<string, unknown>>).polluted).toBeUndefined()
  }
  for (const name of ["__proto__[x]", "a[__proto__][x]", "constructor[prototype][x]"]) {
    const answer = await target.http({ method: "POST", path: "/token", body: { grant_type: "password", [name]: "1" } })
    expect(answer.status, name).toBeLessThan(500)
    expect(({} as Readonly<Record<string, unknown>>).x).toBeUndefined()
  }
})

otherwise(
  "REG-14",
  "ADR 30: a member that only describes the client is dropped if it cannot be used",
  "web pages of a client are dropped unless they are https, are not fetched, and are not shown for another host",
  async (target) => {
    const names = ["client_uri", "logo_uri", "tos_uri", "policy_uri"]
    for (const name of names) {
      for (const uri of ["javascript:alert(1)", "http://client.example/", "data:,x", "/x", "//x"]) {
        expect(await accepted(target, { ...good, [name]: uri }), uri).not.toHaveProperty(name)
      }
    }
    const connections = await connectionsTo(async (port) => {
      const page = `https://127.0.0.1:${port}/page`
      const client = await target.register(Object.fromEntries(names.map((name) => [name, page])))
      expect((await target.toConsent(client)).page.html).not.toContain("/page")
    })
    expect(connections).toBe(0)
  }
)

check("REG-15", "a software statement is ignored, whatever it claims", async (target) => {
  const claims = (header: object, claim: object) =>
    `${[header, claim].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.`
  const none = claims({ alg: "none" }, { iss: "evil", client_name: "Evil", redirect_uris: ["https://evil.example/cb"] })
  for (const software_statement of [none, "x", "a.b.c"]) {
    const client = await accepted(target, { ...good, client_name: "Notes", software_statement })
    expect(client).toMatchObject({ client_name: "Notes", redirect_uris: [redirectUri] })
    expect(client).not.toHaveProperty("software_statement")
  }
})

check(
  "REG-16",
  "a client that takes the name of a trusted one is unverified, and inherits no consent",
  async (target) => {
    const known = { client_name: "Trusted Notes", software_id: "trusted", redirect_uris: [redirectUri] }
    const trusted = await target.addClient({ ...known, grant_types: ["authorization_code"] })
    const { browser, page } = await target.toConsent(trusted)
    expect(page.html).not.toMatch(/unverified/i)
    expect((await browser.submit(page, { button: "allow" })).sentTo?.searchParams.get("code")).toMatch(/^lk_ac_/)

    const copy = await target.register(known)
    const asked = await browser.open((await target.request(copy)).url)
    expect(asked.sentTo).toBeUndefined()
    expect(asked.html).toMatch(/unverified/i)
  }
)

check("REG-17", "an application type is stored, and a missing or unknown type is accepted", async (target) => {
  const loopback = { redirect_uris: ["http://127.0.0.1:3000/cb"] }
  for (const application_type of ["native", "web"]) {
    expect((await accepted(target, { ...loopback, application_type })).application_type).toBe(application_type)
  }
  expect(await accepted(target, loopback)).not.toHaveProperty("application_type")
  expect(await accepted(target, { ...loopback, application_type: "service" })).not.toHaveProperty("application_type")
})

otherwise(
  "REG-18",
  "docs/conformance.md on RFC 7591 §2.2: tagged members are ignored",
  "names with a language tag are neither stored nor shown",
  async (target) => {
    const tags = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`client_name#x-${index}`, "Evil"]))
    const names = { "client_name#ja": "Evil", "client_name#<script>": "Evil", ...tags }
    const client = await accepted(target, { ...good, client_name: "Notes", ...names })
    expect(Object.keys(client).filter((name) => name.includes("#"))).toEqual([])
    const { page } = await target.toConsent({ client_id: String(client.client_id) })
    expect(page.html).toContain("Notes")
    expect(page.html).not.toContain("Evil")
  }
)

control("REG-06", "against a server without a limit by address", {
  seams: unlimited
})

control("REG-12", "against a server that stores and echoes every member", {
  mutation: {
    answer: (answer, { body }) =>
      answer.status === 201
        ? { ...answer, body: JSON.stringify({ ...JSON.parse(answer.body), ...JSON.parse(body) }) }
        : answer
  }
})
