/** Client authentication by a signed assertion, `private_key_jwt` (RFC 7523 §2.2, OpenID Connect Core §9). */
import { createHmac, createPublicKey, randomUUID } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { SpentAssertionStore } from "../../../src/services/stores/SpentAssertionStore.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import {
  algorithms,
  assertionType,
  type ClientKey,
  claimsOf,
  makeKey,
  parametersOf,
  signed
} from "../../support/Assertions.js"
import { basic, issuer, make, outcome, redirectUri, type TestServer, test } from "../support/Server.js"

const key = makeKey("ES256", { kid: "one" })

/** A client of the operator that signs, and its requests. */
const signer = async (server: TestServer, keys: ReadonlyArray<ClientKey> = [key], metadata: object = {}) => {
  const client = await server.addClient({
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: keys.map(({ jwk }) => jwk) },
    ...metadata
  })
  expect(client.client_secret).toBeUndefined()
  const now = () => server.run(Clock.currentTimeMillis)
  const claims = async (changes: object = {}) => claimsOf(client.client_id, issuer, await now(), changes)
  const send = (assertion: string, parameters: Readonly<Record<string, string>> = {}, headers = {}) =>
    server.post("/token", { grant_type: "client_credentials", ...parametersOf(assertion), ...parameters }, headers)
  return {
    client,
    claims,
    send,
    now,
    /** Signs with the first key and sends. */
    attempt: async (changes: object = {}, header: object = { kid: "one" }) =>
      outcome(send(signed(keys[0] ?? key, header, await claims(changes))))
  }
}

const refused = "401 invalid_client"

describe("private_key_jwt", () => {
  test("a client authenticates with each algorithm of the metadata", async (server) => {
    const { token_endpoint_auth_methods_supported, token_endpoint_auth_signing_alg_values_supported, ...metadata } =
      (await (await server.send("/.well-known/oauth-authorization-server")).json()) as Record<string, unknown>
    expect(token_endpoint_auth_methods_supported).toContain("private_key_jwt")
    expect(token_endpoint_auth_signing_alg_values_supported).toEqual(algorithms)
    expect(metadata.introspection_endpoint_auth_methods_supported).toContain("private_key_jwt")
    expect(metadata.introspection_endpoint_auth_signing_alg_values_supported).toEqual(algorithms)
    expect(metadata.revocation_endpoint_auth_signing_alg_values_supported).toEqual(algorithms)
    for (const alg of algorithms) {
      const { attempt } = await signer(server, [makeKey(alg)])
      expect(await attempt({}, {}), alg).toBe("200")
    }
  })

  test("the assertion works at every endpoint and for every grant type", async (server) => {
    const { claims, client } = await signer(server, [key], {
      grant_types: ["authorization_code", "refresh_token", "client_credentials"],
      redirect_uris: [redirectUri]
    })
    const asserted = async () => parametersOf(signed(key, { kid: "one" }, await claims()))
    const { code, verifier } = await server.code(client)
    const redemption = { grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri }
    // A refused assertion spends no code.
    const wrong = parametersOf(signed(key, {}, await claims({ aud: "https://other.example" })))
    expect(await outcome(server.post("/token", { ...redemption, ...wrong }))).toBe(refused)
    const redeemed = await server.post("/token", { ...redemption, ...(await asserted()) })
    const { access_token = "", refresh_token = "" } = (await redeemed.json()) as Record<string, string>
    expect(redeemed.status).toBe(200)
    const refresh = { grant_type: "refresh_token", refresh_token, ...(await asserted()) }
    expect(await outcome(server.post("/token", refresh))).toBe("200")
    const introspected = await server.post("/introspect", { token: access_token, ...(await asserted()) })
    expect(await introspected.json()).toMatchObject({ active: true, client_id: client.client_id })
    expect(await outcome(server.post("/revoke", { token: access_token, ...(await asserted()) }))).toBe("200")
  })

  test("the parameter client_id is optional, and must name the same client", async (server) => {
    const { claims, client, send } = await signer(server)
    const other = await server.addClient()
    const assertion = async () => signed(key, {}, await claims())
    expect(await outcome(send(await assertion(), { client_id: client.client_id }))).toBe("200")
    expect(await outcome(send(await assertion(), { client_id: other.client_id }))).toBe(refused)
  })

  test("an assertion with a second method of authentication is refused (RFC 6749 §2.3)", async (server) => {
    const { claims, client, send } = await signer(server)
    const other = await server.addClient()
    const secret = String(other.client_secret)
    const assertion = async () => signed(key, {}, await claims())
    const body = { client_id: client.client_id, client_secret: secret }
    expect(await outcome(send(await assertion(), body))).toBe("400 invalid_request")
    expect(await outcome(send(await assertion(), {}, basic(other.client_id, secret)))).toBe("400 invalid_request")
    expect(await outcome(send(await assertion(), {}, { authorization: "Bearer x" }))).toBe(refused)
  })

  test("an assertion is for this issuer alone", async (server) => {
    const { attempt } = await signer(server)
    expect(await attempt({ aud: [issuer] })).toBe("200")
    for (const aud of [
      `${issuer}/token`,
      `${issuer}/`,
      [issuer, "https://other.example"],
      [issuer, issuer],
      [],
      [[issuer]],
      undefined,
      null,
      "https://other.example"
    ]) {
      expect(await attempt({ aud }), JSON.stringify(aud)).toBe(refused)
    }
  })

  test("issuer and subject of an assertion are the client", async (server) => {
    const { attempt } = await signer(server)
    const other = await server.addClient()
    for (const change of [
      { iss: undefined },
      { sub: undefined },
      { iss: other.client_id },
      { sub: other.client_id },
      { iss: other.client_id, sub: other.client_id },
      { iss: "nobody", sub: "nobody" },
      { iss: 1, sub: 1 }
    ]) {
      expect(await attempt(change), JSON.stringify(change)).toBe(refused)
    }
  })

  test("an assertion is valid for at most ten minutes, with half a minute for clocks that differ", async (server) => {
    const { attempt, now } = await signer(server)
    const seconds = Math.floor((await now()) / 1000)
    for (const [claims, expected] of [
      [{ exp: seconds - 29 }, "200"],
      [{ exp: seconds - 30 }, refused],
      [{ exp: seconds + 600 }, "200"],
      [{ exp: seconds + 630 }, "200"],
      [{ exp: seconds + 631 }, refused],
      [{ exp: undefined }, refused],
      [{ exp: String(seconds + 60) }, refused],
      [{ exp: null }, refused],
      [{ iat: seconds + 30 }, "200"],
      [{ iat: seconds + 31 }, refused],
      [{ iat: undefined }, "200"],
      [{ iat: "now" }, refused],
      [{ nbf: seconds + 30 }, "200"],
      [{ nbf: seconds + 31 }, refused]
    ] as const) {
      expect(await attempt(claims), JSON.stringify(claims)).toBe(expected)
    }
  })

  test("an assertion works once, and needs an id", async (server) => {
    const { attempt, claims, now, send } = await signer(server)
    const seconds = Math.floor((await now()) / 1000)
    const assertion = signed(key, {}, await claims({ exp: seconds + 600 }))
    expect(await outcome(send(assertion))).toBe("200")
    expect(await outcome(send(assertion))).toBe(refused)
    await server.advance("5 minutes")
    expect(await outcome(send(assertion))).toBe(refused)
    const jti = randomUUID()
    expect(await attempt({ jti })).toBe("200")
    expect(await attempt({ jti, iat: seconds + 1 })).toBe(refused)
    for (const jti of [undefined, "", 1, null]) expect(await attempt({ jti })).toBe(refused)
    const other = await signer(server)
    expect(await other.attempt({ jti })).toBe("200")
  })

  test("of 20 requests with one assertion exactly one succeeds", async (server) => {
    const { claims, send } = await signer(server)
    const assertion = signed(key, {}, await claims())
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(send(assertion))))
    expect(outcomes.filter((outcome) => outcome === "200")).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === refused)).toHaveLength(19)
  })

  it.scoped("an assertion that one node has accepted is refused by another", () =>
    Effect.gen(function* () {
      const storage = Layer.succeed(Storage, Context.get(yield* Layer.build(MemoryStorage.layer), Storage))
      const one = yield* make({ storage })
      const other = yield* make({ storage, isSecond: true })
      const { claims, send } = yield* Effect.promise(() => signer(one))
      const assertion = signed(key, {}, yield* Effect.promise(() => claims()))
      expect(yield* Effect.promise(() => outcome(send(assertion)))).toBe("200")
      const again = { grant_type: "client_credentials", ...parametersOf(assertion) }
      expect(yield* Effect.promise(() => outcome(other.post("/token", again)))).toBe(refused)
    })
  )

  it.scoped(
    "while the store of spent assertions fails the server is unavailable, and the same assertion works later",
    () =>
      Effect.gen(function* () {
        let isFailing = true
        const memory = Context.get(yield* Layer.build(Layer.fresh(MemoryStorage.layer)), Storage)
        const failing: Storage["Type"]["stores"] = (own) => {
          const stores = memory.stores(own)
          const store = Context.get(stores, SpentAssertionStore)
          const failure = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
          return Context.add(stores, SpentAssertionStore, {
            ...store,
            spend: (id, expiresAt) => (isFailing ? failure : store.spend(id, expiresAt))
          })
        }
        const server = yield* make({ storage: Layer.succeed(Storage, { ...memory, stores: failing }) })
        const { claims, send } = yield* Effect.promise(() => signer(server))
        const assertion = signed(key, {}, yield* Effect.promise(() => claims()))
        expect(yield* Effect.promise(() => outcome(send(assertion)))).toBe("503 temporarily_unavailable")
        isFailing = false
        expect(yield* Effect.promise(() => outcome(send(assertion)))).toBe("200")
      })
  )

  test("a key makes only the signatures that it is for", async (server) => {
    const rsa = makeKey("RS256", { kid: "rsa", alg: "RS256" })
    const { claims, send } = await signer(server, [rsa, key])
    const attempt = async (assertion: string) => outcome(send(assertion))
    expect(await attempt(signed(rsa, { kid: "rsa" }, await claims()))).toBe("200")
    expect(await attempt(signed({ ...rsa, alg: "PS256" }, { kid: "rsa" }, await claims()))).toBe(refused)
    expect(await attempt(signed(rsa, { kid: "one" }, await claims()))).toBe(refused)
    // The public key as a shared secret.
    const header = Buffer.from(JSON.stringify({ alg: "HS256", kid: "rsa" })).toString("base64url")
    const input = `${header}.${Buffer.from(JSON.stringify(await claims())).toString("base64url")}`
    const pem = createPublicKey(rsa.privateKey).export({ format: "pem", type: "spki" })
    for (const secret of [pem, JSON.stringify(rsa.jwk)]) {
      const mac = createHmac("sha256", secret).update(input).digest("base64url")
      expect(await attempt(`${input}.${mac}`)).toBe(refused)
    }
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url")
    const claimed = Buffer.from(JSON.stringify(await claims())).toString("base64url")
    for (const signature of ["", "AAAA"]) expect(await attempt(`${none}.${claimed}.${signature}`)).toBe(refused)
    // A key of the attacker, named in the header.
    const own = makeKey("ES256", { kid: "one" })
    const places = [{ jwk: own.jwk }, { jku: "http://127.0.0.1:1/jwks" }, { x5u: "http://127.0.0.1:1/x" }, {}]
    for (const place of places) {
      expect(await attempt(signed(own, { kid: "one", ...place }, await claims()))).toBe(refused)
      expect(await attempt(signed(own, place, await claims()))).toBe(refused)
    }
  })

  test("a malformed assertion is refused", async (server) => {
    const { claims, client, send } = await signer(server)
    const good = signed(key, {}, await claims())
    const [header = "", payload = "", signature = ""] = good.split(".")
    for (const bad of [
      "x",
      "..",
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${good}.x.y`,
      signed(key, { crit: ["exp"], exp: 1 }, await claims()),
      signed(key, { b64: false, crit: ["b64"] }, await claims()),
      signed(key, { typ: "at+jwt" }, await claims()),
      signed(key, { kid: 1 }, await claims()),
      signed(key, {}, await claims({ padding: "x".repeat(8192) }))
    ]) {
      expect(await outcome(send(bad)), bad.slice(0, 100)).toBe(refused)
    }
    for (const typ of ["JWT", "jwt", "client-authentication+jwt", "application/client-authentication+jwt"]) {
      expect(await outcome(send(signed(key, { typ }, await claims()))), typ).toBe("200")
    }
    const type = { client_assertion_type: assertionType }
    const grant = { grant_type: "client_credentials", client_id: client.client_id }
    for (const parameters of [
      type,
      { client_assertion: good },
      { client_assertion: good, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" }
    ]) {
      expect(await outcome(server.post("/token", { ...grant, ...parameters }))).toBe(refused)
    }
  })

  test("a client authenticates only by the method that it registered", async (server) => {
    const { claims, client } = await signer(server)
    const grant = { grant_type: "client_credentials" }
    expect(await outcome(server.post("/token", { ...grant, client_id: client.client_id }))).toBe(refused)
    expect(await outcome(server.post("/token", grant, basic(client.client_id, "guess")))).toBe(refused)
    const publicClient = await server.register()
    const assertion = signed(key, {}, await claims({ iss: publicClient.client_id, sub: publicClient.client_id }))
    for (const type of [assertionType, "urn:example:other"]) {
      const parameters = { ...parametersOf(assertion), client_assertion_type: type, client_id: publicClient.client_id }
      const refresh = { grant_type: "refresh_token", refresh_token: "x" }
      expect(await outcome(server.post("/token", { ...refresh, ...parameters }))).toBe(refused)
    }
  })

  test("a client may bind its signatures to one algorithm", async (server) => {
    const rsa = makeKey("RS256")
    const { claims, send } = await signer(server, [rsa], { token_endpoint_auth_signing_alg: "PS256" })
    expect(await outcome(send(signed(rsa, {}, await claims())))).toBe(refused)
    expect(await outcome(send(signed({ ...rsa, alg: "PS256" }, {}, await claims())))).toBe("200")
  })

  const lines: Array<unknown> = []
  test(
    "the operator's log says why an assertion is refused, and contains no assertion",
    async (server) => {
      const { attempt, claims, send } = await signer(server)
      const assertion = signed(key, {}, await claims())
      await send(assertion)
      await send(assertion)
      await attempt({ aud: "https://other.example" })
      await attempt({}, { kid: "other" })
      const text = JSON.stringify(lines)
      for (const reason of ["AssertionReplayed", "AssertionAudience", "UnknownKey"]) expect(text).toContain(reason)
      expect(text).not.toContain(assertion.split(".")[2])
    },
    {
      logger: Logger.make(({ annotations, message }) => {
        lines.push([message, Array.from(annotations)])
      })
    }
  )
})
