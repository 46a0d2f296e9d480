/** The guard of a route: the requests that pass, and the responses to the others. */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import { ResourceIndicator } from "../../../src/domain/Resource.js"
import * as BearerAuth from "../../../src/http/guard/BearerAuth.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { KeyStore } from "../../../src/services/stores/KeyStore.js"
import { ResourceStore } from "../../../src/services/stores/ResourceStore.js"
import { CurrentAccess } from "../../../src/services/tokens/CurrentAccess.js"
import { sameEachTime } from "../../support/Headers.js"
import * as Server from "../support/Server.js"
import { files, issuer, notes, outcome, resource, type TestServer, test } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const bothResources = { settings: { resources: [notes, files] } }

const metadata = `${issuer}/.well-known/oauth-protected-resource/notes`

/** Calls the notes with an Authorization header or other headers. */
const call = (server: TestServer, headers: Readonly<Record<string, string>>) => server.send(resource, { headers })

const withAuthorization = (server: TestServer, authorization: string) => call(server, { authorization })

/** Returns the attributes of a bearer challenge (RFC 9110 §11.6.1). */
const challengeOf = (answer: Response): Readonly<Record<string, string>> => {
  const [, attributes = ""] = /^Bearer (.*)$/.exec(answer.headers.get("www-authenticate") ?? "") ?? []
  return Object.fromEntries(Array.from(attributes.matchAll(/(\w+)="([^"]*)"/g), ([, name, value]) => [name, value]))
}

describe("a request without a token", () => {
  // RS-01
  test("the challenge without a token names the metadata and no error (RFC 6750 §3.1, RFC 9728 §5.1)", async (server) => {
    const answer = await call(server, {})
    expect(answer.status).toBe(401)
    expect(answer.headers.get("www-authenticate")).toBe(`Bearer scope="notes:read", resource_metadata="${metadata}"`)
    expect(answer.headers.get("access-control-expose-headers")).toBe("WWW-Authenticate, X-Request-Id")
    expect(answer.headers.get("cache-control")).toBe("no-store")
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff")
    expect(await answer.json()).toEqual({})
  })

  test("a request with other credentials counts as one without a token", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    const basic = Buffer.from(`${client.client_id}:${access_token}`).toString("base64")
    const others = [`Basic ${basic}`, `Bearer${access_token}`, access_token, `DPoP ${access_token}`, "", `"Bearer" x`]
    for (const authorization of others) {
      const answer = await withAuthorization(server, authorization)
      expect(answer.status, authorization).toBe(401)
      expect(challengeOf(answer), authorization).not.toHaveProperty("error")
    }
    const elsewhere = [{ cookie: `access_token=${access_token}` }, { "x-access-token": access_token }]
    for (const headers of elsewhere) expect((await call(server, headers)).status).toBe(401)
  })

  // RS-04, RS-05
  test("a token in the URL or in the body counts as no token (OAuth 2.1 §5.1)", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    for (const answer of [
      await server.send(`${resource}?access_token=${access_token}`),
      await server.post(resource, { access_token })
    ]) {
      expect(answer.status).toBe(401)
      expect(challengeOf(answer)).not.toHaveProperty("error")
    }
  })
})

describe("a request with a token", () => {
  // RS-02
  test("a request with a valid token passes, with the scheme in any case (RFC 9110 §11.1)", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    for (const scheme of ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "]) {
      const answer = await withAuthorization(server, scheme + access_token)
      expect(answer.status, scheme).toBe(200)
      expect(await answer.json()).toMatchObject({ clientId: client.client_id, scope: "notes:read notes:write" })
    }
  })

  // RS-26
  test("shared caches do not store a guarded response (RFC 9111 §3.5)", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const { headers } = await server.call(access_token)
    expect(headers.get("cache-control")).toBe("private, no-store")
    expect(headers.get("vary")).toBe("Authorization")
  })

  // RS-03
  test("a header whose token is not one word is malformed (RFC 6750 §2.1, §3.1)", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const tokens = [
      "",
      " ",
      "a b",
      "a,b",
      `${access_token} x`,
      `${access_token},x`,
      `"${access_token}"`,
      "é",
      "a=b",
      "=",
      ";"
    ]
    const twice = [`${access_token}, Bearer ${access_token}`, `${access_token}, Basic x`]
    for (const token of [...tokens, ...twice]) {
      const answer = await withAuthorization(server, `Bearer ${token}`)
      expect(await outcome(answer), token).toBe("400 invalid_request")
      expect(challengeOf(answer)).toMatchObject({ error: "invalid_request", resource_metadata: metadata })
    }
  })

  // RS-06
  test("the error of an invalid token does not reveal the reason (RFC 6750 §3.1)", async (server) => {
    const client = await server.register()
    const [expired, revoked] = [await server.tokens(client), await server.tokens(client)]
    await server.advance("10 minutes")
    const { refresh_token } = revoked
    const { access_token: fresh } = await Server.tokensOf(server.refresh(client, refresh_token))
    const { terms } = await server.grant(refresh_token)
    await server.run(
      Effect.flatMap(GrantStore, (grants) => grants.revoke(terms.id, "ConsentWithdrawn", terms.approvedAt))
    )
    const answers = await Promise.all(
      [expired.access_token, fresh, "x", "lk_at_x", `${fresh}x`].map(async (token) => {
        const answer = await server.call(token)
        const body = (await answer.json()) as Readonly<Record<string, string>>
        return { status: answer.status, headers: sameEachTime(answer), body }
      })
    )
    const [first, ...others] = answers
    expect(first?.status).toBe(401)
    expect(first?.body).toEqual({ error: "invalid_token", error_description: expect.any(String) })
    expect(Object.fromEntries(first?.headers ?? [])["www-authenticate"]).toBe(
      `Bearer error="invalid_token", error_description="${first?.body.error_description}", scope="notes:read", resource_metadata="${metadata}"`
    )
    for (const other of others) expect(other).toEqual(first)
  })

  test("a token is valid before its expiry, and not at its expiry", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    await server.advance(599_999)
    expect(await outcome(server.call(access_token))).toBe("200")
    await server.advance(1)
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
  })

  // RS-24
  test("a revoked token is refused at the next request", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    expect(await outcome(server.call(access_token))).toBe("200")
    const { terms } = await server.grant(refresh_token)
    await server.run(
      Effect.flatMap(GrantStore, (grants) =>
        grants.revokeAll({ subject: terms.subject }, "SubjectRevoked", terms.approvedAt, { limit: 9 })
      )
    )
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
  })

  // RS-11
  test("a token of another kind is not an access token (RFC 9068 §5)", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const { refresh_token } = await server.tokens(client)
    const { page } = await server.toConsent(client)
    const others: Readonly<Record<string, string>> = {
      "a refresh token": refresh_token,
      "a code": (await server.code(client)).code,
      "a client's secret": String(client.client_secret),
      "a form": page.document.querySelector("input[name=form]")?.getAttribute("value") ?? "",
      "a form by another name": (page.document.querySelector("input[name=form]")?.getAttribute("value") ?? "").replace(
        "fm",
        "at"
      ),
      "an unsigned JWT": "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJhZGEifQ.",
      "a long word": "a".repeat(32_768)
    }
    for (const [name, token] of Object.entries(others)) {
      expect(await outcome(server.call(token)), name).toBe("401 invalid_token")
    }
  })

  // RS-17
  test("a token with any changed character is refused", async (server) => {
    const { access_token } = await server.tokens(await server.register())
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    const replaced = (index: number, character: string) =>
      access_token.slice(0, index) + character + access_token.slice(index + 1)
    const spellings = [
      ...Array.from(access_token, (character, index) => replaced(index, character === "A" ? "B" : "A")),
      // The last character carries bits that no byte has.
      ...Array.from(alphabet, (character) => replaced(access_token.length - 1, character)),
      ...Array.from({ length: 50 }, (_, index) => access_token.slice(0, index) + access_token.slice(index + 1)),
      ...["=", "==", ".", "A", "AA", "AAAA", "~", "/", "+"].map((suffix) => access_token + suffix),
      access_token.replaceAll("-", "+").replaceAll("_", "/"),
      access_token.toUpperCase(),
      access_token.slice(6),
      access_token + access_token
    ].filter((spelling) => spelling !== access_token)
    for (const spelling of spellings) expect((await server.call(spelling)).status, spelling).toBe(401)
    expect(await outcome(server.call(access_token))).toBe("200")
  })
})

describe("the resource", () => {
  // RS-08
  test(
    "a guard accepts only tokens for its resource (RFC 8707 §2, RFC 6750 §5.2)",
    async (server) => {
      const client = await server.register()
      const ofNotes = await server.tokens(client, { scope: "notes:read", resource })
      const ofFiles = await server.tokens(client, { scope: "files:read", resource: files.uri })
      for (const [token, right, wrong] of [
        [ofNotes.access_token, resource, files.uri],
        [ofFiles.access_token, files.uri, resource]
      ] as const) {
        expect(await outcome(server.call(token, right))).toBe("200")
        expect(await outcome(server.call(token, wrong))).toBe("401 invalid_token")
      }
    },
    bothResources
  )

  const archive = { uri: `${resource}/archive`, scopes: { "archive:read": "Read the archive" } }
  test(
    "a token for a resource with the same prefix is refused",
    async (server) => {
      const client = await server.register()
      const short = await server.tokens(client, { scope: "notes:read", resource })
      const long = await server.tokens(client, { scope: "archive:read", resource: archive.uri })
      expect(await outcome(server.call(short.access_token, archive.uri))).toBe("401 invalid_token")
      expect(await outcome(server.call(long.access_token))).toBe("401 invalid_token")
    },
    { settings: { resources: [notes, archive] } }
  )

  for (const [name, options] of [
    ["one that is no URL", { scopes: [], resource: "other" }],
    ["one of several that it does not name", { scopes: [] }]
  ] as const) {
    it.scoped(`a guard of ${name} does not start`, () =>
      Effect.gen(function* () {
        const make = Server.make({ ...bothResources, routes: Server.guarded("/other", options) })
        const error = yield* Effect.flip(make)
        expect(error).toBeInstanceOf(BearerAuth.UnknownResource)
      })
    )
  }
})

describe("a resource that is not in the settings", () => {
  const archive = ResourceIndicator.make(`${issuer}/archive`)
  const other = {
    settings: { resources: [notes] },
    routes: Server.guarded("/archive", { scopes: ["archive:read"], resource: archive })
  }

  test(
    "no request passes before the operator creates the resource or after its deletion",
    async (server) => {
      const store = <A>(use: (store: ResourceStore["Type"]) => Effect.Effect<A, TemporarilyUnavailable>) =>
        server.run(Effect.flatMap(ResourceStore, use))
      const metadataOf = () => server.send("/.well-known/oauth-protected-resource/archive")
      const call = (headers = {}) => server.send(archive, { headers })
      const challenge = `Bearer scope="archive:read", resource_metadata="${issuer}/.well-known/oauth-protected-resource/archive"`

      expect((await call()).headers.get("www-authenticate")).toBe(challenge)
      expect((await metadataOf()).status).toBe(404)

      await store((resources) =>
        resources.insert({
          uri: archive,
          scopes: { "archive:read": "Read the archive" },
          credentials: Option.none()
        })
      )
      await server.advance("1 second")
      expect(await (await metadataOf()).json()).toMatchObject({ resource: archive, scopes_supported: ["archive:read"] })
      const client = await server.register()
      const { access_token } = await server.tokens(client, { scope: "archive:read", resource: archive })
      const bearer = { authorization: `Bearer ${access_token}` }
      expect((await call()).headers.get("www-authenticate")).toBe(challenge)
      expect(await outcome(call(bearer))).toBe("200")

      await store((resources) => resources.remove(archive))
      await server.advance("1 second")
      expect((await metadataOf()).status).toBe(404)
      expect(await outcome(call(bearer))).toBe("401 invalid_token")
    },
    other
  )
})

describe("a guard with challengeScopes", () => {
  const guard = { scopes: ["notes:read"], challengeScopes: ["notes:write", "notes:read"] }

  test(
    "a guard names its challengeScopes without a valid token, and does not require them",
    async (server) => {
      const all = { scope: "notes:read notes:write" }
      expect(challengeOf(await call(server, {}))).toMatchObject(all)
      expect(challengeOf(await withAuthorization(server, "Bearer nothing"))).toMatchObject(all)

      const client = await server.register()
      const { access_token } = await server.tokens(client, { scope: "notes:read" })
      expect((await server.call(access_token)).status).toBe(200)
    },
    { routes: Server.guarded("/notes", guard) }
  )

  test(
    "the challenge of a token with too little scope names the operation's scope and that of the token",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), { scope: "notes:write" })
      expect(challengeOf(await server.call(access_token))).toMatchObject({
        error: "insufficient_scope",
        scope: "notes:read notes:write"
      })
    },
    { routes: Server.guarded("/notes", guard) }
  )
})

describe("the scope", () => {
  let runs = 0
  // What its handler fails with, its guard answers; the type of a layer does not say so.
  // @effect-diagnostics unsafeEffectTypeAssertion:off
  const writing = HttpLayerRouter.add(
    "*",
    "/notes",
    Effect.gen(function* () {
      yield* BearerAuth.requireScope("notes:write")
      runs += 1
      const { scope } = yield* CurrentAccess
      return HttpServerResponse.unsafeJson(Array.from(scope), { headers: { "cache-control": "private, max-age=60" } })
    })
  ).pipe(Layer.provide(BearerAuth.layer({ scopes: ["notes:read"] }))) as ReturnType<typeof Server.guarded>

  // RS-07
  test("the challenge names the scope of the operation, and what the client has (RFC 6750 §3.1)", async (server) => {
    const { access_token } = await server.tokens(await server.register(), { scope: "notes:write" })
    const answer = await server.call(access_token)
    expect(await outcome(answer)).toBe("403 insufficient_scope")
    expect(challengeOf(answer)).toEqual({
      error: "insufficient_scope",
      error_description: expect.any(String),
      scope: "notes:read notes:write",
      resource_metadata: metadata
    })
  })

  test(
    "the challenge of a handler names its scope and the guard's, so that a new token passes",
    async (server) => {
      const client = await server.register()
      const narrow = await server.tokens(client, { scope: "notes:read" })
      const answer = await server.call(narrow.access_token)
      expect(await outcome(answer)).toBe("403 insufficient_scope")
      expect(runs).toBe(0)
      const { scope = "" } = challengeOf(answer)
      expect(scope).toBe("notes:read notes:write")

      const wide = await server.tokens(client, { scope })
      const passed = await server.call(wide.access_token)
      expect(passed.status).toBe(200)
      expect(runs).toBe(1)
      // What the handler says of caching stands.
      expect(passed.headers.get("cache-control")).toBe("private, max-age=60")
    },
    { routes: writing }
  )

  const similar = {
    "notes:read:all": "Read all",
    "notes:rea": "Rea",
    "NOTES:READ": "READ",
    notes: "Notes",
    "notes:read": "Read"
  }
  test(
    "scopes are compared exactly, and not by prefix",
    async (server) => {
      const client = await server.register()
      for (const scope of Object.keys(similar).filter((token) => token !== "notes:read")) {
        const { access_token } = await server.tokens(client, { scope, resource })
        expect(await outcome(server.call(access_token)), scope).toBe("403 insufficient_scope")
      }
    },
    {
      settings: { resources: [{ uri: resource, scopes: similar }] },
      routes: Server.guarded("/notes", { scopes: ["notes:read"] })
    }
  )

  test("a token cannot have more scope than its grant", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client, { scope: "notes:read" })
    expect(await (await server.call(access_token)).json()).toMatchObject({ scope: "notes:read" })
  })
})

describe("a token of a key that is not known", () => {
  let reads = 0
  let fails = false
  const failure = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
  const storage = Storage.changed(
    Storage.verbs(KeyStore, ({ list }) => ({
      list: Effect.suspend(() => {
        reads += 1
        // A store takes its time, and others ask meanwhile.
        const later = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        return fails ? Effect.fail(failure) : Effect.zipRight(later, list)
      })
    }))
  )
  const ofAnotherKey = (token: string) => token.replace(/^lk_at_.{8}/, "lk_at_AAAAAAAA")

  test(
    "a token of an unknown key makes the server read the keys once, at most once a second, and is then refused",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      const token = ofAnotherKey(access_token)
      await server.advance("1 second")
      reads = 0
      const outcomes = await Promise.all(Array.from({ length: 10 }, () => outcome(server.call(token))))
      expect(new Set(outcomes)).toEqual(new Set(["401 invalid_token"]))
      expect(reads).toBe(1)
      // What was read a moment ago may not have it yet, so it is looked for once; more often than that nobody has it looked for.
      await server.advance(998)
      for (let i = 0; i < 10; i++) expect(await outcome(server.call(token))).toBe("401 invalid_token")
      expect(reads).toBe(2)
      await server.advance(999)
      for (let i = 0; i < 10; i++) await server.call(token)
      expect(reads).toBe(2)
      await server.advance(1)
      await server.call(token)
      expect(reads).toBe(3)
    },
    { storage }
  )

  test(
    "a token of an unknown key gets 503 while the keys cannot be read",
    async (server) => {
      const { access_token } = await server.tokens(await server.register())
      await server.advance("1 second")
      fails = true
      const answer = await server.call(ofAnotherKey(access_token))
      fails = false
      expect(await outcome(answer)).toBe("503 temporarily_unavailable")
      expect(answer.headers.get("retry-after")).toBe("1")
      expect(answer.headers.has("www-authenticate")).toBe(false)
      expect(await outcome(server.call(access_token))).toBe("200")
    },
    { storage }
  )
})
