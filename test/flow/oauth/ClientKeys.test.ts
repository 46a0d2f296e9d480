/** Keys of clients: in their registration, and at their `jwks_uri` (RFC 7591 §2). */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, describe, expect } from "@effect/vitest"
import * as Clock from "effect/Clock"
import { type ClientKey, claimsOf, makeKey, parametersOf, signed } from "../../support/Assertions.js"
import { issuer, outcome, redirectUri, type TestServer, test } from "../support/Server.js"

const key = makeKey("ES256", { kid: "one" })
const next = makeKey("ES256", { kid: "two" })

/** The server of a client's keys: it answers with these, and counts its requests. */
const published = {
  answer: { status: 200, headers: {} as Record<string, string>, body: "" },
  requests: 0,
  uri: "",
  publish: (...keys: ReadonlyArray<ClientKey>) => {
    published.answer = { status: 200, headers: {}, body: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) }
  }
}

let server: Server
beforeEach(async () => {
  server = createServer((_, response) => {
    published.requests++
    const { body, headers, status } = published.answer
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  published.uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
  published.requests = 0
  published.publish(key)
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

/** A client whose keys are at the address, and a request that a key signs. */
const signer = async (server: TestServer) => {
  const client = await server.addClient({ token_endpoint_auth_method: "private_key_jwt", jwks_uri: published.uri })
  const attempt = async (by: ClientKey, header: object = { kid: by.jwk.kid }) => {
    const claims = claimsOf(client.client_id, issuer, await server.run(Clock.currentTimeMillis))
    return outcome(
      server.post("/token", { grant_type: "client_credentials", ...parametersOf(signed(by, header, claims)) })
    )
  }
  return { client, attempt }
}

const refused = "401 invalid_client"
const unavailable = "503 temporarily_unavailable"

describe("the keys at a jwks_uri", () => {
  test("keys are fetched once and used for ten minutes if no header says more", async (server) => {
    const { attempt } = await signer(server)
    expect(await attempt(key)).toBe("200")
    expect(await attempt(key)).toBe("200")
    await server.advance("9 minutes")
    expect(await attempt(key)).toBe("200")
    expect(published.requests).toBe(1)
    await server.advance("1 minute")
    expect(await attempt(key)).toBe("200")
    expect(published.requests).toBe(2)
  })

  test("the lifetime of keys follows Cache-Control, from a minute to a day", async (server) => {
    for (const [headers, stillKnown, forgotten] of [
      [{ "cache-control": "public, max-age=3600" }, "59 minutes", "1 minute"],
      [{ "cache-control": "max-age=3600", age: "1800" }, "29 minutes", "1 minute"],
      [{ "cache-control": "max-age=0" }, "59 seconds", "1 second"],
      [{ "cache-control": "no-store" }, "59 seconds", "1 second"],
      [{ "cache-control": "max-age=31536000" }, "23 hours", "1 hour"]
    ] as const) {
      const { attempt } = await signer(server)
      // Another address for each client.
      published.uri += "x"
      published.answer.headers = headers
      await attempt(key)
      const before = published.requests
      await server.advance(stillKnown)
      expect(await attempt(key)).toBe("200")
      expect(published.requests, JSON.stringify(headers)).toBe(before)
      await server.advance(forgotten)
      expect(await attempt(key)).toBe("200")
      expect(published.requests, JSON.stringify(headers)).toBe(before + 1)
    }
  })

  test("many requests at once fetch the keys once", async (server) => {
    const { attempt } = await signer(server)
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => attempt(key)))
    expect(new Set(outcomes)).toEqual(new Set(["200"]))
    expect(published.requests).toBe(1)
  })

  test("a new key works at once, and an unknown key fetches at most once a minute", async (server) => {
    const { attempt } = await signer(server)
    expect(await attempt(key)).toBe("200")
    await server.advance("1 minute")
    published.publish(next)
    expect(await attempt(next)).toBe("200")
    expect(published.requests).toBe(2)
    expect(await attempt(key)).toBe(refused)
    for (let i = 0; i < 5; i++) expect(await attempt(makeKey("ES256", { kid: `unknown-${i}` }))).toBe(refused)
    expect(published.requests).toBe(2)
    await server.advance("1 minute")
    expect(await attempt(key)).toBe(refused)
    expect(published.requests).toBe(3)
    // Keys without names are found in the same way.
    await server.advance("1 minute")
    published.publish(makeKey("RS256"), key)
    expect(await attempt(key, {})).toBe("200")
  })

  test("a wrong signature under a known name fetches nothing", async (server) => {
    const { attempt } = await signer(server)
    expect(await attempt(key)).toBe("200")
    await server.advance("2 minutes")
    expect(await attempt(makeKey("ES256", { kid: "one" }))).toBe(refused)
    expect(published.requests).toBe(1)
  })

  test("while the keys cannot be fetched the server is unavailable, and then the same assertion works", async (server) => {
    const { client } = await signer(server)
    const claims = claimsOf(client.client_id, issuer, await server.run(Clock.currentTimeMillis))
    const parameters = { grant_type: "client_credentials", ...parametersOf(signed(key, {}, claims)) }
    for (const answer of [
      { status: 500, headers: {}, body: "" },
      { status: 302, headers: { location: published.uri }, body: "" },
      { status: 200, headers: {}, body: "<html>" },
      { status: 200, headers: {}, body: "[]" },
      { status: 200, headers: {}, body: `{"keys":[],"x":"${"x".repeat(70_000)}"}` }
    ]) {
      published.answer = answer
      const response = await server.post("/token", parameters)
      expect(await outcome(response), answer.body.slice(0, 20)).toBe(unavailable)
      expect(response.headers.get("retry-after")).toBe("1")
      const before = published.requests
      expect(await outcome(server.post("/token", parameters))).toBe(unavailable)
      expect(published.requests).toBe(before)
      await server.advance("5 seconds")
    }
    published.publish(key)
    expect(await outcome(server.post("/token", parameters))).toBe("200")
  })

  test("expired keys are not used after a failed request", async (server) => {
    const { attempt } = await signer(server)
    expect(await attempt(key)).toBe("200")
    published.answer = { status: 500, headers: {}, body: "" }
    await server.advance("9 minutes")
    expect(await attempt(key)).toBe("200")
    // A key that may be new cannot be told from an unknown one.
    expect(await attempt(next)).toBe(unavailable)
    await server.advance("30 seconds")
    expect(await attempt(next)).toBe(unavailable)
    expect(published.requests).toBe(2)
    expect(await attempt(key)).toBe("200")
    await server.advance("30 seconds")
    expect(await attempt(key)).toBe(unavailable)
  })

  test("a private key, a shared secret and an unusable key of a key set are not used", async (server) => {
    const { attempt } = await signer(server)
    const secret = { kty: "oct", k: "AAAA", kid: "one" }
    const leaked = { ...next.jwk, ...next.privateKey.export({ format: "jwk" }) }
    const other = { ...makeKey("ES256").jwk, use: "enc", kid: "one" }
    published.answer.body = JSON.stringify({ keys: [secret, leaked, other, null, 1, key.jwk] })
    expect(await attempt(next)).toBe(refused)
    expect(await attempt(key)).toBe("200")
  })
})

/** Registers a client as a stranger does. */
const registration = async (server: TestServer, metadata: object) => {
  const response = await server.send("/register", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: [redirectUri], client_name: "Test client", ...metadata })
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

describe("the registration of a client that signs", () => {
  const method = { token_endpoint_auth_method: "private_key_jwt" }

  test("a client registers its public keys, and gets no secret", async (server) => {
    const foreign = { kty: "EC", crv: "P-384", x: "x", y: "y" }
    const extended = { ...key.jwk, x5c: ["MII"], key_ops: ["verify"], use: "sig" }
    const jwks = { keys: [extended, foreign] }
    const { json, status } = await registration(server, { ...method, jwks, token_endpoint_auth_signing_alg: "ES256" })
    expect(status).toBe(201)
    expect(json).toMatchObject({ ...method, jwks: { keys: [{ ...key.jwk, use: "sig" }] } })
    expect(json.token_endpoint_auth_signing_alg).toBe("ES256")
    expect(json).not.toHaveProperty("client_secret")
    expect(json).not.toHaveProperty("client_secret_expires_at")
    const { json: remote } = await registration(server, { ...method, jwks_uri: published.uri })
    expect(remote).toMatchObject({ ...method, jwks_uri: published.uri })
    expect(published.requests).toBe(0)
  })

  test("the strongest method that client and server know is chosen, if the client can use it", async (server) => {
    const choices = ["none", "client_secret_post", "private_key_jwt", "client_secret_basic", "tls_client_auth"]
    const offered = { token_endpoint_auth_methods_supported: choices }
    const jwks = { keys: [key.jwk] }
    for (const [metadata, expected] of [
      [{ ...offered, jwks }, "private_key_jwt"],
      [offered, "client_secret_basic"],
      [{ ...offered, ...method }, "client_secret_basic"],
      [{ ...offered, ...method, jwks }, "private_key_jwt"],
      [{ token_endpoint_auth_methods_supported: ["none", "private_key_jwt"], jwks }, "private_key_jwt"],
      [{ token_endpoint_auth_methods_supported: ["none", "private_key_jwt"] }, "none"],
      [{ token_endpoint_auth_method: "none", jwks }, "none"]
    ] as const) {
      const { json } = await registration(server, metadata)
      expect(json.token_endpoint_auth_method).toBe(expected)
      expect(Object.hasOwn(json, "jwks")).toBe(expected === "private_key_jwt")
    }
  })

  test("keys that cannot be used are refused", async (server) => {
    const weak = makeKey("RS256", {}, 1024)
    const leaked = key.privateKey.export({ format: "jwk" })
    for (const metadata of [
      method,
      { ...method, jwks: {} },
      { ...method, jwks: { keys: [] } },
      { ...method, jwks: { keys: "x" } },
      { ...method, jwks: [key.jwk] },
      { ...method, jwks: { keys: [weak.jwk] } },
      { ...method, jwks: { keys: [leaked] } },
      { ...method, jwks: { keys: [key.jwk, leaked] } },
      { ...method, jwks: { keys: [key.jwk, { kty: "oct", k: "AAAA" }] } },
      { token_endpoint_auth_method: "none", jwks: { keys: [leaked] } },
      { ...method, jwks: { keys: Array.from({ length: 11 }, () => key.jwk) } },
      { ...method, jwks: { keys: [{ ...key.jwk, use: "enc" }] } },
      { ...method, jwks: { keys: [{ ...key.jwk, alg: "HS256" }] } },
      { ...method, jwks: { keys: [{ ...key.jwk, key_ops: ["sign"] }] } },
      { ...method, jwks: { keys: [key.jwk] }, jwks_uri: published.uri },
      { ...method, jwks_uri: "http://keys.example.com/jwks" },
      { ...method, jwks_uri: "https://user@keys.example.com/jwks" },
      { ...method, jwks_uri: "https://keys.example.com/jwks#x" },
      { ...method, jwks_uri: 1 },
      { ...method, jwks: { keys: [key.jwk] }, token_endpoint_auth_signing_alg: "HS256" }
    ]) {
      const { json, status } = await registration(server, metadata)
      expect([status, json.error], JSON.stringify(metadata)).toEqual([400, "invalid_client_metadata"])
    }
  })

  test(
    "keys at an http address on loopback are for a server on loopback only",
    async (server) => {
      const { json } = await registration(server, { ...method, jwks_uri: published.uri })
      expect(json.error).toBe("invalid_client_metadata")
    },
    {
      settings: {
        issuer: "https://auth.example.com",
        resources: [{ uri: "https://auth.example.com/notes", scopes: { "notes:read": "Read" } }]
      }
    }
  )
})
