/** The app's own pages: what they can change, and what they cannot. */
import { expect } from "@effect/vitest"
import * as Pages from "../../../src/http/pages/Pages.js"
import { styles as ours } from "../../../src/http/pages/Styles.js"
import { styleHash } from "../../../src/services/keys/Crypto.js"
import { consentHeading, test } from "../support/Server.js"

const styles = "body { color: navy }"

const own = {
  seams: Pages.layer({
    styles,
    loginPage: ({ form, formAction }) =>
      `<form method="post" action="${formAction}"><h1>Ours</h1><input name="form" value="${form}"><input name="username"><input name="password"></form>`,
    errorPage: ({ title }) => `<h1>Our own: ${title}</h1>`
  })
}

test(
  "an app's own pages replace the given ones, and their forms work; the others stay",
  async (server) => {
    const client = await server.register()
    const browser = server.browser()
    const page = await browser.open((await server.request(client)).url)
    expect(page.document.querySelector("h1")?.text).toBe("Ours")
    const consent = await server.logIn(browser, page)
    expect(consent.document.querySelector("h1")?.text).toBe(consentHeading)
    const { sentTo } = await browser.submit(consent, { button: "allow" })
    expect(sentTo?.searchParams.has("code")).toBe(true)
  },
  own
)

test(
  "the app's own error page is shown for an unknown path and a wrong method",
  async (server) => {
    for (const [path, method] of [
      ["/authorize", "GET"],
      ["/login", "GET"],
      ["/consent", "POST"]
    ] as const) {
      expect(await (await server.send(path, { method })).text(), path).toContain("Our own:")
    }
  },
  own
)

test(
  "the policy allows the style of the app's own pages, and is otherwise unchanged",
  async (server) => {
    const { headers } = await server.browser().open(`${server.issuer}/account`)
    expect(headers.get("content-security-policy")).toBe(
      `default-src 'none'; style-src 'sha256-${styleHash(ours)}' 'sha256-${styleHash(styles)}'; base-uri 'none'; frame-ancestors 'none'`
    )
    expect(headers.get("x-frame-options")).toBe("DENY")
    expect(headers.get("cache-control")).toBe("no-store")
  },
  own
)
