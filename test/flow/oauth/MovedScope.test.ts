/**
 * An operator moves a scope from one resource to another. A grant from before the move gives the scope at the first resource
 * or nowhere, and never at the second, where no user allowed it (ADR 28).
 */
import { expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import { type Browser, type Page, withForm } from "../support/Browser.js"
import {
  consentHeading,
  files,
  guarded,
  make,
  notes,
  outcome,
  resource,
  type TestServer,
  tokensOf
} from "../support/Server.js"

const both = { resource: [resource, files.uri] }
const everything = { ...both, scope: "notes:read notes:write files:read" }

/** The resources after `notes:write` has moved from the notes to the files. */
const afterMove = [
  { uri: notes.uri, scopes: { "notes:read": "Read your notes" } },
  { uri: files.uri, scopes: { "files:read": "Read your files", "notes:write": "Write notes" } }
]

/** Guards that accept every token for their resource, so that a test sees its scope. */
const open = { scopes: [], principals: ["User", "Client"] } as const
const routes = Layer.merge(
  guarded("/notes", { ...open, resource: notes.uri }),
  guarded("/files", { ...open, resource: files.uri })
)

/** A test with two servers on one storage: one from before the move, and one from after it. */
const test = (
  title: string,
  rule: (before: TestServer, after: TestServer) => Promise<unknown>,
  resources: SettingsOptions["resources"] = afterMove
) =>
  it.scoped(title, () =>
    Effect.gen(function* () {
      const shared = Context.get(yield* Layer.build(Layer.fresh(MemoryStorage.layer)), Storage)
      const storage = Layer.succeed(Storage, shared)
      const before = yield* make({ storage, routes, settings: { resources: [notes, files] } })
      const after = yield* make({ storage, routes, settings: { resources }, isSecond: true })
      yield* Effect.promise(() => rule(before, after))
    })
  )

/** The same browser, at another server. */
const at = (server: TestServer, browser: Browser): Browser => {
  const moved = server.browser()
  for (const [name, value] of browser.cookies) moved.cookies.set(name, value)
  return moved
}

const scopeAt = async (server: TestServer, token: string, uri: string) => {
  const { scope } = (await (await server.call(token, uri)).json()) as { readonly scope: string }
  return scope
}

/** The boxes of a consent page for each resource, with `+` if they are ticked. */
const boxesOf = ({ document }: Page) =>
  document.querySelectorAll("fieldset").map((fieldset) =>
    fieldset.querySelectorAll("input[name=scope]").map((box) => {
      const isTicked = box.hasAttribute("checked")
      return `${isTicked ? "+" : "-"}${box.getAttribute("value")}`
    })
  )

test("an access token from before does not carry a moved scope at its new resource", async (before, after) => {
  const { access_token } = await before.tokens(await before.register(), everything)
  expect(await scopeAt(before, access_token, files.uri)).toBe("files:read")
  expect(await scopeAt(before, access_token, resource)).toBe("notes:read notes:write")
  expect(await scopeAt(after, access_token, files.uri)).toBe("files:read")
  expect(await scopeAt(after, access_token, resource)).toBe("notes:read")
})

test("a refresh does not give a moved scope at its new resource", async (before, after) => {
  const client = await before.register()
  const { refresh_token } = await before.tokens(client, everything)
  const refreshed = await tokensOf(after.refresh(client, refresh_token))
  expect(refreshed.scope).toBe("notes:read files:read")
  expect(await scopeAt(after, refreshed.access_token, files.uri)).toBe("files:read")
  const ofFiles = { resource: files.uri, scope: "notes:write" }
  expect(await outcome(after.refresh(client, refreshed.refresh_token, ofFiles))).toBe("400 invalid_target")
  // After the scope has moved back, it is valid again where the user allowed it.
  const again = await tokensOf(before.refresh(client, refreshed.refresh_token))
  expect(await scopeAt(before, again.access_token, resource)).toBe("notes:read notes:write")
})

test("a code that was approved before does not give a moved scope at its new resource", async (before, after) => {
  const client = await before.register()
  const tokens = await tokensOf(after.redeem(client, await before.code(client, everything)))
  expect(tokens.scope).toBe("notes:read files:read")
  expect(await scopeAt(after, tokens.access_token, files.uri)).toBe("files:read")
})

test("a remembered consent does not cover a moved scope at its new resource", async (before, after) => {
  const client = await before.register()
  const { browser, page } = await before.toConsent(client, everything)
  await browser.submit(page, { button: "allow" })
  const answerOf = async (server: TestServer, parameters: { readonly scope: string }) => {
    const { url } = await server.request(client, { ...both, ...parameters })
    const { document, sentTo } = await at(server, browser).open(url)
    return sentTo?.searchParams.has("code") === true ? "code" : document.querySelector("h1")?.text
  }
  expect(await answerOf(before, everything)).toBe("code")
  expect(await answerOf(after, everything)).toBe(`${consentHeading} and ${files.uri}`)
  expect(await answerOf(after, { scope: "notes:write" })).toBe(`${consentHeading} and ${files.uri}`)
  expect(await answerOf(after, { scope: "notes:read files:read" })).toBe("code")
})

test("a step-up does not carry over a moved scope to its new resource", async (before, after) => {
  const client = await before.register()
  const { browser, page } = await before.toConsent(client, everything)
  await browser.submit(page, { button: "allow" })
  const ask = async (server: TestServer, scope: string) => {
    const { url } = await server.request(client, { ...both, scope, prompt: "consent" })
    return boxesOf(await at(server, browser).open(url))
  }
  expect(await ask(before, "files:read")).toEqual([["+notes:read", "+notes:write"], ["+files:read"]])
  expect(await ask(after, "files:read")).toEqual([["+notes:read"], ["+files:read"]])
  // A requested scope is ticked, also after it has moved.
  expect(await ask(after, "notes:write")).toEqual([["+notes:read"], ["+files:read", "+notes:write"]])
})

test("a consent page from before grants a moved scope where the page showed it", async (before, after) => {
  const client = await before.register()
  const { browser, page, verifier } = await before.toConsent(client, everything)
  const { sentTo } = await at(after, browser).submit(page, { button: "allow" })
  const code = sentTo?.searchParams.get("code") ?? ""
  const { terms } = await after.grant(code)
  expect(terms.granted).toEqual(
    new Map([
      [resource, new Set(["notes:read", "notes:write"])],
      [files.uri, new Set(["files:read"])]
    ])
  )
  const { access_token } = await tokensOf(after.redeem(client, { code, verifier }))
  expect(await scopeAt(after, access_token, files.uri)).toBe("files:read")
})

test(
  "a resource with no ticked scope is not granted, even if it has lost its scopes since",
  async (before, after) => {
    const client = await before.register()
    const { browser, page } = await before.toConsent(client, { ...both, scope: undefined })
    expect(boxesOf(page)).toEqual([["+notes:read", "+notes:write"], ["+files:read"]])
    const { sentTo } = await at(after, browser).submit(page, { button: "allow", ticked: ["notes:read"] })
    const { terms } = await after.grant(sentTo?.searchParams.get("code") ?? "")
    expect(terms.granted).toEqual(new Map([[resource, new Set(["notes:read"])]]))
  },
  [notes, { uri: files.uri, scopes: {} }]
)

test(
  "a resource without scopes is granted without a scope, and later scopes of it are not granted",
  async (before, after) => {
    // Here the second server is the one from before the move.
    const client = await after.register()
    const tokens = await after.tokens(client, { ...both, scope: "notes:read" })
    expect(await scopeAt(before, tokens.access_token, files.uri)).toBe("")
    expect((await tokensOf(before.refresh(client, tokens.refresh_token))).scope).toBe("notes:read")
  },
  [notes, { uri: files.uri, scopes: {} }]
)

test("introspection does not show a moved scope to a client", async (before, after) => {
  const client = await before.register({ token_endpoint_auth_method: "client_secret_basic" })
  const tokens = await before.tokens(client, everything)
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    const known = await (await after.ask("/introspect", client, { token })).json()
    expect(known).toMatchObject({ active: true, aud: both.resource, scope: "notes:read files:read" })
  }
})

test("the account page does not list a moved scope at its new resource", async (before, after) => {
  const client = await before.register()
  const { browser, page } = await before.toConsent(client, everything)
  await browser.submit(page, { button: "allow" })
  const listed = async (server: TestServer) =>
    withForm(await at(server, browser).open(`${server.issuer}/account`), "withdraw").html.includes("notes:write")
  expect(await listed(before)).toBe(true)
  expect(await listed(after)).toBe(false)
})

test("a client's own token has a scope at each resource that offered it, and the next token at its new resource", async (before, after) => {
  const scope = "notes:read notes:write files:read"
  const client = await before.addClient({ scope })
  const answer = await before.token(client, { grant_type: "client_credentials", ...both })
  const { access_token, scope: granted } = (await answer.json()) as {
    readonly access_token: string
    readonly scope: string
  }
  expect(granted).toBe(scope)
  expect(await scopeAt(before, access_token, resource)).toBe("notes:read notes:write")
  expect(await scopeAt(before, access_token, files.uri)).toBe("files:read")
  expect(await scopeAt(after, access_token, resource)).toBe("notes:read")
  expect(await scopeAt(after, access_token, files.uri)).toBe("files:read")
  // No user has allowed this: the operator registered the scope by its name, and moved it.
  const next = (await (await after.token(client, { grant_type: "client_credentials", ...both })).json()) as {
    readonly access_token: string
  }
  expect(await scopeAt(after, next.access_token, files.uri)).toBe("notes:write files:read")
})
