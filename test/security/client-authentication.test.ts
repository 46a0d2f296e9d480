/** CAUTH: client authentication, at every endpoint that needs it. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { expect } from "vitest"
import { ClientId, type Client as Stored } from "../../src/domain/Client.js"
import { Digest } from "../../src/domain/Digest.js"
import { Clients } from "../../src/services/clients/Clients.js"
import { digestOf, digestsEqual } from "../../src/services/keys/Crypto.js"
import { ClientStore } from "../../src/services/stores/ClientStore.js"
import { basic, type Client, outcome, type Parameters, tokensOf } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { steady } from "../support/Headers.js"
import { family } from "./support/Catalogue.js"
import { endpoints, good, invalidClient, withSecret } from "./support/ClientRequests.js"
import * as CryptoCalls from "./support/CryptoCalls.js"
import { withHeader } from "./support/MutatingProxy.js"
import { basicOf, outcomeOf } from "./support/Outcome.js"
import type { Target } from "./support/Target.js"

const { check, control, otherwise } = family({ isStopped: true })

const secretOf = (client: Client) => String(client.client_secret)

/** A raw form post with these headers. */
const post = (target: Target, path: string, body: Parameters, headers: Readonly<Record<string, string>> = {}) =>
  target.http({
    method: "POST",
    path,
    headers,
    body: Object.fromEntries(Object.entries(body).map(([n, v]) => [n, String(v)]))
  })

/** The client as if it had registered as a public one. */
const asPublic = (client: Stored): Stored => ({
  ...client,
  metadata: { ...client.metadata, token_endpoint_auth_method: "none" }
})

/** Requests that a weakened proxy has forwarded. */
let count = 0

check("CAUTH-01", "client_secret_post is accepted from a client that registered it", async (target) => {
  const client = await withSecret(target, "client_secret_post")
  for (const path of endpoints) expect(await outcome(target.ask(path, client, good(path))), path).toBe("200")
})

check("CAUTH-02", "Basic credentials are decoded once, and malformed ones are refused", async (target) => {
  const client = await withSecret(target)
  const [id, secret] = [client.client_id, secretOf(client)]
  // The server's ids and secrets need no encoding, but a client may encode every character.
  const encoded = (text: string) => [...text].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("")
  const twice = encodeURIComponent(encoded(secret))
  const attempts: ReadonlyArray<readonly [headers: Readonly<Record<string, string>>, expected: string]> = [
    [basicOf(`${id}:${secret}`), "200"],
    [basicOf(`${encoded(id)}:${encoded(secret)}`), "200"],
    [basicOf(`${id}:${secret}`, "bAsIc"), "200"],
    [basicOf(`${id}:${twice}`), invalidClient],
    [basicOf(`${id}:${secret}%`), invalidClient],
    [basicOf(`${id}:${secret}%00`), invalidClient],
    [basicOf(`${id}:${secret} `), invalidClient],
    [basicOf(`${id}:${secret}é`), invalidClient],
    [basicOf(`${id}${secret}`), invalidClient],
    [basicOf(`:${secret}`), invalidClient],
    [basicOf(""), invalidClient],
    [{ Authorization: "Basic" }, invalidClient],
    [{ Authorization: "Basic !!!!" }, invalidClient],
    [{ Authorization: "Basic =" }, invalidClient],
    [{ Authorization: `Bearer ${secret}` }, invalidClient],
    [basicOf(`${id}:${"x".repeat(10_000)}`), invalidClient],
    [basicOf(`${id}:${"x".repeat(64 * 1024)}`), "431 invalid_request"]
  ]
  for (const path of endpoints) {
    for (const [headers, expected] of attempts) {
      const answer = await post(target, path, good(path), headers)
      expect(outcomeOf(answer), `${path} ${headers.Authorization?.slice(0, 80)}`).toBe(expected)
    }
  }
})

check("CAUTH-03", "a failure is 401 invalid_client with a challenge, and is not cached", async (target) => {
  const client = await withSecret(target)
  for (const path of endpoints) {
    const answer = await post(target, path, good(path), basicOf(`${client.client_id}:wrong`))
    expect(outcomeOf(answer)).toBe(invalidClient)
    expect(answer.header("www-authenticate")).toBe(`Basic realm="${target.issuer}"`)
    expect(answer.header("cache-control")).toBe("no-store")
  }
})

check("CAUTH-04", "an unknown client and a wrong secret get the same response, after the same work", async (target) => {
  const client = await withSecret(target)
  const attempt = async (id: string) => {
    const { headers, body, status } = await post(target, "/token", good("/token"), basicOf(`${id}:wrong`))
    return { status, body, headers: steady(headers) }
  }
  const unknown = client.client_id.replace(/.$/, (last) => (last === "0" ? "1" : "0"))
  expect(await attempt(unknown)).toEqual(await attempt(client.client_id))
  const work = await CryptoCalls.during(() => attempt(client.client_id))
  expect(work).toMatchObject({ hash: 1, timingSafeEqual: 1 })
  expect(await CryptoCalls.during(() => attempt(unknown))).toEqual(work)
})

check("CAUTH-05", "two authentication methods at once are refused, and nothing changes", async (target) => {
  const client = await withSecret(target)
  const post = await withSecret(target, "client_secret_post")
  const header = basic(client.client_id, secretOf(client))
  for (const path of endpoints) {
    const bodies: ReadonlyArray<Parameters> = [
      { client_id: client.client_id, client_secret: secretOf(client) },
      { client_secret: secretOf(client) },
      { client_id: post.client_id },
      { client_id: post.client_id, client_secret: secretOf(post) }
    ]
    for (const body of bodies) {
      expect(await outcome(target.post(path, { ...good(path), ...body }, header))).toBe("400 invalid_request")
    }
  }
  const { access_token: token } = await tokensOf(target.token(client, good("/token")))
  const both = target.post("/revoke", { token, client_secret: secretOf(client) }, header)
  expect(await outcome(both)).toBe("400 invalid_request")
  expect(await (await target.ask("/introspect", client, { token })).json()).toMatchObject({ active: true })
})

check("CAUTH-06", "credentials in the URL are refused, and not logged", async (target) => {
  const client = await withSecret(target, "client_secret_post")
  for (const path of endpoints) {
    const query = new URLSearchParams({ client_id: client.client_id, client_secret: secretOf(client) })
    const answer = await post(target, `${path}?${query}`, good(path))
    expect(outcomeOf(answer)).toBe("400 invalid_request")
  }
  for (const [place, text] of Object.entries(target.observed.places())) {
    expect(String(text).includes(secretOf(client)), place).toBe(false)
  }
})

otherwise(
  "CAUTH-07",
  "ADR 30: a secret in the header and in the body are equivalent",
  "a confidential client needs its secret, in the header or in the body, and a public client has none",
  async (target) => {
    const [inHeader, inBody] = [await withSecret(target), await withSecret(target, "client_secret_post")]
    const open = await target.register()
    const methods = ["client_secret_post", "client_secret_basic"]
    for (const path of endpoints) {
      for (const token_endpoint_auth_method of methods) {
        for (const client of [inHeader, inBody]) {
          const sender = { ...client, token_endpoint_auth_method }
          expect(await outcome(target.ask(path, sender, good(path)))).toBe("200")
          const wrong = { ...sender, client_secret: "guess" }
          expect(await outcome(target.ask(path, wrong, good(path)))).toBe(invalidClient)
        }
        const guess = { ...open, client_secret: "guess", token_endpoint_auth_method }
        expect(await outcome(target.ask(path, guess, good(path)))).toBe(invalidClient)
      }
      for (const client of [inHeader, inBody]) {
        const silent = { ...client, token_endpoint_auth_method: "none" }
        expect(await outcome(target.ask(path, silent, good(path)))).toBe(invalidClient)
        const empty = await post(target, path, good(path), basicOf(`${client.client_id}:`))
        expect(outcomeOf(empty)).toBe(invalidClient)
      }
    }
  }
)

check(
  "CAUTH-08",
  "guesses of a secret are limited by address, and the client is not locked out elsewhere",
  async (shared) => {
    const target = await shared.another({ settings: { rateLimits: { token: { quota: 20, window: "1 hour" } } } })
    const client = await withSecret(target)
    const attempt = (secret: string, from: string) => {
      const headers = basicOf(`${client.client_id}:${secret}`)
      return target.http({ method: "POST", path: "/token", headers, body: good("/token") }, { from, patience: 20_000 })
    }
    const guesses = await Promise.all(Array.from({ length: 50 }, (_, index) => attempt(`guess${index}`, "127.0.0.7")))
    const outcomes = guesses.map(outcomeOf)
    expect(outcomes.filter((each) => each === invalidClient)).toHaveLength(20)
    const refused = guesses.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(30)
    for (const answer of refused) expect(Number(answer.header("retry-after"))).toBeGreaterThan(0)
    expect(outcomeOf(await attempt(secretOf(client), "127.0.0.7"))).toBe("429 temporarily_unavailable")
    expect(outcomeOf(await attempt(secretOf(client), "127.9.9.9"))).toBe("200")
  }
)

check("CAUTH-09", "a secret is compared in constant time, wherever it differs", async () => {
  const right = digestOf("lk_cs_the-right-one")
  const near = Digest.make(`${right.slice(0, -1)}${right.endsWith("A") ? "B" : "A"}`)
  const far = Digest.make(`${right.startsWith("A") ? "B" : "A"}${right.slice(1)}`)
  for (const [other, isEqual] of [
    [right, true],
    [near, false],
    [far, false]
  ] as const) {
    const calls = await CryptoCalls.during(() => expect(digestsEqual(right, other)).toBe(isEqual))
    expect(calls).toEqual({ hash: 0, createHmac: 0, timingSafeEqual: 1 })
  }
})

otherwise(
  "CAUTH-10",
  "ADR 33: a rotated secret replaces the old one at once, and there is no overlap",
  "a secret is valid until its expiry, and rotation ends the old one at once",
  async (target) => {
    const client = await withSecret(target)
    const id = ClientId.make(client.client_id)
    const old = secretOf(client)
    const rotated = await target.run(Effect.flatMap(Clients, ({ rotateSecret }) => rotateSecret(id)))
    const renewed = { ...client, client_secret: Redacted.value(Option.getOrThrow(rotated)) }
    expect(await outcome(target.token(client, good("/token")))).toBe(invalidClient)
    expect(await outcome(target.token(renewed, good("/token")))).toBe("200")
    expect(renewed.client_secret).not.toBe(old)

    await target.run(
      Effect.gen(function* () {
        const clients = yield* ClientStore
        const { secret } = Option.getOrThrow(yield* clients.find(id))
        const expiresAt = Option.some(DateTime.add(yield* DateTime.now, { minutes: 1 }))
        yield* clients.setSecret(id, { digest: Option.getOrThrow(secret).digest, expiresAt })
      })
    )
    await target.advance(59_999)
    expect(await outcome(target.token(renewed, good("/token")))).toBe("200")
    await target.advance(1)
    expect(await outcome(target.token(renewed, good("/token")))).toBe(invalidClient)
  }
)

check("CAUTH-21", "the id of a confidential client alone authenticates it at no endpoint", async (target) => {
  for (const method of ["client_secret_basic", "client_secret_post"]) {
    const client = await withSecret(target, method)
    for (const path of endpoints) {
      for (const body of [{ client_id: client.client_id }, { client_id: client.client_id, client_secret: "" }, {}]) {
        expect(outcomeOf(await post(target, path, { ...good(path), ...body }))).toBe(invalidClient)
      }
    }
  }
})

control("CAUTH-21", "where the server trusts that something in front of it has checked the secret", {
  storage: Storage.changed(
    Storage.verbs(ClientStore, ({ find }) => ({ find: (id) => Effect.map(find(id), Option.map(asPublic)) }))
  )
})
control("CAUTH-08", "where the limit counts every request from an address of its own", {
  settings: { trustedProxies: ["127.0.0.0/8"] },
  mutation: {
    request: (sent) => {
      count += 1
      return { ...sent, headers: withHeader(sent.headers, "X-Forwarded-For", `10.0.${count >> 8}.${count & 255}`) }
    }
  }
})
