/** An app's own policy limits the scope on the consent page, of a remembered consent, and of client_credentials. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as ResourceScopes from "../../../src/domain/ResourceScopes.js"
import * as Scope from "../../../src/domain/Scope.js"
import * as ScopePolicy from "../../../src/services/ScopePolicy.js"
import type { Page } from "../support/Browser.js"
import { outcome, resource, test } from "../support/Server.js"

const boxes = ({ document }: Page) =>
  document.querySelectorAll("input[type=checkbox]").map((box) => box.getAttribute("value"))

const only = (...tokens: ReadonlyArray<string>) => ({
  seams: ScopePolicy.layer(() => Effect.succeed(Scope.make(...tokens)))
})

test(
  "a scope that the policy refuses is not on the page and is not granted",
  async (server) => {
    const client = await server.register()
    const { page } = await server.toConsent(client)
    expect(boxes(page)).toEqual(["notes:read"])
    expect((await server.tokens(client)).scope).toBe("notes:read")
  },
  only("notes:read")
)

test(
  "a scope that the policy adds is ignored",
  async (server) => {
    const client = await server.register()
    const { page } = await server.toConsent(client, { scope: "notes:read" })
    expect(boxes(page)).toEqual(["notes:read"])
  },
  only("notes:read", "notes:write", "admin")
)

test(
  "an empty permitted scope is access_denied (RFC 6749 §4.1.2.1), and invalid_scope for client_credentials (§5.2)",
  async (server) => {
    const { page } = await server.toConsent(await server.register())
    expect(page.document.querySelector("h1")?.text).toBe("Before you go on")
    expect(page.html).toContain("error=access_denied")
    const client = await server.addClient()
    const answer = server.token(client, { grant_type: "client_credentials", resource })
    expect(await outcome(answer)).toBe("400 invalid_scope")
  },
  only("admin")
)

test(
  "client_credentials gets the permitted scope, and the policy gets no account",
  async (server) => {
    const answer = await server.token(await server.addClient(), { grant_type: "client_credentials", resource })
    expect(await answer.json()).toMatchObject({ scope: "notes:read" })
  },
  {
    seams: ScopePolicy.layer(({ account, scope }) =>
      Effect.succeed(Option.isNone(account) ? Scope.difference(scope, Scope.make("notes:write")) : Scope.empty)
    )
  }
)

const changing = { permitted: Scope.make("notes:read", "notes:write") }
test(
  "the policy is asked again at Allow and for a remembered consent",
  async (server) => {
    const client = await server.register()
    const { browser, page, url } = await server.toConsent(client)
    changing.permitted = Scope.make("notes:read")
    const { sentTo } = await browser.submit(page, { button: "allow" })
    const grant = await server.grant(sentTo?.searchParams.get("code") ?? "")
    expect(ResourceScopes.scope(grant.terms.granted)).toEqual(Scope.make("notes:read"))

    url.searchParams.set("prompt", "none")
    url.searchParams.set("scope", "notes:read")
    expect((await browser.open(url)).sentTo?.searchParams.has("code")).toBe(true)
    changing.permitted = Scope.empty
    expect((await browser.open(url)).sentTo?.searchParams.get("error")).toBe("consent_required")
  },
  { seams: ScopePolicy.layer(() => Effect.sync(() => changing.permitted)) }
)

const asked: Array<string> = []
test(
  "the policy is asked once for a visit, with the requested scopes and those of an earlier consent",
  async (server) => {
    const client = await server.register()
    await server.tokens(client)
    const { browser, url } = await server.toConsent(client)
    url.searchParams.set("scope", "notes:read")
    for (const prompt of ["consent", "none"]) {
      url.searchParams.set("prompt", prompt)
      asked.length = 0
      await browser.open(url)
      expect(asked, prompt).toEqual(["notes:read notes:write"])
    }
  },
  {
    seams: ScopePolicy.layer(({ scope }) =>
      Effect.sync(() => {
        asked.push(Scope.format(scope))
        return scope
      })
    )
  }
)

test(
  "a failing policy is answered with 503 and not with a refusal",
  async (server) => {
    const { page } = await server.toConsent(await server.register())
    expect(page.status).toBe(503)
  },
  {
    seams: ScopePolicy.layer(
      () => new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later", cause: "down" })
    )
  }
)
