/** Clients by the URL of their metadata document (draft-ietf-oauth-client-id-metadata-document). */
import { describe, expect } from "@effect/vitest"
import * as Documents from "../support/Documents.js"
import { test, tokensOf } from "../support/Server.js"

const client = { client_id: Documents.url, token_endpoint_auth_method: "none" }

describe("a client of a metadata document", () => {
  const web = Documents.make({ [Documents.url]: { body: Documents.document() } })

  test(
    "a user logs in, allows the client, and its tokens work and are refreshed",
    async (server) => {
      const tokens = await server.tokens(client)
      expect((await server.call(tokens.access_token)).status).toBe(200)
      const refreshed = await tokensOf(server.refresh(client, tokens.refresh_token))
      expect((await server.call(refreshed.access_token)).status).toBe(200)
    },
    { seams: web.seams }
  )

  const untouched = Documents.make({ [Documents.url]: { body: Documents.document() } })
  test(
    "the document is fetched only after the login, and the login page names only its host",
    async (server) => {
      const browser = server.browser()
      const { url } = await server.request(client)
      const login = await browser.open(url)
      expect(login.document.querySelector(".panel")?.text).toContain("app.example")
      expect(login.html).not.toContain("client.example")
      expect(untouched.fetched).toEqual([])
      const consent = await server.logIn(browser, login)
      expect(consent.document.querySelector("h1")?.text).toContain("Example app")
      expect(untouched.fetched).toEqual([Documents.url])
    },
    { seams: untouched.seams }
  )
})
