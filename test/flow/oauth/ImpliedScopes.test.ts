/** A resource whose scopes imply others: who may write notes may read them (ADR 55). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ResourceIndicator } from "../../../src/domain/Resource.js"
import * as Scope from "../../../src/domain/Scope.js"
import { ResourceRegistration } from "../../../src/services/resources/ResourceRegistration.js"
import * as ScopePolicy from "../../../src/services/ScopePolicy.js"
import {
  basic,
  guarded,
  issuer,
  make,
  outcome,
  resource,
  test as run,
  type TestServer,
  tokensOf
} from "../support/Server.js"

const notes = {
  uri: resource,
  scopes: { "notes:read": "Read your notes", "notes:write": "Write notes", "notes:admin": "Delete notes" },
  implies: { "notes:write": ["notes:read"], "notes:admin": ["notes:write"] }
}
const reading = { scopes: ["notes:read"], principals: ["User", "Client"] } as const
const options = { settings: { resources: [notes] }, routes: guarded("/notes", reading) }
const test = (title: string, rule: (server: TestServer) => Promise<unknown>) => run(title, rule, options)

const scopeOf = async (server: TestServer, token: string) => {
  const response = await server.call(token)
  return response.status === 200 ? ((await response.json()) as { readonly scope: string }).scope : outcome(response)
}

describe("a guard", () => {
  test("a token for notes:write passes a route that needs notes:read", async (server) => {
    const tokens = await server.tokens(await server.register(), { scope: "notes:write" })
    expect(tokens.scope).toBe("notes:write notes:read")
    expect(await scopeOf(server, tokens.access_token)).toBe("notes:write notes:read")
    // From memory, too.
    expect(await scopeOf(server, tokens.access_token)).toBe("notes:write notes:read")
  })

  test("implications are transitive", async (server) => {
    const { access_token } = await server.tokens(await server.register(), { scope: "notes:admin" })
    expect(await scopeOf(server, access_token)).toBe("notes:admin notes:write notes:read")
  })

  run(
    "a token for notes:read does not pass a route that needs notes:write, and the challenge keeps what it has",
    async (server) => {
      const { access_token } = await server.tokens(await server.register(), { scope: "notes:read" })
      const response = await server.call(access_token)
      expect(response.status).toBe(403)
      expect(response.headers.get("www-authenticate")).toContain('scope="notes:write notes:read"')
    },
    { ...options, routes: guarded("/notes", { scopes: ["notes:write"] }) }
  )
})

describe("the consent page", () => {
  test("a scope is shown with the sentences of everything that it implies", async (server) => {
    const { page } = await server.toConsent(await server.register(), { scope: "notes:admin" })
    expect(page.document.querySelectorAll("input[name=scope]")).toHaveLength(1)
    expect(page.document.querySelector(".included")?.text).toBe("Includes: Read your notes, Write notes")
  })

  test("the grant holds the ticked scope alone", async (server) => {
    const { code } = await server.code(await server.register(), { scope: "notes:write" })
    expect((await server.grant(code)).terms.granted).toEqual(new Map([[resource, new Set(["notes:write"])]]))
  })

  test("a remembered consent for notes:write covers notes:read, and not the other way round", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client, { scope: "notes:write" })
    await browser.submit(page, { button: "allow" })
    const isCovered = async (scope: string) =>
      (await browser.open((await server.request(client, { scope })).url)).sentTo?.searchParams.has("code") === true
    expect(await isCovered("notes:read")).toBe(true)
    expect(await isCovered("notes:read notes:write")).toBe(true)
    expect(await isCovered("notes:admin")).toBe(false)
  })

  test("a scope that an allowed one implies is not marked as new", async (server) => {
    const client = await server.register()
    await server.tokens(client, { scope: "notes:write" })
    const { page } = await server.toConsent(client, { scope: "notes:read notes:admin" })
    const fresh = page.document
      .querySelectorAll("label.scope")
      .filter((row) => row.querySelector(".new") !== null)
      .map((row) => row.querySelector("input")?.getAttribute("value"))
    expect(fresh).toEqual(["notes:admin"])
  })
})

describe("a token request", () => {
  test("a refresh may narrow from notes:write to notes:read, and not widen to notes:admin", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client, { scope: "notes:write" })
    const narrowed = await tokensOf(server.refresh(client, refresh_token, { scope: "notes:read" }))
    expect(narrowed.scope).toBe("notes:read")
    expect(await scopeOf(server, narrowed.access_token)).toBe("notes:read")
    const wider = server.refresh(client, narrowed.refresh_token, { scope: "notes:admin" })
    expect(await outcome(wider)).toBe("400 invalid_scope")
    const whole = await tokensOf(server.refresh(client, narrowed.refresh_token))
    expect(await scopeOf(server, whole.access_token)).toBe("notes:write notes:read")
  })

  test("a client of the operator may request everything that its scope implies", async (server) => {
    const client = await server.addClient({ scope: "notes:write" })
    const tokenFor = (scope?: string) => server.token(client, { grant_type: "client_credentials", scope })
    expect((await tokensOf(tokenFor())).scope).toBe("notes:write notes:read")
    const reader = await tokensOf(tokenFor("notes:read"))
    expect(await scopeOf(server, reader.access_token)).toBe("notes:read")
    expect(await outcome(tokenFor("notes:admin"))).toBe("400 invalid_scope")
  })

  run(
    "a policy that refuses notes:read refuses notes:write, which implies it",
    async (server) => {
      const { page } = await server.toConsent(await server.register(), { scope: "notes:write notes:read" })
      expect(page.html).toContain("error=access_denied")
    },
    {
      ...options,
      seams: ScopePolicy.layer(({ scope }) => Effect.succeed(Scope.difference(scope, Scope.make("notes:read"))))
    }
  )
})

describe("introspection", () => {
  run(
    "the answer to a resource server has all implied scopes, so that it need not know the implications (RFC 7662 §2.2)",
    async (server) => {
      const uri = `${issuer}/mail`
      const { resource, secret } = await server.run(
        Effect.flatMap(ResourceRegistration, ({ register }) =>
          register({
            uri: ResourceIndicator.make(uri),
            scopes: { "mail:read": "Read your mail", "mail:send": "Send mail" },
            implies: { "mail:send": ["mail:read"] },
            introspects: true
          })
        )
      )
      const client = await server.register()
      await server.advance("1 second")
      const tokens = await server.tokens(client, { resource: uri, scope: "mail:send" })
      const [id, key] = [Option.getOrThrow(resource.credentials).id, Redacted.value(Option.getOrThrow(secret))]
      const answer = await server.post("/introspect", { token: tokens.access_token }, basic(id, key))
      expect(await answer.json()).toMatchObject({ active: true, scope: "mail:send mail:read" })
    },
    options
  )

  test("the answer to the client has all implied scopes of both kinds of tokens", async (server) => {
    const client = await server.register({ token_endpoint_auth_method: "client_secret_basic" })
    const tokens = await server.tokens(client, { scope: "notes:write" })
    for (const token of [tokens.access_token, tokens.refresh_token]) {
      const known = await (await server.ask("/introspect", client, { token })).json()
      expect(known).toMatchObject({ active: true, scope: "notes:write notes:read" })
    }
  })
})

describe("a resource with wrong implications", () => {
  it.scoped.each<readonly [Readonly<Record<string, ReadonlyArray<string>>>, string]>([
    [{ "notes:write": ["notes:raed"] }, '"notes:raed" (did you mean "notes:read"?)'],
    [{ "notes:write": ["notes:read"], "notes:read": ["notes:write"] }, "implies has a cycle"]
  ])("a server with the implications %j does not start", ([implies, said]) =>
    Effect.gen(function* () {
      const resources = [{ ...notes, implies }]
      const error = yield* Effect.flip(make({ settings: { resources }, routes: Layer.empty }))
      expect(error.message).toContain(`${resource}: `)
      expect(error.message).toContain(said)
    })
  )
})
