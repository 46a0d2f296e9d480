/** The authorization code grant: only the right client redeems a code, once and in time; other requests spend nothing. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Subject } from "../../../src/domain/Account.js"
import { ClientId } from "../../../src/domain/Client.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import * as Server from "../support/Server.js"
import {
  files,
  issuer,
  notes,
  outcome,
  type Parameters,
  redirectUri,
  resource,
  test,
  tokensOf
} from "../support/Server.js"

const bothResources = { settings: { resources: [notes, files] } }
const everything = { scope: "notes:read notes:write files:read", resource: [resource, files.uri] }

/** Resources whose indicators together are longer than servers accept in a header. */
const longResources = Array.from({ length: 8 }, (_, index) => ({
  uri: `${issuer}/${"long/".repeat(50)}${index}`,
  scopes: { [`read${index}`]: "Read" }
}))

/** A text of the same length with another character at `index`. */
const spoil = (text: string, index: number) =>
  `${text.slice(0, index)}${text.at(index) === "0" ? "1" : "0"}${text.slice(index + 1)}`

describe("the lifetime of a code", () => {
  test("a code is valid until the millisecond before its expiry (RFC 6749 §4.1.2)", async (server) => {
    const client = await server.register()
    const [first, second] = [await server.code(client), await server.code(client)]
    await server.advance(59_999)
    expect(await outcome(server.redeem(client, first))).toBe("200")
    await server.advance(1)
    expect(await outcome(server.redeem(client, second))).toBe("400 invalid_grant")
  })

  test("an expired code is refused and not spent, with a wrong verifier too", async (server) => {
    const client = await server.register()
    const code = await server.code(client)
    await server.advance("60 seconds")
    const verifier = "x".repeat(43)
    expect(await outcome(server.redeem(client, { ...code, verifier }))).toBe("400 invalid_grant")
    expect((await server.grant(code.code))._tag).toBe("Approved")
  })

  test(
    "the lifetime of a code is a setting",
    async (server) => {
      const client = await server.register()
      const [first, second] = [await server.code(client), await server.code(client)]
      await server.advance(4_999)
      expect(await outcome(server.redeem(client, first))).toBe("200")
      await server.advance(1)
      expect(await outcome(server.redeem(client, second))).toBe("400 invalid_grant")
    },
    { settings: { lifetimes: { authorizationCode: "5 seconds" } } }
  )
})

describe("a request that spends nothing", () => {
  // CODE-01, CODE-02, CODE-04, CODE-05, CODE-06, CODE-07
  test("a request that is not valid in full does not spend the code (RFC 6749 §4.1.3)", async (server) => {
    const client = await server.register()
    const other = await server.register()
    const confidential = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const held = await server.code(client)
    const send = (parameters: Parameters) => server.redeem(client, held, parameters)
    const refusals: ReadonlyArray<readonly [name: string, expected: string, answer: Promise<Response>]> = [
      ["another client", "400 invalid_grant", server.redeem(other, held)],
      ["another client, with its secret", "400 invalid_grant", server.redeem(confidential, held)],
      [
        "this client's id, another's secret",
        "400 invalid_request",
        server.redeem(confidential, held, { client_id: client.client_id })
      ],
      ["no client", "401 invalid_client", send({ client_id: undefined })],
      ["an unknown client", "401 invalid_client", send({ client_id: "unknown" })],
      ["a secret where there is none", "401 invalid_client", send({ client_secret: "guess" })],
      ["another redirect URI", "400 invalid_grant", send({ redirect_uri: `${redirectUri}/` })],
      ["a redirect URI in other letters", "400 invalid_grant", send({ redirect_uri: redirectUri.toUpperCase() })],
      ["an unknown resource", "400 invalid_target", send({ resource: "https://other.example/" })],
      [
        "one known and one unknown resource",
        "400 invalid_target",
        send({ resource: [resource, "https://other.example/"] })
      ],
      ["a resource that is no URI", "400 invalid_target", send({ resource: "notes" })],
      ["a resource with a fragment", "400 invalid_target", send({ resource: `${resource}#top` })],
      ["no verifier", "400 invalid_request", send({ code_verifier: undefined })],
      ["an empty verifier", "400 invalid_request", send({ code_verifier: "" })],
      ["a short verifier", "400 invalid_request", send({ code_verifier: "x".repeat(42) })],
      ["a long verifier", "400 invalid_request", send({ code_verifier: "x".repeat(129) })],
      ["a verifier and a space", "400 invalid_request", send({ code_verifier: `${held.verifier} ` })],
      ["a verifier and a NUL", "400 invalid_request", send({ code_verifier: `${held.verifier}\0` })],
      ["a verifier in another alphabet", "400 invalid_request", send({ code_verifier: "ä".repeat(43) })],
      ["two verifiers", "400 invalid_request", send({ code_verifier: [held.verifier, held.verifier] })],
      ["the code twice", "400 invalid_request", send({ code: [held.code, held.code] })],
      ["another grant type", "400 unsupported_grant_type", send({ grant_type: "password" })],
      ["no grant type", "400 invalid_request", send({ grant_type: undefined })],
      ["the code less its last character", "400 invalid_grant", send({ code: held.code.slice(0, -1) })],
      ["the code of another grant", "400 invalid_grant", send({ code: spoil(held.code, 31) })],
      ["the grant, another secret", "400 invalid_grant", send({ code: spoil(held.code, 40) })]
    ]
    for (const [name, expected, answer] of refusals) expect(await outcome(answer), name).toBe(expected)
    expect((await server.grant(held.code))._tag).toBe("Approved")
    expect(await outcome(server.redeem(client, held))).toBe("200")
  })

  // CAUTH-03: the client is authenticated before the code is checked
  for (const method of ["client_secret_basic", "client_secret_post"]) {
    test(`a client with ${method} redeems a code only with its secret (RFC 6749 §3.2.1)`, async (server) => {
      const client = await server.register({ token_endpoint_auth_method: method })
      const held = await server.code(client)
      const attempts: ReadonlyArray<Server.Client> = [
        { ...client, client_secret: "lk_cs_wrong" },
        { ...client, client_secret: "" },
        { ...client, token_endpoint_auth_method: "none" }
      ]
      for (const attempt of attempts) expect(await outcome(server.redeem(attempt, held))).toBe("401 invalid_client")
      expect(await outcome(server.redeem(client, held))).toBe("200")
    })
  }

  // CODE-13
  test("a text that was never a code of this server is an invalid_grant", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    const tokens = await server.tokens(client)
    const [grantId, secret] = [held.code.slice(6, 32), held.code.slice(32)]
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    const lastDigit = alphabet.indexOf(secret.at(-1) ?? "")
    const codes: Readonly<Record<string, string>> = {
      "one character": "x",
      "the prefix alone": "lk_ac_",
      "the grant alone": `lk_ac_${grantId}`,
      "no prefix": held.code.slice(6),
      "another prefix": `lk_at_${held.code.slice(6)}`,
      "an upper-case prefix": held.code.replace("lk_ac_", "LK_AC_"),
      "an upper-case grant": `lk_ac_${grantId.toUpperCase()}${secret}`,
      "stray low bits, which decode to the same bytes": held.code.slice(0, -1) + alphabet.at(lastDigit + 1),
      padding: `${held.code}=`,
      "white space before": ` ${held.code}`,
      "white space after": `${held.code}\n`,
      "a character too many": `${held.code}A`,
      "full-width letters": held.code.replace("lk", "ｌｋ"),
      "an emoji": "🔑".repeat(16),
      SQL: `${held.code}' OR '1'='1`,
      "a path": `../../${held.code}`,
      "a prototype's key": "__proto__",
      "60 KiB": "A".repeat(60_000),
      "an access token": tokens.access_token,
      "a refresh token": tokens.refresh_token
    }
    for (const [name, code] of Object.entries(codes)) {
      expect(await outcome(server.redeem(client, { ...held, code })), name).toBe("400 invalid_grant")
    }
    for (const code of ["", "\0", "%\0"]) {
      expect(await outcome(server.redeem(client, { ...held, code }))).toBe("400 invalid_request")
    }
    expect(await outcome(server.redeem(client, held))).toBe("200")
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
  })

  // CODE-16
  it.scoped("a code is valid at one issuer only, even if two share a process and a store (RFC 9700 §4.4)", () =>
    Effect.gen(function* () {
      const storage = Layer.succeedContext(yield* Layer.build(MemoryStorage.layer))
      const one = yield* Server.make({ storage })
      const other = yield* Server.make({
        storage,
        settings: { issuer: `${issuer}/tenant`, resources: [{ ...notes, uri: `${issuer}/tenant/notes` }] }
      })
      yield* Effect.promise(async () => {
        const [client, clientOfOther] = [await one.register(), await other.register()]
        const held = await one.code(client)
        expect(await outcome(other.redeem(clientOfOther, held))).toBe("400 invalid_grant")
        expect(await outcome(other.redeem(client, held))).toBe("401 invalid_client")
        expect(await outcome(one.redeem(client, held))).toBe("200")
      })
    })
  )
})

describe("the right client with a wrong verifier", () => {
  // CODE-02
  test("a wrong verifier from the right client revokes the grant (RFC 7636 §4.6)", async (server) => {
    const client = await server.register()
    const bystander = await server.tokens(client)
    const wrong: Readonly<Record<string, (held: Server.Code) => string>> = {
      "another verifier": () => "x".repeat(43),
      "one character more": ({ verifier }) => `${verifier}x`,
      "another case": ({ verifier }) => verifier.replace(/[a-z]/, (letter) => letter.toUpperCase()),
      "one of the greatest length": () => "x".repeat(128)
    }
    for (const [name, verifierOf] of Object.entries(wrong)) {
      const held = await server.code(client)
      const verifier = verifierOf(held)
      expect(await outcome(server.redeem(client, { ...held, verifier })), name).toBe("400 invalid_grant")
      expect(await server.grant(held.code), name).toMatchObject({ _tag: "Revoked", reason: "WrongVerifier" })
      expect(await outcome(server.redeem(client, held)), name).toBe("400 invalid_grant")
    }
    expect(await outcome(server.call(bystander.access_token))).toBe("200")
  })

  test("the challenge is not accepted as the verifier (RFC 7636 §7.2)", async (server) => {
    const client = await server.register()
    const { browser, page, url, verifier } = await server.toConsent(client)
    const { sentTo } = await browser.submit(page, { button: "allow" })
    const code = sentTo?.searchParams.get("code") ?? ""
    const challenge = url.searchParams.get("code_challenge") ?? ""
    expect(await outcome(server.redeem(client, { code, verifier: challenge }))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, { code, verifier }))).toBe("400 invalid_grant")
  })
})

describe("a second presentation", () => {
  test("a second redemption within the window is a duplicate and revokes nothing", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    const tokens = await tokensOf(server.redeem(client, held))
    await server.advance(1_999)
    expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
  })

  // CODE-09
  const replayed = async (server: Server.TestServer, wait: number) => {
    const client = await server.register()
    const bystander = await server.tokens(client)
    const held = await server.code(client)
    const first = await tokensOf(server.redeem(client, held))
    const second = await tokensOf(server.refresh(client, first.refresh_token))
    await server.advance(wait)
    expect(await outcome(server.call(second.access_token))).toBe("200")
    expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")

    expect(await server.grant(held.code)).toMatchObject({ _tag: "Revoked", reason: "CodeReplayed" })
    for (const tokens of [first, second]) {
      expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    }
    expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
    expect(await outcome(server.call(bystander.access_token))).toBe("200")
    expect(await outcome(server.refresh(client, bystander.refresh_token))).toBe("200")
  }

  test("a second redemption after the window revokes the grant and all its tokens (RFC 6749 §4.1.2)", (server) =>
    replayed(server, 2_000))

  test("a second redemption of an expired code revokes the grant", (server) => replayed(server, 120_000))

  test(
    "a second redemption revokes the grant at once if the window is 0",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      const tokens = await tokensOf(server.redeem(client, held))
      expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
      expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    },
    { settings: { lifetimes: { codeWindow: 0 } } }
  )

  // CODE-10
  test("a second redemption that is not valid in full revokes nothing (OAuth 2.1 §7.5.2)", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const other = await server.register()
    const held = await server.code(client)
    const tokens = await tokensOf(server.redeem(client, held))
    await server.advance("10 seconds")
    const invalid: ReadonlyArray<readonly [name: string, expected: string, answer: Promise<Response>]> = [
      ["a wrong verifier", "400 invalid_grant", server.redeem(client, { ...held, verifier: "x".repeat(43) })],
      ["no verifier", "400 invalid_request", server.redeem(client, held, { code_verifier: undefined })],
      ["another redirect URI", "400 invalid_grant", server.redeem(client, held, { redirect_uri: `${redirectUri}?` })],
      ["another client", "400 invalid_grant", server.redeem(other, held)],
      ["a wrong secret", "401 invalid_client", server.redeem({ ...client, client_secret: "guess" }, held)],
      ["no secret", "401 invalid_client", server.redeem({ ...client, token_endpoint_auth_method: "none" }, held)],
      ["another resource", "400 invalid_target", server.redeem(client, held, { resource: "https://other.example/" })],
      ["another code of the grant", "400 invalid_grant", server.redeem(client, { ...held, code: spoil(held.code, 50) })]
    ]
    for (const [name, expected, answer] of invalid) expect(await outcome(answer), name).toBe(expected)
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
  })

  // CODE-11
  for (const count of [2, 8, 64]) {
    test(`exactly one of ${count} concurrent redemptions succeeds, and its tokens are valid`, async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      const answers = await Promise.all(Array.from({ length: count }, () => server.redeem(client, held)))
      const successes = answers.filter(({ status }) => status === 200)
      const losers = await Promise.all(answers.filter(({ status }) => status !== 200).map(outcome))
      expect(successes).toHaveLength(1)
      expect(losers).toEqual(Array.from({ length: count - 1 }, () => "400 invalid_grant"))
      const tokens = await tokensOf(successes[0]!)
      expect(await outcome(server.call(tokens.access_token))).toBe("200")
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
    })
  }
})

describe("the tokens for a code", () => {
  // CODE-07
  test(
    "a resource in the token request narrows the access token, not the grant (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client, everything)
      const narrow = await tokensOf(server.redeem(client, held, { resource: files.uri }))
      expect(narrow.scope).toBe("files:read")
      expect(await outcome(server.call(narrow.access_token, files.uri))).toBe("200")
      expect(await outcome(server.call(narrow.access_token))).toBe("401 invalid_token")

      const whole = await tokensOf(server.refresh(client, narrow.refresh_token))
      expect(whole.scope).toBe(everything.scope)
      expect(await outcome(server.call(whole.access_token, files.uri))).toBe("200")
      expect(await outcome(server.call(whole.access_token))).toBe("200")
    },
    bothResources
  )

  test(
    "a token request without resource is for every granted resource",
    async (server) => {
      const tokens = await server.tokens(await server.register(), everything)
      expect(tokens.scope).toBe(everything.scope)
      expect(await outcome(server.call(tokens.access_token))).toBe("200")
      expect(await outcome(server.call(tokens.access_token, files.uri))).toBe("200")
    },
    bothResources
  )

  test(
    "a resource that was not granted is an invalid_target and does not spend the code (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      for (const named of [files.uri, [resource, files.uri]]) {
        expect(await outcome(server.redeem(client, held, { resource: named }))).toBe("400 invalid_target")
      }
      expect(await outcome(server.redeem(client, held, { resource }))).toBe("200")
    },
    bothResources
  )

  test("a resource with an upper-case scheme is the same resource (RFC 3986 §6.2.2.1)", async (server) => {
    const client = await server.register()
    const held = await server.code(client)
    const answer = await server.redeem(client, held, { resource: resource.replace("http:", "HTTP:") })
    expect(await outcome(server.call((await tokensOf(answer)).access_token))).toBe("200")
  })

  test(
    "an access token that would be too long for a header is an invalid_target and spends nothing",
    async (server) => {
      const client = await server.register()
      const held = await server.code(client, { scope: undefined, resource: longResources.map(({ uri }) => uri) })
      expect(await outcome(server.redeem(client, held))).toBe("400 invalid_target")
      const resource = longResources[0]!.uri
      const tokens = await tokensOf(server.redeem(client, held, { resource }))
      expect(await outcome(server.refresh(client, tokens.refresh_token, { resource: [] }))).toBe("400 invalid_target")
      await server.advance("10 minutes")
      expect(await outcome(server.refresh(client, tokens.refresh_token, { resource }))).toBe("200")
    },
    { settings: { resources: longResources } }
  )

  // CODE-08
  test("a scope in the token request is ignored (RFC 6749 §4.1.3)", async (server) => {
    const client = await server.register()
    for (const scope of ["notes:read notes:write admin", "notes:write", "admin", '"']) {
      const held = await server.code(client, { scope: "notes:read" })
      expect((await tokensOf(server.redeem(client, held, { scope }))).scope, scope).toBe("notes:read")
    }
  })

  test("the redirect URI may be left out of the token request (OAuth 2.1 §10.2)", async (server) => {
    const client = await server.register()
    expect(await outcome(server.redeem(client, await server.code(client), { redirect_uri: undefined }))).toBe("200")
  })

  test("the redirect URI of a loopback client must have the port of its authorization request", async (server) => {
    const client = await server.register({ redirect_uris: ["http://127.0.0.1:3000/callback"] })
    const used = "http://127.0.0.1:49152/callback"
    const held = await server.code(client, { redirect_uri: used })
    for (const other of [
      "http://127.0.0.1:3000/callback",
      "http://127.0.0.1/callback",
      "http://localhost:49152/callback"
    ]) {
      expect(await outcome(server.redeem(client, held, { redirect_uri: other })), other).toBe("400 invalid_grant")
    }
    expect(await outcome(server.redeem(client, held, { redirect_uri: used }))).toBe("200")
  })

  // CODE-15
  test("a code cannot be redeemed after the consent, grant, client or account was revoked", async (server) => {
    const client = await server.register()
    const clientId = ClientId.make(client.client_id)
    const now = (await server.grant((await server.code(client)).code)).terms.approvedAt
    const revocations: Readonly<Record<string, (subject: Subject) => Promise<unknown>>> = {
      "the user's consent": (subject) =>
        server.run(Effect.flatMap(ConsentStore, (consents) => consents.withdraw(subject, clientId))),
      "the grants of the pair": (subject) =>
        server.run(
          Effect.flatMap(GrantStore, (grants) =>
            grants.revokeAll({ subject, clientId }, "ConsentWithdrawn", now, { limit: 9 })
          )
        ),
      "everything of the client": () =>
        server.run(Effect.flatMap(ClientStore, (clients) => clients.advanceEpoch(clientId))),
      "everything of the user": (subject) =>
        server.run(Effect.flatMap(AccountStore, (accounts) => accounts.advanceEpoch(subject)))
    }
    for (const [name, revoke] of Object.entries(revocations)) {
      const held = await server.code(client)
      const tokens = await server.tokens(client)
      await revoke((await server.grant(held.code)).terms.subject)
      expect(await outcome(server.redeem(client, held)), name).toBe("400 invalid_grant")
      expect(await outcome(server.call(tokens.access_token)), name).toBe("401 invalid_token")
      expect(await outcome(server.refresh(client, tokens.refresh_token)), name).toBe("400 invalid_grant")
      expect(await outcome(server.redeem(client, await server.code(client))), name).toBe("200")
    }
  })
})
