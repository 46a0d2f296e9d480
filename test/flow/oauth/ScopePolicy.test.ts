/** What an app's own policy takes away: from the consent page, from what is remembered, and from clients themselves. */
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
  "what the policy refuses does not stand on the page, and is not granted",
  async (server) => {
    const client = await server.register()
    const { page } = await server.toConsent(client)
    expect(boxes(page)).toEqual(["notes:read"])
    expect((await server.tokens(client)).scope).toBe("notes:read")
  },
  only("notes:read")
)

test(
  "what the policy adds is left out",
  async (server) => {
    const client = await server.register()
    const { page } = await server.toConsent(client, { scope: "notes:read" })
    expect(boxes(page)).toEqual(["notes:read"])
  },
  only("notes:read", "notes:write", "admin")
)

test(
  "nothing left is access_denied (RFC 6749 §4.1.2.1), and invalid_scope for a client itself (§5.2)",
  async (server) => {
    const { page } = await server.toConsent(await server.register())
    expect(page.document.querySelector("h1")?.text).toBe("Before you go on")
    expect(page.html).toContain("error=access_denied")
    const client = await server.addClient()
    const asked = server.token(client, { grant_type: "client_credentials", resource })
    expect(await outcome(asked)).toBe("400 invalid_scope")
  },
  only("admin")
)

test(
  "a client that acts for itself gets what the policy leaves, and the policy sees that nobody is there",
  async (server) => {
    const asked = await server.token(await server.addClient(), { grant_type: "client_credentials", resource })
    expect(await asked.json()).toMatchObject({ scope: "notes:read" })
  },
  {
    seams: ScopePolicy.layer(({ account, scope }) =>
      Effect.succeed(Option.isNone(account) ? Scope.difference(scope, Scope.make("notes:write")) : Scope.empty)
    )
  }
)

const changing = { permitted: Scope.make("notes:read", "notes:write") }
test(
  "it is asked again at Allow, and where consent is remembered",
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

test(
  "a policy that cannot answer is an outage, and no refusal",
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
