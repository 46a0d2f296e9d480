/** When a remembered consent answers a request without a page, and when the user is asked all the same (ADR 15). */
import { describe, expect } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { ClientId } from "../../../src/domain/Client.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { Clients } from "../../../src/services/clients/Clients.js"
import { Events } from "../../../src/services/events/Events.js"
import { GrantRevocation } from "../../../src/services/grants/GrantRevocation.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import type { Page } from "../support/Browser.js"
import {
  consentHeading,
  files,
  notes,
  outcome,
  type Parameters,
  redirectUri,
  resource,
  type TestServer,
  test
} from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const answerOf = ({ document, sentTo, status }: Page): string =>
  sentTo === undefined
    ? `${status} ${document.querySelector("h1")?.text}`
    : `${status} ${sentTo.searchParams.get("error") ?? (sentTo.searchParams.has("code") ? "code" : "?")}`

const consentPage = `200 ${consentHeading}`
const code = "303 code"

/** A user who has allowed a client its request, and is still logged in. */
const afterConsent = async (server: TestServer, metadata = {}, parameters: Parameters = {}) => {
  const client = await server.register(metadata)
  const { browser, page } = await server.toConsent(client, parameters)
  await browser.submit(page, { button: "allow" })
  const open = async (more: Parameters = {}) =>
    browser.open((await server.request(client, { ...parameters, ...more })).url)
  return { browser, client, open }
}

const grantsOf = (server: TestServer, clientId: string) =>
  server.run(Effect.flatMap(GrantStore, (grants) => grants.list({ clientId: ClientId.make(clientId) }, { limit: 100 })))

const subjectOf = (server: TestServer) =>
  server.run(
    Effect.map(
      Effect.flatMap(AccountStore, ({ list }) => list({ limit: 1_000 })),
      ([account]) => Option.getOrThrow(Option.fromNullable(account)).id
    )
  )

describe("a user who has allowed everything that is requested", () => {
  test("a remembered consent gives a code at once, and the code can be redeemed", async (server) => {
    const { browser, client } = await afterConsent(server)
    for (const parameters of [{}, { scope: "notes:read" }, { prompt: "none" }]) {
      const { url, verifier } = await server.request(client, parameters)
      const { sentTo } = await browser.open(url)
      expect(sentTo?.searchParams.get("state")).toBe("the state")
      expect(sentTo?.searchParams.get("iss")).toBe(server.issuer)
      const redeemed = await server.redeem(client, { code: sentTo?.searchParams.get("code") ?? "", verifier })
      expect(await redeemed.json()).toMatchObject({ scope: parameters.scope ?? "notes:read notes:write" })
    }
  })

  // AUTHZ-39
  test("a public client on loopback or with an app scheme asks the user each time (RFC 8252 §8.6)", async (server) => {
    for (const uri of ["http://127.0.0.1:3000/callback", "com.example.app:/callback"]) {
      const { open } = await afterConsent(server, { redirect_uris: [uri] }, { redirect_uri: uri })
      expect(answerOf(await open())).toBe(consentPage)
      expect(answerOf(await open({ prompt: "none" }))).toBe("303 consent_required")
    }
  })

  test("a confidential client on loopback gets a code from a remembered consent", async (server) => {
    const uri = "http://127.0.0.1:3000/callback"
    const metadata = { redirect_uris: [uri], token_endpoint_auth_method: "client_secret_basic" }
    const { open } = await afterConsent(server, metadata, { redirect_uri: uri })
    expect(answerOf(await open())).toBe(code)
  })

  test("prompt and max_age ask for consent or a login although consent is remembered (OpenID Connect Core §3.1.2.1)", async (server) => {
    const { browser, open } = await afterConsent(server)
    expect(answerOf(await open({ prompt: "consent" }))).toBe(consentPage)
    for (const parameters of [{ prompt: "login" }, { prompt: "select_account" }]) {
      const page = await open(parameters)
      expect(answerOf(page)).toBe("200 Log in")
      expect(answerOf(await server.logIn(browser, page))).toBe(code)
    }
    const both = await open({ prompt: "login consent" })
    expect(answerOf(await server.logIn(browser, both))).toBe(consentPage)
    await server.advance("1 minute")
    expect(answerOf(await open({ max_age: "30" }))).toBe("200 Log in")
    expect(answerOf(await open({ max_age: "30", prompt: "none" }))).toBe("303 login_required")
  })

  test("a remembered consent does not count for another user", async (server) => {
    const { browser, open } = await afterConsent(server)
    await server.addAccount("bob")
    const page = await open({ prompt: "login" })
    expect(answerOf(await server.logIn(browser, page, "bob"))).toBe(consentPage)
  })
})

describe("a user who has not allowed everything", () => {
  test(
    "a new scope, resource or redirect URI asks for consent",
    async (server) => {
      const { open } = await afterConsent(
        server,
        { redirect_uris: [redirectUri, "https://client.example/other"] },
        { scope: "notes:read" }
      )
      expect(answerOf(await open())).toBe(code)
      expect(answerOf(await open({ scope: "notes:read notes:write" }))).toBe(consentPage)
      expect(answerOf(await open({ scope: "notes:read files:read", resource: [resource, files.uri] }))).toBe(
        `${consentPage} and ${files.uri}`
      )
      expect(answerOf(await open({ scope: "notes:read", resource: [resource, files.uri] }))).toBe(
        `${consentPage} and ${files.uri}`
      )
      expect(answerOf(await open({ redirect_uri: "https://client.example/other" }))).toBe(consentPage)
      expect(answerOf(await open({ scope: "notes:read notes:write", prompt: "none" }))).toBe("303 consent_required")
    },
    { settings: { resources: [notes, files] } }
  )

  test("a withdrawn consent is not remembered", async (server) => {
    const { client, open } = await afterConsent(server)
    const subject = await subjectOf(server)
    await server.run(
      Effect.flatMap(GrantRevocation, ({ withdraw }) => withdraw(subject, ClientId.make(client.client_id)))
    )
    expect(answerOf(await open())).toBe(consentPage)
  })

  test("a consent from before the account was disabled is not remembered", async (server) => {
    const { browser, open } = await afterConsent(server)
    const subject = await subjectOf(server)
    await server.run(
      Effect.flatMap(Accounts, ({ disable, enable }) => Effect.zipRight(disable(subject), enable(subject)))
    )
    const page = await open()
    expect(answerOf(page)).toBe("200 Log in")
    expect(answerOf(await server.logIn(browser, page))).toBe(consentPage)
  })

  test("a consent from before the client was disabled is not remembered", async (server) => {
    const { client, open } = await afterConsent(server)
    const id = ClientId.make(client.client_id)
    await server.run(Effect.flatMap(Clients, ({ disable }) => disable(id)))
    expect(answerOf(await open())).toBe("400 This request cannot be answered")
    await server.run(Effect.flatMap(Clients, ({ enable }) => enable(id)))
    expect(answerOf(await open())).toBe(consentPage)
  })

  test("an expired form with Deny shows the page again and grants nothing", async (server) => {
    const { browser, client, open } = await afterConsent(server)
    const page = await open({ prompt: "consent" })
    await server.advance("11 minutes")
    expect(answerOf(await browser.submit(page, { button: "deny" }))).toBe(consentPage)
    expect(await grantsOf(server, client.client_id)).toHaveLength(1)
  })
})

describe("without a decision of the user", () => {
  test("HEAD and prefetches make no grant from a remembered consent", async (server) => {
    const { browser, client } = await afterConsent(server)
    const cookie = Array.from(browser.cookies, (pair) => pair.join("=")).join("; ")
    const { url } = await server.request(client)
    const ahead: ReadonlyArray<RequestInit> = [
      { method: "HEAD" },
      { headers: { "sec-purpose": "prefetch" } },
      { headers: { "sec-purpose": "prefetch;prerender" } },
      { headers: { purpose: "prefetch" } }
    ]
    for (const init of ahead) {
      const answer = await server.send(url.href, { ...init, headers: { cookie, ...init.headers } })
      expect(await outcome(answer)).toBe("200")
    }
    expect(await grantsOf(server, client.client_id)).toHaveLength(1)
    expect(await outcome(server.send(url.href, { headers: { cookie } }))).toBe("303")
    expect(await grantsOf(server, client.client_id)).toHaveLength(2)
  })

  const written: Array<string> = []
  test(
    "a visit writes nothing before the user decides",
    async (server) => {
      const { browser, client } = await afterConsent(server)
      const others = await server.register()
      written.length = 0
      await browser.open((await server.request(others)).url)
      await browser.open((await server.request(client, { prompt: "consent" })).url)
      expect(written).toEqual([])
      await browser.open((await server.request(client)).url)
      expect(written).toEqual(["approve"])
    },
    { storage: Storage.recorded(written) }
  )

  test("a page that was decided before adds nothing to the remembered consent", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const { sentTo } = await browser.submit(page, { button: "allow", ticked: ["notes:read"] })
    const again = await browser.submit(page, { button: "allow", ticked: ["notes:write"] })
    expect(again.sentTo?.searchParams.get("code")).toBe(sentTo?.searchParams.get("code"))
    await server.advance("2 minutes")
    for (const { terms } of await grantsOf(server, client.client_id)) {
      await server.run(Effect.flatMap(GrantRevocation, ({ revoke }) => revoke(terms.id)))
    }
    expect(answerOf(await browser.submit(page, { button: "allow", ticked: ["notes:write"] }))).toBe(
      "409 Already decided"
    )
    expect(answerOf(await browser.open((await server.request(client, { scope: "notes:read" })).url))).toBe(code)
    expect(answerOf(await browser.open((await server.request(client, { scope: "notes:write" })).url))).toBe(consentPage)
  })
})

test("the Allowed event names the user or the remembered consent", async (server) => {
  const published = server.run(
    Effect.flatMap(Events, ({ stream }) =>
      stream.pipe(
        Stream.filterMap(({ kind }) => (kind._tag === "Allowed" ? Option.some(kind.by) : Option.none())),
        Stream.take(2),
        Stream.runCollect
      )
    )
  )
  const { open } = await afterConsent(server)
  await open()
  expect(Chunk.toReadonlyArray(await published)).toEqual(["Person", "RememberedConsent"])
})
