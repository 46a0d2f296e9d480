/** Two resources offer a scope of the same name: a REST API and an MCP server over the same data (ADR 55). */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "../../../src/domain/Scope.js"
import * as ScopePolicy from "../../../src/services/ScopePolicy.js"
import type { Page } from "../support/Browser.js"
import { guarded, issuer, outcome, test as run, type TestServer, tokensOf } from "../support/Server.js"

const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes" }
const api = { uri: `${issuer}/api/notes`, name: "Notes API", scopes }
const mcp = { uri: `${issuer}/mcp`, name: "Notes for assistants", scopes }
const both = { resource: [api.uri, mcp.uri] }

const open = { scopes: [], principals: ["User", "Client"] } as const
const options = {
  settings: { resources: [api, mcp] },
  routes: Layer.merge(
    guarded("/api/notes", { ...open, resource: api.uri }),
    guarded("/mcp", { ...open, resource: mcp.uri })
  )
}
const test = (title: string, rule: (server: TestServer) => Promise<unknown>) => run(title, rule, options)

/** The values of the checkboxes of each resource. */
const boxesOf = ({ document }: Page) =>
  document
    .querySelectorAll("fieldset")
    .map((fieldset) => fieldset.querySelectorAll("input[name=scope]").map((box) => box.getAttribute("value")))

const scopeAt = async (server: TestServer, token: string, uri: string) => {
  const response = await server.call(token, uri)
  return response.status === 200 ? ((await response.json()) as { readonly scope: string }).scope : outcome(response)
}

/** The scope of a token at the API and at the MCP server. */
const scopesOf = async (server: TestServer, token: string) => [
  await scopeAt(server, token, api.uri),
  await scopeAt(server, token, mcp.uri)
]

/** The tokens of a user who ticks these boxes for both resources. */
const ticking = async (server: TestServer, ...ticked: ReadonlyArray<string>) => {
  const client = await server.register()
  const { browser, page, verifier } = await server.toConsent(client, both)
  const { sentTo } = await browser.submit(page, { button: "allow", ticked })
  const code = sentTo?.searchParams.get("code") ?? ""
  return { client, code, verifier, tokens: await tokensOf(server.redeem(client, { code, verifier })) }
}

const writeAtApi = [`${api.uri} notes:read`, `${api.uri} notes:write`, `${mcp.uri} notes:read`]

describe("the consent page", () => {
  test("the value of a checkbox names the resource of a shared scope", async (server) => {
    const { page } = await server.toConsent(await server.register(), both)
    expect(boxesOf(page)).toEqual([api.uri, mcp.uri].map((uri) => [`${uri} notes:read`, `${uri} notes:write`]))
  })

  test("the value of a checkbox is the scope alone if the request is for one of the resources", async (server) => {
    const { page } = await server.toConsent(await server.register(), { resource: mcp.uri })
    expect(boxesOf(page)).toEqual([["notes:read", "notes:write"]])
  })

  test("a shared scope is granted only at the resource where it was ticked", async (server) => {
    const { code } = await ticking(server, ...writeAtApi)
    expect((await server.grant(code)).terms.granted).toEqual(
      new Map([
        [api.uri, new Set(["notes:read", "notes:write"])],
        [mcp.uri, new Set(["notes:read"])]
      ])
    )
  })

  test("a shared scope without its resource ticks nothing", async (server) => {
    const { browser, page } = await server.toConsent(await server.register(), both)
    const again = await browser.submit(page, { fields: { scope: "notes:read" }, button: "allow", ticked: [] })
    expect(again.status).toBe(400)
    expect(again.document.querySelector("#problem")?.text).toContain("Nothing is ticked")
  })

  test("a form that expired keeps its ticks at each resource", async (server) => {
    const { browser, page } = await server.toConsent(await server.register(), both)
    await server.advance("11 minutes")
    const again = await browser.submit(page, { button: "allow", ticked: [`${mcp.uri} notes:write`] })
    const ticked = again.document.querySelectorAll("input[name=scope]").filter((box) => box.hasAttribute("checked"))
    expect(ticked.map((box) => box.getAttribute("value"))).toEqual([`${mcp.uri} notes:write`])
  })

  test("a remembered consent covers a shared scope only at its own resource", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client, { resource: api.uri })
    await browser.submit(page, { button: "allow" })
    const answerTo = async (uri: string) => {
      const { url } = await server.request(client, { resource: uri })
      return (await browser.open(url)).sentTo?.searchParams.has("code") === true
    }
    expect(await answerTo(api.uri)).toBe(true)
    expect(await answerTo(mcp.uri)).toBe(false)
  })
})

describe("an access token", () => {
  test("a token for two resources has at each of them only the scope that was granted there", async (server) => {
    const { tokens } = await ticking(server, ...writeAtApi)
    expect(await scopesOf(server, tokens.access_token)).toEqual(["notes:read notes:write", "notes:read"])
  })

  test("a token for one of the resources is not valid at the other (RFC 8707 §2.2)", async (server) => {
    const { client, tokens } = await ticking(server, ...writeAtApi)
    const { access_token, refresh_token } = await tokensOf(
      server.refresh(client, tokens.refresh_token, { resource: mcp.uri })
    )
    expect(await scopesOf(server, access_token)).toEqual(["401 invalid_token", "notes:read"])
    // Scheme and host in upper case name the same resource (MCP, Canonical Server URI).
    const odd = mcp.uri.replace("http://", "HTTP://").toUpperCase().replace("/MCP", "/mcp")
    const again = await tokensOf(server.refresh(client, refresh_token, { resource: odd }))
    expect(await scopesOf(server, again.access_token)).toEqual(["401 invalid_token", "notes:read"])
  })

  test("a refresh narrows a shared scope at each resource, and never gives it where it was not granted", async (server) => {
    const { client, tokens } = await ticking(server, ...writeAtApi)
    const narrowed = await tokensOf(server.refresh(client, tokens.refresh_token, { scope: "notes:write" }))
    expect(await scopesOf(server, narrowed.access_token)).toEqual(["notes:write", ""])
    const atMcp = server.refresh(client, narrowed.refresh_token, { scope: "notes:write", resource: mcp.uri })
    expect(await outcome(atMcp)).toBe("400 invalid_target")
  })

  test("a request that names a shared scope and no resource is for all resources that offer it", async (server) => {
    const client = await server.register()
    const { page } = await server.toConsent(client, { resource: undefined, scope: "notes:read" })
    expect(boxesOf(page)).toEqual([[`${api.uri} notes:read`], [`${mcp.uri} notes:read`]])
    const { access_token } = await server.tokens(client, { resource: undefined, scope: "notes:read" })
    expect(await scopesOf(server, access_token)).toEqual(["notes:read", "notes:read"])
  })

  test("an unknown resource is refused with invalid_target (RFC 8707 §2)", async (server) => {
    const client = await server.register()
    const { page } = await server.toConsent(client, { resource: `${issuer}/other` })
    expect(page.html).toContain("error=invalid_target")
  })

  test("a client's own token has the shared scope at the resource that it names", async (server) => {
    const client = await server.addClient()
    const tokenFor = async (resource?: ReadonlyArray<string>) =>
      (await tokensOf(server.token(client, { grant_type: "client_credentials", resource }))).access_token
    expect(await scopesOf(server, await tokenFor([mcp.uri]))).toEqual(["401 invalid_token", "notes:read notes:write"])
    expect(await scopesOf(server, await tokenFor())).toEqual(["notes:read notes:write", "notes:read notes:write"])
  })
})

describe("the policy of the app", () => {
  const noWritingAssistant = {
    ...options,
    seams: ScopePolicy.layer(({ resource, scope }) =>
      Effect.succeed(resource.uri === mcp.uri ? Scope.difference(scope, Scope.make("notes:write")) : scope)
    )
  }

  run(
    "the policy permits a shared scope at one resource and refuses it at the other",
    async (server) => {
      const { page } = await server.toConsent(await server.register(), both)
      expect(boxesOf(page)).toEqual([[`${api.uri} notes:read`, "notes:write"], [`${mcp.uri} notes:read`]])
      const { access_token } = await server.tokens(await server.register(), both)
      expect(await scopesOf(server, access_token)).toEqual(["notes:read notes:write", "notes:read"])
    },
    noWritingAssistant
  )

  run(
    "a client's own token has a shared scope only where the policy permits it",
    async (server) => {
      const answer = server.token(await server.addClient(), { grant_type: "client_credentials", ...both })
      expect(await scopesOf(server, (await tokensOf(answer)).access_token)).toEqual([
        "notes:read notes:write",
        "notes:read"
      ])
    },
    noWritingAssistant
  )
})
