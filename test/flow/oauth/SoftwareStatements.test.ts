/** Software statements (RFC 7591 §2.3): claims that an issuer signed replace what a client says of itself. */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as jose from "jose"
import { InitialAccessTokens } from "../../../src/services/clients/InitialAccessTokens.js"
import { OutboundClient, OutboundError } from "../../../src/services/outbound/OutboundClient.js"
import { json, register } from "../../conformance/support/Conformance.js"
import { outcome, redirectUri, start, type TestServer, test } from "../support/Server.js"

const good = { redirect_uris: [redirectUri], token_endpoint_auth_method: "none" }
const issuer = "https://publisher.example"

/** A key pair of an issuer, and its public key set. */
const pair = async (alg: string, kid = "one") => {
  const { privateKey, publicKey } = await jose.generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await jose.exportJWK(publicKey)), alg, kid } }
}

const keys = await Promise.all(["ES256", "EdDSA", "RS256", "PS256"].map((alg) => pair(alg, alg)))
const [es256, ...others] = keys as [(typeof keys)[number], ...typeof keys]
const foreign = await pair("ES256", "ES256")
const later = await pair("ES256", "later")

const seconds = start / 1000

/** Signs a statement. */
const sign = (claims: Readonly<Record<string, unknown>>, { alg, kid, privateKey } = es256) =>
  new jose.SignJWT({ iss: issuer, ...claims }).setProtectedHeader({ alg, kid }).sign(privateKey)

const inline = { softwareStatements: [{ issuer, jwks: { keys: keys.map(({ jwk }) => jwk) } }] }

const registerWith = (server: TestServer, software_statement: unknown, metadata: object = good) =>
  register(server, { ...metadata, software_statement })

describe("a software statement of a known issuer", () => {
  test(
    "the claims of a statement replace the members of the client, and the statement is returned as it was sent",
    async (server) => {
      const statement = await sign({ client_name: "Publisher's app", software_id: "4NRB1", sub: "app", iat: seconds })
      const answer = await json(registerWith(server, statement, { ...good, client_name: "Your Bank" }), 201)
      expect(answer).toMatchObject({
        client_name: "Publisher's app",
        software_id: "4NRB1",
        redirect_uris: [redirectUri],
        software_statement: statement
      })
      expect(answer).not.toHaveProperty("sub")
      expect(answer).not.toHaveProperty("iss")
    },
    { settings: inline }
  )

  test(
    "redirect URIs of a statement replace those of the request",
    async (server) => {
      const redirect_uris = ["https://publisher.example/callback"]
      const answer = await json(registerWith(server, await sign({ redirect_uris })), 201)
      expect(answer.redirect_uris).toEqual(redirect_uris)
    },
    { settings: inline }
  )

  test(
    "a statement is verified with each of the algorithms",
    async (server) => {
      for (const key of [es256, ...others]) {
        const statement = await sign({ client_name: key.alg }, key)
        expect(await json(registerWith(server, statement), 201)).toMatchObject({ client_name: key.alg })
      }
    },
    { settings: inline }
  )

  test(
    "a wrong signature, an expired or a malformed statement gets invalid_software_statement, and registers nothing",
    async (server) => {
      const [header = "", payload = "", signature = ""] = (await sign({ client_name: "App" })).split(".")
      const forged = Buffer.from(JSON.stringify({ iss: issuer, client_name: "Bank" })).toString("base64url")
      const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url")
      const hmac = Buffer.from(JSON.stringify({ alg: "HS256", kid: "ES256" })).toString("base64url")
      const wrong = {
        "another key": await sign({}, foreign),
        "another payload": `${header}.${forged}.${signature}`,
        "no signature": `${header}.${payload}.`,
        "alg none": `${none}.${payload}.`,
        "alg HS256": `${hmac}.${payload}.${signature}`,
        expired: await sign({ exp: seconds - 61 }),
        "not yet valid": await sign({ nbf: seconds + 61 }),
        "not a token": "statement",
        "not a text": 1,
        "too long": await sign({ client_name: "x".repeat(10_000) })
      }
      for (const [what, statement] of Object.entries(wrong)) {
        expect(await outcome(registerWith(server, statement)), what).toBe("400 invalid_software_statement")
      }
    },
    { settings: inline }
  )

  test(
    "a statement is valid until a minute after its expiry, because clocks differ",
    async (server) => {
      const statement = await sign({ exp: seconds })
      await server.advance("59 seconds")
      expect((await registerWith(server, statement)).status).toBe(201)
      await server.advance("2 seconds")
      expect(await outcome(registerWith(server, statement))).toBe("400 invalid_software_statement")
    },
    { settings: inline }
  )

  test(
    "unusable metadata of a statement is refused as the client's own would be",
    async (server) => {
      const statement = await sign({ redirect_uris: ["http://publisher.example/callback"] })
      expect(await outcome(registerWith(server, statement))).toBe("400 invalid_redirect_uri")
    },
    { settings: inline }
  )

  test(
    "a client with a statement cannot leave it in an update, and a newer statement replaces it (RFC 7592 §2.2)",
    async (server) => {
      const first = await sign({ client_name: "App 1" })
      const { client_id, registration_access_token, registration_client_uri } = await json(
        registerWith(server, first),
        201
      )
      const update = (members: object) =>
        server.send(String(registration_client_uri), {
          method: "PUT",
          body: JSON.stringify({ ...good, client_id, ...members }),
          headers: { "content-type": "application/json", authorization: `Bearer ${registration_access_token}` }
        })
      expect(await outcome(update({ client_name: "Your Bank" }))).toBe("400 invalid_software_statement")
      const second = await sign({ client_name: "App 2" })
      expect(await json(update({ client_name: "Your Bank", software_statement: second }))).toMatchObject({
        client_name: "App 2",
        software_statement: second
      })
    },
    { settings: inline }
  )
})

describe("other software statements", () => {
  test(
    "a statement of an unknown issuer, or of none, is ignored and not returned",
    async (server) => {
      for (const iss of ["https://stranger.example", undefined, 1]) {
        const answer = await json(registerWith(server, await sign({ iss, client_name: "Your Bank" })), 201)
        expect(answer).not.toHaveProperty("software_statement")
        expect(answer).not.toHaveProperty("client_name")
      }
    },
    { settings: inline }
  )

  test("without known issuers every statement is ignored, a malformed one too", async (server) => {
    for (const statement of [await sign({ client_name: "App" }), "statement", 1, null]) {
      const answer = await json(registerWith(server, statement), 201)
      expect(answer).not.toHaveProperty("software_statement")
    }
  })
})

describe("registration that needs a statement", () => {
  const settings = { ...inline, registration: "Statement" } as const

  test(
    "only software with a valid statement registers without a token",
    async (server) => {
      expect(await outcome(registerWith(server, await sign({})))).toBe("201")
      expect(await outcome(register(server, good))).toBe("400 invalid_client_metadata")
      const unknown = await sign({ iss: "https://stranger.example" })
      expect(await outcome(registerWith(server, unknown))).toBe("400 unapproved_software_statement")
      expect(await outcome(registerWith(server, await sign({}, foreign)))).toBe("400 invalid_software_statement")
    },
    { settings }
  )

  test(
    "an initial access token admits a client without a statement",
    async (server) => {
      const { secret } = await server.run(Effect.flatMap(InitialAccessTokens, ({ create }) => create({})))
      const answer = server.send("/register", {
        method: "POST",
        body: JSON.stringify(good),
        headers: { "content-type": "application/json", authorization: `Bearer ${Redacted.value(secret)}` }
      })
      expect(await outcome(answer)).toBe("201")
    },
    { settings }
  )
})

describe("an issuer whose keys are at a URL", () => {
  const jwksUri = "https://publisher.example/jwks"
  const settings = { softwareStatements: [{ issuer, jwksUri }] }

  /** The issuer's server: the URLs that were fetched, and its response. */
  const fetched: Array<string> = []
  let answer: Effect.Effect<unknown, OutboundError>
  const seams = Layer.succeed(OutboundClient, {
    get: ({ url }) =>
      Effect.suspend(() => {
        fetched.push(url.href)
        return Effect.map(answer, (value) => ({ headers: {}, body: Buffer.from(JSON.stringify(value)) }))
      })
  }) as Layer.Layer<never>

  test(
    "keys are fetched once for ten minutes, and again for an unknown key",
    async (server) => {
      fetched.length = 0
      answer = Effect.succeed({ keys: [es256.jwk] })
      for (let i = 0; i < 3; i++) expect((await registerWith(server, await sign({}))).status).toBe(201)
      expect(fetched).toEqual([jwksUri])
      await server.advance("1 minute")
      answer = Effect.succeed({ keys: [es256.jwk, later.jwk] })
      expect((await registerWith(server, await sign({}, later))).status).toBe(201)
      expect(fetched).toHaveLength(2)
      await server.advance(Duration.minutes(11))
      expect((await registerWith(server, await sign({}, later))).status).toBe(201)
      expect(fetched).toHaveLength(3)
    },
    { settings, seams }
  )

  test(
    "statements with unknown keys do not make the server fetch again and again",
    async (server) => {
      fetched.length = 0
      answer = Effect.succeed({ keys: [es256.jwk] })
      for (let i = 0; i < 5; i++) {
        expect(await outcome(registerWith(server, await sign({}, later)))).toBe("400 invalid_software_statement")
      }
      expect(fetched).toHaveLength(1)
    },
    { settings, seams }
  )

  test(
    "a registration gets 503 while the keys cannot be fetched, and is not refused for ever",
    async (server) => {
      answer = Effect.fail(new OutboundError({ reason: "Timeout", detail: "" }))
      expect(await outcome(registerWith(server, await sign({})))).toBe("503 temporarily_unavailable")
      answer = Effect.succeed("no keys")
      expect(await outcome(registerWith(server, await sign({})))).toBe("503 temporarily_unavailable")
      answer = Effect.succeed({ keys: [es256.jwk] })
      expect(await outcome(registerWith(server, await sign({})))).toBe("201")
    },
    { settings, seams }
  )
})
