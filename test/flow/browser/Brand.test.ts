/** The brand of the settings: on every page, under a policy that allows its style and logo only. */

import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { describe, expect } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as BearerAuth from "../../../src/http/guard/BearerAuth.js"
import * as Brand from "../../../src/http/pages/Brand.js"
import * as Pages from "../../../src/http/pages/Pages.js"
import { styleHash } from "../../../src/services/keys/Crypto.js"
import { issuer, notes, type TestServer, test } from "../support/Server.js"

const logo = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>')
const uri = `data:image/svg+xml;base64,${logo.toString("base64")}`

const given = {
  name: "Notes",
  color: "#6d28d9",
  colorDark: "#c4b5fd",
  supportUrl: "mailto:help@notes.example"
}

const branded = { settings: { brand: { ...given, logo } } }

const html = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" }

/** A route of the app that has no GET. */
const routes = HttpLayerRouter.add("POST", "/notes", HttpServerResponse.text("written")).pipe(
  Layer.provide(BearerAuth.layer({ scopes: ["notes:read"], resource: notes.uri }))
)

const hash = `'sha256-${styleHash(Brand.make({ ...given, logo: uri }).styles)}'`
const policy = `default-src 'none'; style-src ${hash}; img-src data:; base-uri 'none'; frame-ancestors 'none'`

const expectBranded = (page: string) => {
  expect(page).toMatch(/<title>[^<]+ – Notes<\/title>/)
  expect(page).toContain(`<img class="logo" src="${uri}" alt="Notes logo">`)
  expect(page).toContain('href="mailto:help@notes.example"')
  expect(page).not.toContain("Latchkey")
}

/** Requests with an unknown path or a wrong method. */
const refused: ReadonlyArray<readonly [path: string, method: string, status: number]> = [
  ["/login", "GET", 405],
  ["/login", "POST", 403],
  ["/authorize", "GET", 400],
  ["/authorize", "PUT", 405],
  ["/token", "GET", 405],
  ["/introspect", "GET", 405],
  ["/revoke", "GET", 405],
  ["/register", "GET", 405],
  ["/.well-known/oauth-authorization-server", "DELETE", 405],
  ["/notes", "GET", 405]
]

describe("a brand", () => {
  test(
    "the brand is on the pages of a login, under a policy that allows its style and logo",
    async (server) => {
      const client = await server.register()
      const { browser, page } = await server.toConsent(client)
      await browser.submit(page, { button: "allow" })
      await browser.open(`${issuer}/account`)
      await browser.open(`${issuer}/logout`)
      const pages = browser.seen.filter(({ status }) => status !== 303)
      expect(pages).toHaveLength(4)
      for (const { headers } of pages) expect(headers.get("content-security-policy")).toBe(policy)
      for (const { html } of [page, await browser.open(`${issuer}/account`)]) expectBranded(html)
    },
    branded
  )

  test(
    "the brand is on every error page of a browser's request",
    async (server) => {
      for (const [path, method, status] of refused) {
        const answer = await server.send(path, { method, headers: html })
        expect([path, answer.status]).toEqual([path, status])
        expect(answer.headers.get("content-security-policy"), path).toBe(policy)
        expect(answer.headers.has("allow"), path).toBe(status === 405)
        expectBranded(await answer.text())
      }
    },
    { ...branded, routes }
  )

  test(
    "the policy allows no logo without one, and only the standard style without settings",
    async (server) => {
      const { headers } = await server.send("/account")
      expect(headers.get("content-security-policy")).not.toContain("img-src")
    },
    { settings: { brand: { name: "Notes" } } }
  )
})

/** The response without its variable parts. */
const answerOf = async (server: TestServer, path: string, method: string) => {
  const answer = await server.send(path, { method, headers: { accept: "application/json" } })
  return [answer.status, answer.headers.get("content-type"), await answer.json()]
}

test(
  "a program gets the same errors with and without a brand",
  async (server) => {
    for (const [path, method] of refused.filter(([path]) => !/login|authorize$/.test(path))) {
      const [status, type, body] = await answerOf(server, path, method)
      expect([path, status, type]).toEqual([path, 405, "application/json"])
      expect(body).toMatchObject({ error: "invalid_request" })
    }
    const withToken = await server.send("/token", { headers: { ...html, authorization: "Bearer x" } })
    expect(withToken.headers.get("content-type")).toBe("application/json")
  },
  { ...branded, routes }
)

describe("an app's own pages", () => {
  const styles = "body { color: navy }"
  const own = Pages.layer({
    styles,
    loginPage: ({ form, formAction }, brand) =>
      `<title>${brand.titleOf("Come in")}</title>${brand.header.text}<form method="post" action="${formAction}"><input name="form" value="${form}"></form>${brand.footer.text}`,
    errorPage: ({ title }, { logo, name, supportUrl }) => `${title} ${name} ${logo} ${supportUrl}`
  })

  test(
    "an app's own pages get the brand, and the policy allows its style and logo too",
    async (server) => {
      const page = await server.send("/account")
      expectBranded(await page.text())
      expect(page.headers.get("content-security-policy")).toBe(
        policy.replace(hash, `${hash} 'sha256-${styleHash(styles)}'`)
      )
      expect(await (await server.send("/authorize")).text()).toContain(`Notes ${uri} mailto:help@notes.example`)
      expect(await (await server.send("/token", { headers: html })).text()).toContain(`Notes ${uri} mailto:`)
    },
    { ...branded, seams: own }
  )
})
