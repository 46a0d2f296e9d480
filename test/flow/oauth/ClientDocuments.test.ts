/** Clients by the URL of their metadata document (draft-ietf-oauth-client-id-metadata-document). */
import { describe, expect } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { ClientId } from "../../../src/domain/Client.js"
import { Clients } from "../../../src/services/clients/Clients.js"
import { type ClientKey, claimsOf, makeKey, parametersOf, signed } from "../../support/Assertions.js"
import { headingOf } from "../support/Attempts.js"
import * as Documents from "../support/Documents.js"
import { keptOf } from "../support/EventRows.js"
import * as Server from "../support/Server.js"
import { outcome, redirectUri, type TestServer, tokensOf } from "../support/Server.js"

const client = { client_id: Documents.url, token_endpoint_auth_method: "none" }

/** A test with a web of its own, where the host of the example app answers. */
const test = (
  title: string,
  rule: (server: TestServer, web: Documents.Web) => Promise<unknown>,
  answer: Documents.Answer = { body: Documents.document() },
  options: Server.Options = {}
) => {
  const web = Documents.make({ [Documents.url]: answer })
  return Server.test(title, (server) => rule(server, web), { ...options, seams: web.seams })
}

/** Opens an authorization request in a browser that is logged in. */
const ask = async (server: TestServer, parameters: Server.Parameters = {}) => {
  const { page, ...rest } = await server.toConsent(client, parameters)
  return { ...rest, page, heading: headingOf(page), text: page.document.querySelector("main")?.text ?? "" }
}

describe("a client of a metadata document", () => {
  test("a user logs in and allows the client, and its tokens work and are refreshed", async (server) => {
    const tokens = await server.tokens(client)
    expect((await server.call(tokens.access_token)).status).toBe(200)
    const refreshed = await tokensOf(server.refresh(client, tokens.refresh_token))
    expect((await server.call(refreshed.access_token)).status).toBe(200)
  })

  test("the document is fetched only after the login, and the login page names only its host", async (server, web) => {
    const browser = server.browser()
    const { url } = await server.request(client)
    const login = await browser.open(url)
    expect(login.document.querySelector(".panel")?.text).toContain("app.example")
    expect(login.html).not.toContain("client.example")
    expect(web.fetched).toEqual([])
    expect(headingOf(await server.logIn(browser, login))).toContain("Example app wants to access")
    expect(web.fetched).toEqual([Documents.url])
  })

  test("a request with prompt=none shows the login page, and fetches nothing", async (server, web) => {
    const { url } = await server.request(client, { prompt: "none" })
    expect(headingOf(await server.browser().open(url))).toBe("200 Log in")
    expect(web.fetched).toEqual([])
  })

  test("the consent page names the host that was verified, and gives no warning", async (server) => {
    const { page, text } = await ask(server)
    expect(text).toContain("Verified host: app.example")
    expect(text).not.toContain("Unverified")
    expect(page.document.querySelector(".warn")).toBeNull()
  })

  test("the server advertises metadata documents", async (server) => {
    expect(await server.discover()).toMatchObject({ client_id_metadata_document_supported: true })
  })

  test(
    "a client without a name has the name of its host",
    async (server) => {
      expect((await ask(server)).heading).toContain("app.example wants to access")
    },
    { body: Documents.document({ client_name: undefined }) }
  )

  test("an unknown document at /token is an unknown client, and is not fetched", async (server, web) => {
    expect(await outcome(server.refresh(client, "lk_rt_unknown"))).toBe("401 invalid_client")
    expect(web.fetched).toEqual([])
  })

  test("nothing is stored before a user allows the client", async (server) => {
    await ask(server)
    const stored = await server.run(Effect.flatMap(Clients, ({ find }) => find(ClientId.make(Documents.url))))
    expect(stored._tag).toBe("None")
  })

  test("a form that asks for everything again is answered from the cached document", async (server, web) => {
    const { browser, page } = await ask(server)
    web.answers[Documents.url] = { failure: "Unreachable" }
    expect((await browser.submit(page, { button: "allow" })).sentTo?.searchParams.get("code")).not.toBeNull()
    expect(web.fetched).toHaveLength(1)
  })
})

describe("the setting clientDocuments", () => {
  const off = { settings: { clientDocuments: false } }

  test(
    "without metadata documents, a URL is an unknown client, and nothing is fetched",
    async (server, web) => {
      const { url } = await server.request(client)
      const page = await server.browser().open(url)
      expect(page.document.querySelector("main")?.text).toContain("is not registered here")
      expect(await server.discover()).not.toHaveProperty("client_id_metadata_document_supported")
      expect(web.fetched).toEqual([])
    },
    undefined,
    off
  )
})

describe("a document that cannot be used", () => {
  const because = (title: string, answer: Documents.Answer, problem: string, words: string) =>
    test(
      `the user and the operator read why: ${title}`,
      async (server) => {
        const { heading, text } = await ask(server)
        expect(heading).toBe("400 This request cannot be answered")
        expect(text).toContain(words)
        expect(await keptOf(server, "ClientDocumentRefused")).toMatchObject([{ clientId: Documents.url, problem }])
      },
      answer
    )

  because("no connection", { failure: "ForbiddenAddress" }, "Unavailable", "could not be read")
  because("a page", { body: "<html>", headers: { "content-type": "text/html" } }, "ContentType", "right format")
  because("no JSON", { body: "{" }, "Malformed", "right format")
  because(
    "another client_id",
    { body: Documents.document({ client_id: "https://b.example/c" }) },
    "WrongClientId",
    "about another app"
  )
  because("a secret", { body: Documents.document({ client_secret: "s" }) }, "HoldsSecret", "reveals a secret")
  because(
    "no common method",
    { body: Documents.document({ token_endpoint_auth_method: "client_secret_basic" }) },
    "AuthenticationMethod",
    "no way in common"
  )
  because(
    "no redirect URI",
    { body: Documents.document({ redirect_uris: ["http://a.example/"] }) },
    "RedirectUris",
    "no address"
  )

  test(
    "an error is not cached: the next request fetches the document again",
    async (server, web) => {
      await ask(server)
      web.answers[Documents.url] = { body: Documents.document() }
      expect((await ask(server)).heading).toContain("200")
      expect(web.fetched).toHaveLength(2)
    },
    { failure: "Timeout" }
  )

  test(
    "an invalid document is not cached",
    async (server, web) => {
      await ask(server)
      web.answers[Documents.url] = { body: Documents.document() }
      expect((await ask(server)).heading).toContain("200")
    },
    { body: "{" }
  )

  test(
    "one event a day is stored for each client, however often it is tried",
    async (server) => {
      for (let i = 0; i < 3; i++) await ask(server)
      expect(await keptOf(server, "ClientDocumentRefused")).toHaveLength(1)
    },
    { failure: "Timeout" }
  )
})

describe("the cache of documents", () => {
  test(
    "a document is fetched again when its lifetime ends",
    async (server, web) => {
      await ask(server)
      await server.advance("9 minutes")
      await ask(server)
      expect(web.fetched).toHaveLength(1)
      await server.advance("1 minute")
      await ask(server)
      expect(web.fetched).toHaveLength(2)
    },
    { body: Documents.document(), headers: { "cache-control": "max-age=600" } }
  )

  test(
    "a document is kept for a day at most",
    async (server, web) => {
      await ask(server)
      await server.advance("24 hours")
      await ask(server)
      expect(web.fetched).toHaveLength(2)
    },
    { body: Documents.document(), headers: { "cache-control": "max-age=31536000" } }
  )

  test("a cached document without the redirect URI is fetched again in the same request", async (server, web) => {
    await ask(server)
    await server.advance("30 seconds")
    const moved = "https://new.example/callback"
    web.answers[Documents.url] = { body: Documents.document({ redirect_uris: [moved] }) }
    expect((await ask(server, { redirect_uri: moved })).heading).toContain("200 Example app wants")
    expect(web.fetched).toHaveLength(2)
  })

  test("a redirect URI that is in no document is refused, and does not fetch it again and again", async (server, web) => {
    for (let i = 0; i < 3; i++) {
      expect((await ask(server, { redirect_uri: "https://evil.example/" })).heading).toContain("400")
    }
    expect(web.fetched).toHaveLength(1)
  })

  test("concurrent requests wait for one document", async (server, web) => {
    await Promise.all(Array.from({ length: 5 }, () => ask(server)))
    expect(web.fetched).toHaveLength(1)
  })
})

describe("a document that changed after a grant", () => {
  test("a refresh needs no document", async (server, web) => {
    const tokens = await server.tokens(client)
    web.answers[Documents.url] = { failure: "Unreachable" }
    await server.advance("2 days")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
    expect(web.fetched).toHaveLength(1)
  })

  test("a user who allowed the client is asked again for a new redirect URI", async (server, web) => {
    await server.tokens(client)
    await server.advance("1 hour")
    web.answers[Documents.url] = {
      body: Documents.document({ redirect_uris: [redirectUri, "https://new.example/cb"] })
    }
    const remembered = await ask(server, { prompt: undefined })
    expect(remembered.page.sentTo?.origin).toBe("https://client.example")
    const asked = await ask(server, { prompt: undefined, redirect_uri: "https://new.example/cb" })
    expect(asked.heading).toContain("200 Example app wants")
  })
})

describe("the operator", () => {
  const change = (server: TestServer, verb: "disable" | "enable" | "remove") =>
    server.run(Effect.flatMap(Clients, (clients) => clients[verb](ClientId.make(Documents.url))))

  test("a document that no user has allowed yet can be disabled", async (server, web) => {
    expect(await change(server, "disable")).toBe(true)
    expect((await ask(server)).text).toContain("disabled here")
    expect(web.fetched).toEqual([])
  })

  test("disabling the client ends its tokens, and enabling it lets it ask again", async (server) => {
    const tokens = await server.tokens(client)
    await change(server, "disable")
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("401 invalid_client")
    await change(server, "enable")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    expect(await outcome(server.refresh(client, (await server.tokens(client)).refresh_token))).toBe("200")
  })

  test("tokens of a client that was deleted stay dead when a user allows the client again", async (server) => {
    const before = await server.tokens(client)
    await change(server, "remove")
    const after = await server.tokens(client)
    expect((await server.call(after.access_token)).status).toBe(200)
    expect((await server.call(before.access_token)).status).toBe(401)
    expect(await outcome(server.refresh(client, before.refresh_token))).toBe("400 invalid_grant")
  })
})

describe("a client of a metadata document that signs", () => {
  const key = makeKey("RS256", { kid: "one" })
  const next = makeKey("RS256", { kid: "two" })
  const signing = (...keys: ReadonlyArray<ClientKey>) =>
    Documents.document({
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_methods_supported: ["none", "private_key_jwt"],
      jwks: { keys: keys.map(({ jwk }) => jwk) }
    })

  /** The parameters that prove the client by a key. */
  const proofOf = async (server: TestServer, by: ClientKey) => {
    const claims = claimsOf(Documents.url, Server.issuer, await server.run(Clock.currentTimeMillis))
    return parametersOf(signed(by, { kid: by.jwk.kid }, claims))
  }
  const tokensBy = async (server: TestServer, by: ClientKey) =>
    tokensOf(server.redeem(client, await server.code(client), await proofOf(server, by)))
  const refreshBy = async (server: TestServer, by: ClientKey, { refresh_token }: Server.Tokens) =>
    server.refresh(client, refresh_token, await proofOf(server, by))

  test(
    "it redeems and refreshes with its key, and with nothing less",
    async (server) => {
      const code = await server.code(client)
      expect(await outcome(server.redeem(client, code))).toBe("401 invalid_client")
      const tokens = await tokensOf(server.redeem(client, code, await proofOf(server, key)))
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("401 invalid_client")
      expect(await outcome(refreshBy(server, next, tokens))).toBe("401 invalid_client")
      expect(await outcome(refreshBy(server, key, tokens))).toBe("200")
    },
    { body: signing(key) }
  )

  test(
    "a new key in the document works at once, and a removed one no longer when the document expires",
    async (server, web) => {
      const tokens = await tokensBy(server, key)
      await server.advance("1 minute")
      web.answers[Documents.url] = { body: signing(next) }
      const refreshed = await tokensOf(refreshBy(server, next, tokens))
      expect(await outcome(refreshBy(server, key, refreshed))).toBe("401 invalid_client")
    },
    { body: signing(key) }
  )

  test(
    "while the document cannot be read, a cached key works, and later the answer is 503",
    async (server, web) => {
      const tokens = await tokensBy(server, key)
      web.answers[Documents.url] = { failure: "Unreachable" }
      await server.advance("1 minute")
      expect(await outcome(refreshBy(server, next, tokens))).toBe("503 temporarily_unavailable")
      const refreshed = await tokensOf(refreshBy(server, key, tokens))
      await server.advance("1 hour")
      expect(await outcome(refreshBy(server, key, refreshed))).toBe("503 temporarily_unavailable")
      web.answers[Documents.url] = { body: signing(key) }
      expect(await outcome(refreshBy(server, key, refreshed))).toBe("200")
    },
    { body: signing(key) }
  )

  test(
    "a document that no longer asks for a key does not open the grants that were made with one",
    async (server, web) => {
      const tokens = await tokensBy(server, key)
      await server.advance("1 hour")
      web.answers[Documents.url] = { body: Documents.document() }
      const later = await server.tokens(client)
      expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
      expect(await outcome(server.refresh(client, later.refresh_token))).toBe("200")
    },
    { body: signing(key) }
  )
})
