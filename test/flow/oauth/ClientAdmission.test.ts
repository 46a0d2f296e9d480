/** Which clients may ask users for access: the setting `clientAdmission`, the seam `ClientTrust`, and the operator's approval. */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { ClientId } from "../../../src/domain/Client.js"
import { ResourceIndicator } from "../../../src/domain/Resource.js"
import { Clients } from "../../../src/services/clients/Clients.js"
import * as ClientTrust from "../../../src/services/clients/ClientTrust.js"
import { headingOf } from "../support/Attempts.js"
import { withForm } from "../support/Browser.js"
import * as Documents from "../support/Documents.js"
import { keptOf } from "../support/EventRows.js"
import * as Server from "../support/Server.js"
import { files, notes, resource, type TestServer } from "../support/Server.js"

const described = { client_id: Documents.url, token_endpoint_auth_method: "none" }

/** A test with a web of its own, and settings. */
const test = (
  title: string,
  rule: (server: TestServer, web: Documents.Web) => Promise<unknown>,
  settings: Server.Options["settings"] = {},
  trust: Layer.Layer<never> = Layer.empty
) => {
  const web = Documents.make({ [Documents.url]: { body: Documents.document() } })
  return Server.test(title, (server) => rule(server, web), { settings, seams: Layer.merge(web.seams, trust) })
}

const ask = async (server: TestServer, client: Server.Client, parameters: Server.Parameters = {}) => {
  const browser = server.browser()
  const { url } = await server.request(client, { prompt: "consent", ...parameters })
  const first = await browser.open(url)
  const page = first.document.querySelector("form") === null ? first : await server.logIn(browser, first)
  return { page, heading: headingOf(page), text: page.document.querySelector("main")?.text ?? "" }
}

const approve = (server: TestServer, clientId: string, ...resources: ReadonlyArray<string>) =>
  server.run(
    Effect.flatMap(Clients, (clients) =>
      clients.approve(ClientId.make(clientId), new Set(resources.map((uri) => ResourceIndicator.make(uri))))
    )
  )

const unapprove = (server: TestServer, clientId: string) =>
  server.run(Effect.flatMap(Clients, (clients) => clients.unapprove(ClientId.make(clientId))))

describe("clientAdmission: Open", () => {
  test("clients with a document and clients that registered themselves may ask", async (server) => {
    expect((await ask(server, described)).heading).toContain("200 Example app wants")
    expect((await ask(server, await server.register())).heading).toContain("200 Test client wants")
  })
})

describe("clientAdmission: Hosts", () => {
  const hosts = (...clientHosts: ReadonlyArray<string>) => ({ clientAdmission: "Hosts" as const, clientHosts })

  test(
    "a document on a listed host is admitted",
    async (server) => {
      expect((await ask(server, described)).heading).toContain("200")
    },
    hosts("other.example", "app.example")
  )

  test(
    "a pattern admits the hosts below a domain",
    async (server) => {
      expect((await ask(server, described)).heading).toContain("200")
    },
    hosts("*.example")
  )

  test(
    "a pattern does not admit the domain itself, nor one that ends in the same letters",
    async (server, web) => {
      expect((await ask(server, described)).text).toContain("does not accept the app")
      expect(web.fetched).toEqual([])
    },
    hosts("*.app.example", "pp.example")
  )

  test(
    "a client that registered itself has no verified host, and is not accepted",
    async (server) => {
      expect((await ask(server, await server.register())).text).toContain("does not accept the app")
    },
    hosts("app.example")
  )

  test(
    "a client that the operator created is admitted",
    async (server) => {
      const client = await server.addClient({
        grant_types: ["authorization_code"],
        redirect_uris: [Server.redirectUri]
      })
      expect((await ask(server, client)).heading).toContain("200")
    },
    hosts("app.example")
  )

  test(
    "a client on another host is admitted when the operator approves it",
    async (server) => {
      await approve(server, Documents.url)
      expect((await ask(server, described)).heading).toContain("200")
    },
    hosts("other.example")
  )
})

describe("clientAdmission: Approval", () => {
  const approval = { clientAdmission: "Approval" as const }

  test(
    "the user reads that the operator has to approve the client, and an event says who waits",
    async (server, web) => {
      const { heading, text } = await ask(server, described)
      expect(heading).toContain("400")
      expect(text).toContain("The operator of this server has to approve the app first")
      expect(web.fetched).toEqual([])
      expect(await keptOf(server, "ClientAwaitsApproval")).toMatchObject([
        { clientId: Documents.url, subject: expect.any(String) }
      ])
    },
    approval
  )

  test(
    "a visitor without a login causes no event",
    async (server) => {
      const { url } = await server.request(await server.register())
      expect(headingOf(await server.browser().open(url))).toBe("200 Log in")
      expect(await keptOf(server, "ClientAwaitsApproval")).toEqual([])
    },
    approval
  )

  test(
    "an approved client may ask, and the page says that the operator approved it",
    async (server) => {
      await approve(server, Documents.url)
      const { heading, text } = await ask(server, described)
      expect(heading).toContain("200 Example app wants")
      expect(text).toContain("Approved by the operator of this server. Verified host: app.example")
    },
    approval
  )

  test(
    "a client that registered itself is approved by its id, and is not called unverified",
    async (server) => {
      const client = await server.register()
      expect((await ask(server, client)).heading).toContain("400")
      await approve(server, client.client_id)
      const { heading, text } = await ask(server, client)
      expect(heading).toContain("200")
      expect(text).not.toContain("Unverified")
    },
    approval
  )

  test(
    "a client whose approval was withdrawn waits again, and its tokens stay valid",
    async (server) => {
      await approve(server, Documents.url)
      const tokens = await server.tokens(described)
      expect(await unapprove(server, Documents.url)).toBe(true)
      expect((await ask(server, described)).heading).toContain("400")
      expect((await server.call(tokens.access_token)).status).toBe(200)
    },
    approval
  )

  test(
    "a form that was open when the approval was withdrawn grants nothing",
    async (server) => {
      await approve(server, Documents.url)
      const { browser, page } = await server.toConsent(described)
      await unapprove(server, Documents.url)
      expect(headingOf(await browser.submit(page, { button: "allow" }))).toContain("400")
    },
    approval
  )

  test(
    "approving an id that is neither registered nor the URL of a document changes nothing",
    async (server) => {
      expect(await approve(server, "unknown")).toBe(false)
    },
    approval
  )
})

describe("a client that is approved for a resource", () => {
  const twoResources = { resources: [notes, files] }

  test("a user who logs in grants it access without a page", async (server) => {
    await approve(server, Documents.url, resource)
    const { page } = await ask(server, described, { prompt: undefined })
    expect(page.sentTo?.searchParams.get("code")).toMatch(/^lk_ac_/)
    expect(await keptOf(server, "Allowed")).toMatchObject([{ by: "OperatorApproval" }])
  })

  test("the user can remove the access on the account page", async (server) => {
    await approve(server, Documents.url, resource)
    const browser = server.browser()
    const { url } = await server.request(described)
    await server.logIn(browser, await browser.open(url))
    const account = await browser.open(`${Server.issuer}/account`)
    expect(account.html).toContain("Example app")
    await browser.submit(withForm(account, "withdraw"), { button: "withdraw" })
    expect((await browser.open(`${Server.issuer}/account`)).html).toContain("No app has access")
  })

  test(
    "the user is asked for another resource",
    async (server) => {
      await approve(server, Documents.url, resource)
      const { heading } = await ask(server, described, { prompt: undefined, resource: files.uri, scope: "files:read" })
      expect(heading).toContain("200 Example app wants")
    },
    twoResources
  )

  test("the user is asked where any program can receive the code", async (server, web) => {
    const loopback = "http://127.0.0.1:7000/callback"
    web.answers[Documents.url] = { body: Documents.document({ redirect_uris: [loopback] }) }
    await approve(server, Documents.url, resource)
    const { heading } = await ask(server, described, { prompt: undefined, redirect_uri: loopback })
    expect(heading).toContain("200 Example app wants")
  })

  test("the user is asked when the client wants the page", async (server) => {
    await approve(server, Documents.url, resource)
    expect((await ask(server, described, { prompt: "consent" })).heading).toContain("200 Example app wants")
  })
})

describe("ClientTrust", () => {
  const seen: Array<ClientTrust.Candidate> = []
  const own = ClientTrust.layer((candidate) =>
    Effect.sync(() => {
      seen.push(candidate)
      return candidate.host === "app.example" ? "Refused" : "Admitted"
    })
  )

  test(
    "the app's own rule replaces the setting",
    async (server, web) => {
      expect((await ask(server, described)).text).toContain("does not accept the app")
      expect(web.fetched).toEqual([])
      const client = await server.register()
      expect((await ask(server, client)).heading).toContain("200")
      expect(seen).toContainEqual({ id: Documents.url, origin: "Document", host: "app.example" })
      expect(seen).toContainEqual({ id: client.client_id, origin: "Dynamic", host: undefined })
    },
    { clientAdmission: "Approval" },
    own
  )
})
