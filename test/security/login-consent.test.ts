import { expect } from "vitest"
import { sentBack } from "../conformance/support/Conformance.js"
import { outcome, redirectUri, tokensOf } from "../flow/support/Server.js"
import * as Storage from "../flow/support/Storage.js"
import { family } from "./support/Catalogue.js"
import { without } from "./support/MutatingProxy.js"
import { everyPage } from "./support/Pages.js"
import { https } from "./support/Target.js"
import { cookies } from "./support/Walk.js"

const { check, control, otherwise } = family()

check(
  "LOGIN-16",
  "the consent page names the app, its host, each scope, the resource and the account",
  async (target) => {
    const client = await target.register({
      client_name: "Note Taker",
      redirect_uris: [redirectUri, "http://127.0.0.1/cb"]
    })
    const { page } = await target.toConsent(client)
    const text = page.document.querySelector("main")?.structuredText ?? ""
    for (const part of [
      "Note Taker",
      "client.example",
      "ada",
      "Read your notes",
      "notes:read",
      "Write notes",
      "notes:write",
      target.resource
    ]) {
      expect(text).toContain(part)
    }
    expect(text).toMatch(/unverified/i)
    const buttons = page.document.querySelectorAll("button")
    expect(buttons.map((button) => button.getAttribute("value"))).toEqual(["deny", "allow"])
    // Both have the same size and differ in their fill.
    expect(buttons.map((button) => button.classList.contains("button"))).toEqual([true, true])
    const local = await target.toConsent(client, { redirect_uri: "http://127.0.0.1:1234/cb" })
    expect(local.page.html).toContain("a program on this device")
  }
)

check(
  "LOGIN-17",
  "the account page lists the scopes of each app, and removing access ends its tokens at once",
  async (target) => {
    const server = await target.another({})
    const client = await server.register({ client_name: "Note Taker" })
    const tokens = await server.tokens(client)
    const browser = await server.person()
    const account = await browser.open(`${server.issuer}/account`)
    for (const part of ["Note Taker", "Read your notes", "Write notes"]) expect(account.html).toContain(part)
    expect((await server.call(tokens.access_token)).status).toBe(200)
    expect((await browser.submit(account, { button: "withdraw" })).html).not.toContain("Note Taker")
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
  }
)

check(
  "LOGIN-18",
  "a user who denies is sent to the client with access_denied, and no grant is written",
  async (target) => {
    const written: Array<string> = []
    const server = await target.another({ storage: Storage.recorded(written) })
    const { browser, page } = await server.toConsent(await server.register())
    written.length = 0
    expect(sentBack(await browser.submit(page, { button: "deny" }))).toEqual({
      error: "access_denied",
      error_description: expect.any(String),
      state: "the state",
      iss: server.issuer
    })
    expect(written.filter((verb) => verb === "approve" || verb === "record")).toEqual([])
  }
)

otherwise(
  "LOGIN-19",
  "ADR 33: the sealed form has the offered scopes, and other fields are ignored",
  "a token has the scopes that were ticked, and no field adds a scope, a resource or a target",
  async (target) => {
    const client = await target.register()
    const { browser, page, verifier } = await target.toConsent(client, { scope: "notes:read notes:write" })
    const { code = "" } = sentBack(await browser.submit(page, { button: "allow", ticked: ["notes:read"] }))
    expect((await tokensOf(target.redeem(client, { code, verifier }))).scope).toBe("notes:read")

    const other = await target.register()
    const asked = await target.toConsent(other, { scope: "notes:read" })
    const form = asked.page.document.querySelector("[name=form]")?.getAttribute("value") ?? ""
    const post = (body: string) =>
      target.http({
        method: "POST",
        path: "/consent",
        headers: {
          ...cookies(asked.browser),
          "Sec-Fetch-Site": "same-origin",
          "Content-Type": "application/x-www-form-urlencoded"
        },
        body
      })
    const tampered = `${form.slice(0, 20)}${form[20] === "A" ? "B" : "A"}${form.slice(21)}`
    expect((await post(`form=${tampered}&decision=allow&scope=notes:read`)).status).toBe(403)
    const more = "redirect_uri=https://evil.example/&resource=https://evil.example/&client_id=evil&subject=bob"
    const answer = await post(
      `form=${form}&decision=allow&scope=notes:read&scope=notes:write&scope=latchkey:admin&${more}`
    )
    const location = new URL(answer.header("location") ?? "")
    expect(`${location.origin}${location.pathname}`).toBe(redirectUri)
    const own = { code: location.searchParams.get("code") ?? "", verifier: asked.verifier }
    expect((await tokensOf(target.redeem(other, own))).scope).toBe("notes:read")
  }
)

otherwise(
  "LOGIN-29",
  "ADR 33: no form-action, which blocks the redirect in Chromium, and no COOP, since a popup needs its opener",
  "every page of every status has the headers that forbid scripts, frames and sniffing",
  async (target) => {
    const secure = await target.another(https)
    const overTls = await secure.http({ path: "/account" })
    expect(overTls.header("strict-transport-security")).toMatch(/^max-age=\d{7,}/)
    for (const { answer, name } of [...(await everyPage(target)), { name: "https", answer: overTls }]) {
      const policy = answer.header("content-security-policy")?.split("; ") ?? []
      expect(policy, name).toContain("default-src 'none'")
      expect(policy, name).toContain("base-uri 'none'")
      expect(policy, name).toContain("frame-ancestors 'none'")
      expect(policy.join(), name).not.toMatch(/unsafe|\*|https?:/)
      expect(answer.header("x-content-type-options"), name).toBe("nosniff")
      expect(answer.header("x-frame-options"), name).toBe("DENY")
      expect(answer.header("referrer-policy"), name).toBe("same-origin")
      expect(answer.header("cross-origin-resource-policy"), name).toBe("same-origin")
      expect(answer.header("permissions-policy"), name).toContain("camera=()")
      expect(answer.header("x-powered-by"), name).toBeUndefined()
    }
  }
)

control("LOGIN-29", "against a server without a content security policy", {
  mutation: { answer: (answer) => ({ ...answer, headers: without(answer.headers, "content-security-policy") }) }
})

control("LOGIN-19", "against a server whose boxes are all ticked", {
  mutation: {
    request: (request) => ({
      ...request,
      body: request.body.replace("scope=notes%3Aread", "scope=notes%3Aread&scope=notes%3Awrite")
    })
  }
})
