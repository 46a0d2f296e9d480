/** The login, consent and logout pages: only the user who sees a page decides with it, once, in that browser. */
import { describe, expect } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Account } from "../../../src/domain/Account.js"
import * as Shorten from "../../../src/http/pages/Shorten.js"
import { styles } from "../../../src/http/pages/Styles.js"
import { styleHash } from "../../../src/services/keys/Crypto.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { sameEachTime } from "../../support/Headers.js"
import type { Browser, Page } from "../support/Browser.js"
import type * as Server from "../support/Server.js"
import {
  consentHeading,
  files,
  issuer,
  notes,
  outcome,
  password,
  redirectUri,
  resource,
  type TestServer,
  test,
  tokensOf
} from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const secure = {
  issuer: "https://auth.example",
  resources: [{ ...notes, uri: "https://auth.example/notes" }]
}
const secureResource = { resource: "https://auth.example/notes" }
const bothResources = { settings: { resources: [notes, files] } }

const headingOf = (page: Page) => `${page.status} ${page.document.querySelector("h1")?.text}`
const consent = `200 ${consentHeading}`
const login = "200 Log in"
const notOurs = "403 This form did not come from here"

/** The result of a page: its heading, or the parameters of the redirect to the client. */
const leadsTo = (page: Page) =>
  page.sentTo === undefined ? headingOf(page) : [...page.sentTo.searchParams.keys()].join(" ")

const codeOf = (page: Page): string => page.sentTo?.searchParams.get("code") ?? `no code: ${headingOf(page)}`

const formOf = (page: Page): string => page.document.querySelector("input[name=form]")?.getAttribute("value") ?? ""

const cookieHeader = (browser: Browser) => Array.from(browser.cookies, (pair) => pair.join("=")).join("; ")

/** The name of a browser's session or browser id cookie. */
const cookieName = (browser: Browser, kind: "session" | "browser") =>
  Array.from(browser.cookies.keys()).find((name) => name.includes(`latchkey_${kind}_`)) ?? `no ${kind} cookie`

/** The scopes of a consent page: whether each is ticked, and whether it is marked as new. */
const boxesOf = (page: Page) =>
  page.document.querySelectorAll("label").map((label) => {
    const box = label.querySelector("input[name=scope]")
    return [box?.getAttribute("value"), box?.hasAttribute("checked"), /\bNew\b/.test(label.text)]
  })

/** Headers of a request from another page than this server's. */
const foreign: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  "no word of the browser": { origin: undefined, "sec-fetch-site": undefined },
  "another site": { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  "another site, our origin": { "sec-fetch-site": "cross-site" },
  "another host of our site": { "sec-fetch-site": "same-site" },
  "the address bar": { "sec-fetch-site": "none" },
  "another origin": { origin: "https://evil.example", "sec-fetch-site": undefined },
  "no origin": { origin: "null", "sec-fetch-site": undefined },
  "another port": { origin: "http://127.0.0.1:9401", "sec-fetch-site": undefined },
  "another scheme": { origin: "https://127.0.0.1:9400", "sec-fetch-site": undefined },
  "a host that begins like ours": { origin: `${issuer}.evil.example`, "sec-fetch-site": undefined }
}

describe("a form", () => {
  // LOGIN-01, LOGIN-02, CORS-05
  test("a form is accepted only from a page of this server (RFC 6749 §10.12)", async (server) => {
    const client = await server.register()
    const browser = server.browser()
    const fields = { username: "ada", password }
    const loginPage = await browser.open((await server.request(client)).url)
    for (const [name, headers] of Object.entries(foreign)) {
      expect(headingOf(await browser.submit(loginPage, { fields, headers })), name).toBe(notOurs)
    }
    expect(cookieName(browser, "session")).toBe("no session cookie")
    const consentPage = await browser.submit(loginPage, { fields, headers: { "sec-fetch-site": undefined } })
    expect(headingOf(consentPage)).toBe(consent)
    for (const [name, headers] of Object.entries(foreign)) {
      expect(headingOf(await browser.submit(consentPage, { button: "allow", headers })), name).toBe(notOurs)
    }
    const logoutPage = await browser.open(`${issuer}/logout`)
    for (const [name, headers] of Object.entries(foreign)) {
      expect(headingOf(await browser.submit(logoutPage, { headers })), name).toBe(notOurs)
    }
    expect(codeOf(await browser.submit(consentPage, { button: "allow" }))).toMatch(/^lk_ac_/)
  })

  test("a form that this server did not make for that step decides nothing", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const stranger = server.browser()
    const loginPage = await stranger.open((await server.request(client)).url)
    const logoutPage = await browser.open(`${issuer}/logout`)
    const proof = new URL(page.url).searchParams.get("latchkey_login") ?? ""
    const spoilt = (form: string, index: number) =>
      `${form.slice(0, index)}${form.at(index) === "A" ? "B" : "A"}${form.slice(index + 1)}`

    const forged: Readonly<Record<string, (own: string) => string>> = {
      nonsense: () => "x",
      "a prototype's key": () => "__proto__",
      "its prefix": () => "lk_fm_",
      "an access token's prefix": (own) => own.replace("lk_fm_", "lk_at_"),
      "another key": (own) => spoilt(own, 7),
      "another nonce": (own) => spoilt(own, 20),
      "another content": (own) => spoilt(own, own.length - 30),
      "a character less": (own) => own.slice(0, -1),
      padding: (own) => `${own}=`,
      "a login's proof": () => proof
    }
    const others = [formOf(page), formOf(loginPage), formOf(logoutPage)]
    for (const [at, shown, who] of [
      ["/consent", page, browser],
      ["/login", loginPage, stranger],
      ["/logout", logoutPage, browser]
    ] as const) {
      const own = formOf(shown)
      const all = {
        ...forged,
        ...Object.fromEntries(others.filter((o) => o !== own).map((o, i) => [`other ${i}`, () => o]))
      }
      for (const [name, forge] of Object.entries(all)) {
        const fields = { form: forge(own), username: "ada", password }
        const answer = await who.submit(shown, at === "/consent" ? { fields, button: "allow" } : { fields })
        expect(headingOf(answer), `${at}: ${name}`).toBe(notOurs)
      }
      expect((await server.post(at, {}, { origin: issuer })).status, at).toBe(400)
    }
    expect(cookieName(stranger, "session")).toBe("no session cookie")
    expect(codeOf(await browser.submit(page, { button: "allow" }))).toMatch(/^lk_ac_/)
  })

  // LOGIN-25
  test("a form works for ten minutes, and then decides nothing", async (server) => {
    const client = await server.register()
    const [late, early] = [server.browser(), server.browser()]
    const { url } = await server.request(client)
    const pages = [await late.open(url), await early.open(url)] as const
    await server.advance(Duration.toMillis("10 minutes") - 1)
    const consentPage = await server.logIn(early, pages[1])
    expect(headingOf(consentPage)).toBe(consent)
    await server.advance(1)
    expect(headingOf(await server.logIn(late, pages[0]))).toBe("403 Log in")
    expect(cookieName(late, "session")).toBe("no session cookie")

    await server.advance(Duration.toMillis("10 minutes") - 2)
    const duplicate = early.clone()
    expect(codeOf(await early.submit(consentPage, { button: "allow" }))).toMatch(/^lk_ac_/)
    await server.advance(1)
    const again = await duplicate.submit(consentPage, { button: "allow" })
    expect(headingOf(again)).toBe(consent)
    expect(formOf(again)).not.toBe(formOf(consentPage))
  })

  // LOGIN-01, AUTHZ-50
  test("a login form logs in no other browser", async (server) => {
    const client = await server.register()
    const [attackers, victims] = [server.browser(), server.browser()]
    const { url } = await server.request(client)
    const attackersPage = await attackers.open(url)
    await victims.open(url)
    expect(headingOf(await server.logIn(victims, attackersPage))).toBe("403 Log in")
    expect(headingOf(await server.logIn(server.browser(), attackersPage))).toBe("403 Log in")
    expect(cookieName(victims, "session")).toBe("no session cookie")
  })

  // AUTHZ-50, LOGIN-02
  test("a consent form belongs to one session: in another it leads back to the request", async (server) => {
    await server.addAccount("bob")
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const { url } = await server.request(client)

    const stranger = server.browser()
    expect(headingOf(await stranger.submit(page, { button: "allow" }))).toBe(login)

    const bobs = server.browser()
    await server.logIn(bobs, await bobs.open(url), "bob")
    const asked = await bobs.submit(page, { button: "allow" })
    expect(headingOf(asked)).toBe(consent)
    expect(asked.html).toContain("bob")

    const elsewhere = server.browser()
    await server.logIn(elsewhere, await elsewhere.open(url))
    expect(headingOf(await elsewhere.submit(page, { button: "allow" }))).toBe(consent)

    expect(codeOf(await browser.submit(page, { button: "allow" }))).toMatch(/^lk_ac_/)
  })

  // LOGIN-27
  test("a consent form does nothing once another user has logged in, or the user has logged out", async (server) => {
    await server.addAccount("bob")
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const switchUrl = page.document
      .querySelectorAll("a")
      .find((a) => a.text.includes("Switch"))
      ?.getAttribute("href")
    const bobs = await server.logIn(browser, await browser.open(new URL(switchUrl ?? "", issuer)), "bob")
    expect(headingOf(bobs)).toBe(consent)
    const answer = await browser.submit(page, { button: "allow" })
    expect(headingOf(answer)).toBe(consent)
    expect(answer.html).toContain("bob")

    await browser.submit(await browser.open(`${issuer}/logout`))
    expect(headingOf(await browser.submit(bobs, { button: "allow" }))).toBe(login)
  })

  test("a form may have each field once", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    const headers = { origin: issuer, cookie: cookieHeader(browser) }
    for (const fields of [
      { form: [formOf(page), formOf(page)], decision: "allow", scope: "notes:read" },
      { form: formOf(page), decision: ["deny", "allow"], scope: "notes:read" },
      { form: formOf(page), decision: "maybe", scope: "notes:read" },
      { form: formOf(page), scope: "notes:read" }
    ]) {
      expect((await server.post("/consent", fields, headers)).status, JSON.stringify(fields)).toBe(400)
    }
  })

  // LOGIN-24, LOGIN-19
  test("a form takes only the username, the password and the ticks from its sender", async (server) => {
    const client = await server.register()
    const other = await server.register({ redirect_uris: ["https://evil.example/"] })
    const { browser, page } = await server.toConsent(client, { scope: "notes:read" })
    const tampered = await server.post(
      "/consent",
      {
        form: formOf(page),
        decision: "allow",
        scope: ["notes:read", "notes:write", "files:read", "admin"],
        client_id: other.client_id,
        redirect_uri: "https://evil.example/",
        resource: files.uri,
        state: "another",
        continue: "//evil.example",
        return_to: "https://evil.example/"
      },
      { origin: issuer, cookie: cookieHeader(browser) }
    )
    const location = new URL(tampered.headers.get("location") ?? "")
    expect(location.origin + location.pathname).toBe(redirectUri)
    expect(location.searchParams.get("state")).toBe("the state")
    const grant = await server.grant(location.searchParams.get("code") ?? "")
    expect(grant.terms.granted).toEqual(new Map([[resource, new Set(["notes:read"])]]))
  })
})

describe("a decision", () => {
  // LOGIN-03
  test("a decision that is sent twice makes one grant, and gets the same redirect", async (server) => {
    const client = await server.register()
    const { browser, page, verifier } = await server.toConsent(client)
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.submit(page, { button: "allow" })))
    const codes = new Set(answers.map(codeOf))
    expect(codes.size).toBe(1)
    const [code = ""] = codes
    expect(await outcome(server.redeem(client, { code, verifier }))).toBe("200")
  })

  test("a decision that is sent again after its code was redeemed changes nothing, and says so", async (server) => {
    const client = await server.register()
    const { browser, page, verifier } = await server.toConsent(client)
    const code = codeOf(await browser.submit(page, { button: "allow" }))
    const tokens = await tokensOf(server.redeem(client, { code, verifier }))
    const again = await browser.submit(page, { button: "allow" })
    expect(headingOf(again)).toBe("409 Already decided")
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
  })

  test("Deny revokes an earlier Allow, redeemed or not, and is final", async (server) => {
    const client = await server.register()
    for (const spent of [false, true]) {
      for (const again of [false, true]) {
        const { browser, page, verifier } = await server.toConsent(client)
        const code = codeOf(await browser.submit(page, { button: "allow" }))
        const tokens = spent ? await tokensOf(server.redeem(client, { code, verifier })) : undefined
        // Allow without a tick shows the same form again, so its Deny is for the same grant.
        const shown = again ? await browser.submit(page, { button: "allow", ticked: [] }) : page
        const denied = await browser.submit(shown, { button: "deny" })
        expect(denied.sentTo?.searchParams.get("error")).toBe("access_denied")
        expect(await server.grant(code)).toMatchObject({ _tag: "Revoked", reason: "Denied" })
        expect(await outcome(server.redeem(client, { code, verifier }))).toBe("400 invalid_grant")
        if (tokens !== undefined) expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
        expect(headingOf(await browser.submit(page, { button: "allow" }))).toBe("409 Already decided")
      }
    }
  })

  test("Deny writes no grant (RFC 6749 §4.1.2.1)", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    expect(leadsTo(await browser.submit(page, { button: "deny" }))).toBe("error error_description state iss")
    expect(headingOf(await browser.submit(page, { button: "allow" }))).toBe("409 Already decided")
  })

  test("Deny wins over a concurrent Allow of the same page, whichever is faster", async (server) => {
    const client = await server.register()
    for (let i = 0; i < 10; i++) {
      const { browser, page, verifier } = await server.toConsent(client)
      const [allowed] = await Promise.all(
        (i % 2 === 0 ? ["allow", "deny"] : ["deny", "allow"]).map((button) => browser.clone().submit(page, { button }))
      ).then((answers) => (i % 2 === 0 ? answers : answers.reverse()))
      const code = allowed?.sentTo?.searchParams.get("code") ?? undefined
      if (code === undefined) expect(allowed?.status).toBe(409)
      else expect(await outcome(server.redeem(client, { code, verifier }))).toBe("400 invalid_grant")
      expect(headingOf(await browser.submit(page, { button: "allow" }))).toBe("409 Already decided")
    }
  })

  // LOGIN-19, TOKEN-14
  test("a decision allows the ticked scopes, and the response names them (RFC 6749 §3.3)", async (server) => {
    const client = await server.register()
    const { browser, page, verifier } = await server.toConsent(client)
    const code = codeOf(await browser.submit(page, { button: "allow", ticked: ["notes:write"] }))
    const tokens = await tokensOf(server.redeem(client, { code, verifier }))
    expect(tokens.scope).toBe("notes:write")
    expect(await outcome(server.call(tokens.access_token))).toBe("403 insufficient_scope")
    expect((await tokensOf(server.refresh(client, tokens.refresh_token))).scope).toBe("notes:write")
  })

  test(
    "a decision gives no resource without a ticked scope (RFC 8707 §2.2)",
    async (server) => {
      const client = await server.register()
      const { browser, page, verifier } = await server.toConsent(client, {
        scope: "notes:read files:read",
        resource: [resource, files.uri]
      })
      const code = codeOf(await browser.submit(page, { button: "allow", ticked: ["notes:read"] }))
      expect(await outcome(server.redeem(client, { code, verifier }, { resource: files.uri }))).toBe(
        "400 invalid_target"
      )
      const tokens = await tokensOf(server.redeem(client, { code, verifier }))
      expect(await outcome(server.call(tokens.access_token))).toBe("200")
      expect(await outcome(server.call(tokens.access_token, files.uri))).toBe("401 invalid_token")
    },
    bothResources
  )

  const written: Array<string> = []
  test(
    "nothing of a request is written before the decision",
    async (server) => {
      const client = await server.register()
      written.length = 0
      const browser = server.browser()
      const { url } = await server.request(client)
      const loginPage = await browser.open(url)
      await browser.open(`${url}&prompt=none`)
      await browser.open(`${url}&scope=admin`)
      await browser.submit(loginPage, { fields: { username: "ada", password: "wrong password" } })
      await browser.submit(loginPage, { headers: { origin: "https://evil.example", "sec-fetch-site": "cross-site" } })
      await server.post("/authorize", Object.fromEntries(url.searchParams))
      expect(written).toEqual([])

      const consentPage = await server.logIn(browser, loginPage)
      expect(written.splice(0)).toEqual(["insert"])
      await browser.open(url)
      await server.send(url.href, { method: "HEAD", headers: { cookie: cookieHeader(browser) } })
      await browser.submit(consentPage, { button: "allow", fields: { form: "forged" } })
      await server.browser().submit(consentPage, { button: "allow" })
      expect(written).toEqual([])

      await browser.submit(consentPage, { button: "allow" })
      expect(written).toEqual(["record", "approve"])
    },
    { storage: Storage.recorded(written) }
  )

  // LOGIN-31, AUTHZ-43
  test("a decision and a login redirect by 303, which never repeats the post (RFC 9700 §4.12)", async (server) => {
    const client = await server.register()
    const { browser, page } = await server.toConsent(client)
    await browser.submit(page, { button: "allow" })
    await browser.submit(page, { button: "deny" })
    await browser.open((await server.request(client, { scope: 'ad"min' })).url)
    const redirects = browser.seen.filter(({ headers }) => headers.has("location")).map(({ status }) => status)
    expect(redirects).toEqual([303, 303, 303, 303])
  })

  // LOGIN-26
  test("each of five flows in one browser decides about its own client, scope and state", async (server) => {
    const browser = server.browser()
    const flows = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const target = `https://client${index}.example/callback`
        const client = await server.register({ redirect_uris: [target], client_name: `Client ${index}` })
        const scope = index % 2 === 0 ? "notes:read" : "notes:write"
        return {
          target,
          client,
          scope,
          ...(await server.request(client, { scope, state: `${index}`, redirect_uri: target }))
        }
      })
    )
    const loginPages: Array<Page> = []
    for (const { url } of flows) loginPages.push(await browser.open(url))
    expect(loginPages.map(headingOf)).toEqual(flows.map(() => login))
    // All tabs have a login form of the same browser: the first logs in, the others are opened again.
    await server.logIn(browser, loginPages[2]!)
    const pages = await Promise.all(flows.map(({ url }) => browser.open(url)))
    for (const index of [3, 0, 4, 1, 2]) {
      const { client, scope, target, verifier } = flows[index]!
      const answer = await browser.submit(pages[index]!, { button: "allow" })
      expect(`${answer.sentTo?.origin}${answer.sentTo?.pathname}`).toBe(target)
      expect(answer.sentTo?.searchParams.get("state")).toBe(`${index}`)
      const other = flows[(index + 1) % 5]!.client
      const held = { code: codeOf(answer), verifier }
      expect(await outcome(server.redeem(other, held, { redirect_uri: target }))).toBe("400 invalid_grant")
      expect((await tokensOf(server.redeem(client, held, { redirect_uri: target }))).scope).toBe(scope)
    }
  })
})

describe("the consent page", () => {
  // LOGIN-16, REG-16
  test("the consent page names the app, the scopes, the resource, the target and the user", async (server) => {
    const client = await server.register({ client_name: "Notes for all", client_uri: "https://client.example/about" })
    const { page } = await server.toConsent(client)
    const text = page.document.querySelector("main")?.text ?? ""
    const sentences = [
      "Notes for all",
      "client.example",
      "Read your notes",
      "Write notes",
      resource,
      "ada",
      "Unverified"
    ]
    for (const sentence of sentences) expect(text).toContain(sentence)
    const buttons = page.document.querySelectorAll("button").map((button) => button.getAttribute("value"))
    expect(buttons).toEqual(["deny", "allow"])
  })

  test("the consent page warns of a target that any program can take (RFC 8252 §8.6)", async (server) => {
    for (const [uri, warning] of [
      ["http://localhost:3000/callback", "a program on this device"],
      ["com.example.app:/callback", "the app registered for com.example.app:"]
    ] as const) {
      const client = await server.register({ redirect_uris: [uri] })
      const { page } = await server.toConsent(client, { redirect_uri: uri })
      expect(page.document.querySelector(".warn")?.text).toContain(warning)
    }
  })

  const stepUp = async (server: TestServer, redirect_uri: string, metadata: object = {}) => {
    const client = await server.register({ redirect_uris: [redirect_uri], ...metadata })
    const first = await server.toConsent(client, { redirect_uri, scope: "notes:read" })
    expect(boxesOf(first.page)).toEqual([["notes:read", true, false]])
    const code = codeOf(await first.browser.submit(first.page, { button: "allow" }))
    const older = await tokensOf(server.redeem(client, { code, verifier: first.verifier }, { redirect_uri }))

    const { browser, page, verifier } = await server.toConsent(client, { redirect_uri, scope: "notes:write" })
    const boxes = boxesOf(page)
    const held = { code: codeOf(await browser.submit(page, { button: "allow" })), verifier }
    const newer = await tokensOf(server.redeem(client, held, { redirect_uri }))
    return { boxes, client, older, newer, scope: new Set(newer.scope.split(" ")) }
  }

  for (const [name, uri, metadata] of [
    ["a claimed https address", redirectUri, {}],
    ["a secret", "http://localhost:3000/callback", { token_endpoint_auth_method: "client_secret_basic" }]
  ] as const) {
    test(`earlier scopes stay ticked for a client with ${name}, and new ones are marked`, async (server) => {
      const { boxes, scope } = await stepUp(server, uri, metadata)
      expect(boxes).toEqual([
        ["notes:read", true, false],
        ["notes:write", true, true]
      ])
      expect(scope).toEqual(new Set(["notes:read", "notes:write"]))
    })
  }

  test("earlier scopes are unticked for a client that cannot authenticate", async (server) => {
    for (const uri of ["http://localhost:3000/callback", "com.example.app:/callback"]) {
      const { boxes, scope } = await stepUp(server, uri)
      expect(boxes).toEqual([
        ["notes:read", false, false],
        ["notes:write", true, true]
      ])
      expect(scope).toEqual(new Set(["notes:write"]))
    }
  })

  test("a second consent makes a new grant, and the older grant stays active", async (server) => {
    const { client, newer, older } = await stepUp(server, redirectUri)
    expect(older.refresh_token.slice(6, 32)).not.toBe(newer.refresh_token.slice(6, 32))
    expect(await outcome(server.call(older.access_token))).toBe("200")
    const refreshed = await tokensOf(server.refresh(client, older.refresh_token))
    expect(refreshed.scope).toBe("notes:read")
  })

  test("the consent page carries over nothing from another user, or from another client of the same name", async (server) => {
    await server.addAccount("bob")
    const [client, namesake] = [await server.register(), await server.register()]
    await server.tokens(client, { scope: "notes:read" })
    const bobs = server.browser()
    const page = await bobs.open((await server.request(client, { scope: "notes:write" })).url)
    expect(boxesOf(await server.logIn(bobs, page, "bob"))).toEqual([["notes:write", true, false]])
    const other = await server.toConsent(namesake, { scope: "notes:write" })
    expect(boxesOf(other.page)).toEqual([["notes:write", true, false]])
  })

  test(
    "the consent page carries over nothing of a resource that the request does not name",
    async (server) => {
      const client = await server.register()
      await server.tokens(client, { scope: "files:read", resource: files.uri })
      const { page } = await server.toConsent(client, { scope: "notes:read" })
      expect(boxesOf(page)).toEqual([["notes:read", true, false]])
    },
    bothResources
  )
})

describe("a session", () => {
  // LOGIN-04
  test("each login begins a new session, and ends the browser's earlier one", async (server) => {
    const client = await server.register()
    const attackers = server.browser()
    const { url } = await server.request(client, { prompt: "login" })
    await server.logIn(attackers, await attackers.open(url))
    const victims = attackers.clone()
    const planted = victims.cookies.get(cookieName(victims, "session"))
    await server.logIn(victims, await victims.open(url))
    expect(victims.cookies.get(cookieName(victims, "session"))).not.toBe(planted)
    const plain = (await server.request(client)).url
    expect(headingOf(await victims.open(plain))).toBe(consent)
    expect(headingOf(await attackers.open(plain))).toBe(login)
  })

  test("a browser cannot choose its session", async (server) => {
    const client = await server.register()
    const browser = server.browser()
    const chosen = "A".repeat(43)
    const { url } = await server.request(client)
    const first = await browser.open(url)
    await server.logIn(browser, first)
    const name = cookieName(browser, "session")
    const other = server.browser()
    other.cookies.set(name, chosen)
    await server.logIn(other, await other.open(url))
    expect(other.cookies.get(name)).not.toBe(chosen)
    const third = server.browser()
    third.cookies.set(name, chosen)
    expect(headingOf(await third.open(url))).toBe(login)
  })

  test("a session ends after twelve hours, and with the account's epoch", async (server) => {
    const client = await server.register()
    const { browser } = await server.toConsent(client)
    const { url } = await server.request(client)
    await server.advance(Duration.toMillis("12 hours") - 1)
    expect(headingOf(await browser.open(url))).toBe(consent)
    await server.advance(1)
    expect(headingOf(await browser.open(url))).toBe(login)

    await server.logIn(browser, await browser.open(url))
    expect(headingOf(await browser.open(url))).toBe(consent)
    await server.run(
      Effect.gen(function* () {
        const accounts = yield* AccountStore
        const [account] = yield* accounts.list({ limit: 1_000 })
        yield* accounts.advanceEpoch((account as Account).id)
      })
    )
    expect(headingOf(await browser.open(url))).toBe(login)
  })

  // LOGIN-07
  test("the logout page ends a session by its form, not when it is opened", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const { browser } = await server.toConsent(client)
    const { url } = await server.request(client, { prompt: "consent" })
    const stolen = browser.clone()
    const page = await browser.open(`${issuer}/logout?post_logout_redirect_uri=https://evil.example/`)
    expect(headingOf(page)).toBe("200 Log out?")
    expect(page.html).not.toContain("evil")
    expect(headingOf(await browser.open(url))).toBe(consent)
    const after = await browser.submit(page)
    expect(after.sentTo).toBe(undefined)
    expect(headingOf(after)).toBe("200 You are logged out")
    expect(cookieName(browser, "session")).toBe("no session cookie")
    expect(headingOf(await stolen.open(url))).toBe(login)
    expect(headingOf(await browser.submit(page))).toBe("200 You are logged out")
    // The grants stay active.
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("200")
  })

  test("the logout page of another session ends no session", async (server) => {
    const client = await server.register()
    const [first, second] = [(await server.toConsent(client)).browser, (await server.toConsent(client)).browser]
    const page = await first.open(`${issuer}/logout`)
    expect(headingOf(await second.submit(page))).toBe("200 Log out?")
    expect(headingOf(await second.open((await server.request(client)).url))).toBe(consent)
  })
})

describe("a login", () => {
  // LOGIN-08
  test("a failed login looks the same for a wrong username, a wrong password, or both", async (server) => {
    const client = await server.register()
    const browser = server.browser()
    const page = await browser.open((await server.request(client)).url)
    const attempts: ReadonlyArray<Readonly<Record<string, string>>> = [
      { username: "ada", password: "wrong password" },
      { username: "eve", password: "wrong password" },
      { username: "eve", password },
      { username: "ada", password: "" },
      { username: "", password },
      { username: "", password: "" },
      { username: "ada", password: "x".repeat(1_025) },
      { username: "ada", password: `${password} ` },
      { username: "ada", password: password.toUpperCase() },
      { username: "a da", password },
      { username: "' OR 1=1 --", password },
      { username: "x".repeat(65), password },
      { username: "__proto__", password },
      { username: "ada\u200b", password }
    ]
    const answers = new Set<string>()
    for (const fields of attempts) {
      const answer = await browser.submit(page, { fields })
      expect(headingOf(answer), JSON.stringify(fields)).toBe("403 Log in")
      const body = answer.html.replaceAll(/ (value|autofocus)(="[^"]*")?/g, "")
      // The form has the typed username again, so the length differs.
      const headers = sameEachTime(answer, "content-length")
      answers.add(JSON.stringify([headers, body]))
    }
    expect(answers.size).toBe(1)
    expect(cookieName(browser, "session")).toBe("no session cookie")
  })

  // INJ-03, LOGIN-12
  test("a login normalises the username, and takes the password as it is", async (server) => {
    const client = await server.register()
    for (const username of ["ADA", "Ada", " ada ", "\uff41\uff44\uff41"]) {
      const browser = server.browser()
      const page = await browser.open((await server.request(client)).url)
      expect(headingOf(await server.logIn(browser, page, username)), username).toBe(consent)
    }
  })

  // LOGIN-15
  test("a login compares the whole of a long password", async (server) => {
    const long = "pässwörd ".repeat(14)
    await server.addAccount("bob", long)
    const client = await server.register()
    const browser = server.browser()
    const page = await browser.open((await server.request(client)).url)
    for (const wrong of [long.slice(0, 72), long.slice(0, -1), long.toUpperCase()]) {
      expect(headingOf(await browser.submit(page, { fields: { username: "bob", password: wrong } }))).toBe("403 Log in")
    }
    expect(headingOf(await browser.submit(page, { fields: { username: "bob", password: long } }))).toBe(consent)
  })
})

describe("the cookies", () => {
  const setCookies = async (server: TestServer, parameters: Server.Parameters = {}) => {
    const client = await server.register()
    const { browser } = await server.toConsent(client, parameters)
    return browser.seen.flatMap(({ headers }) => headers.getSetCookie()).map((cookie) => cookie.split("; "))
  }
  const value = "[A-Za-z0-9_-]{43}"

  // LOGIN-05
  test("cookies on loopback http are for this host and path, and not for scripts (RFC 6265 §4.1.2)", async (server) => {
    const [[browser, ...ofBrowser] = [], [session, ...ofSession] = []] = await setCookies(server)
    expect(browser).toMatch(new RegExp(`^latchkey_browser_[A-Za-z0-9_-]{8}=${value}$`))
    expect(session).toMatch(new RegExp(`^latchkey_session_[A-Za-z0-9_-]{8}=${value}$`))
    expect(new Set(ofBrowser)).toEqual(new Set(["Path=/", "HttpOnly", "SameSite=Lax"]))
    expect(new Set(ofSession)).toEqual(new Set(["Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=43200"]))
  })

  test(
    "cookies on https are __Host- cookies",
    async (server) => {
      const [[browser, ...ofBrowser] = [], [session, ...ofSession] = []] = await setCookies(server, secureResource)
      expect(browser).toMatch(new RegExp(`^__Host-latchkey_browser_[A-Za-z0-9_-]{8}=${value}$`))
      expect(session).toMatch(new RegExp(`^__Host-latchkey_session_[A-Za-z0-9_-]{8}=${value}$`))
      expect(new Set(ofBrowser)).toEqual(new Set(["Path=/", "HttpOnly", "Secure", "SameSite=Lax"]))
      expect(new Set(ofSession)).toEqual(new Set(["Path=/", "HttpOnly", "Secure", "SameSite=Lax", "Max-Age=43200"]))
    },
    { settings: secure }
  )

  test("the cookie with the browser id stays the same through logins", async (server) => {
    const client = await server.register()
    const { browser, url } = await server.toConsent(client)
    const before = browser.cookies.get(cookieName(browser, "browser"))
    url.searchParams.set("prompt", "login")
    await server.logIn(browser, await browser.open(url))
    expect(browser.cookies.get(cookieName(browser, "browser"))).toBe(before)
  })

  // LOGIN-06
  test("a cookie that this server did not set logs no one in", async (server) => {
    const client = await server.register()
    const { browser } = await server.toConsent(client)
    const { url } = await server.request(client, { prompt: "consent" })
    const name = cookieName(browser, "session")
    const secret = browser.cookies.get(name) ?? ""
    const last = secret.at(-1) === "A" ? "E" : "A"
    const cookies: Readonly<Record<string, string>> = {
      "another secret": `${name}=${secret.slice(0, -1)}${last}`,
      "a character less": `${name}=${secret.slice(0, -1)}`,
      "a character more": `${name}=${secret}A`,
      "another case": `${name}=${secret.toLowerCase()}`,
      quoted: `${name}="${secret}"`,
      encoded: `${name}=%41${secret.slice(1)}`,
      empty: `${name}=`,
      "the name alone": name,
      "another name": `latchkey_session_AAAAAAAA=${secret}`,
      "a longer name": `x${name}=${secret}`,
      "the same twice": `${name}=${secret}; ${name}=${secret}`,
      "two of one name": `${name}=${secret}; ${name}=x`,
      "4 KiB": `${name}=${"A".repeat(4_096)}`,
      JSON: `${name}={"__proto__":{"admin":true}}`,
      "a session id": `${name}=${(await server.grant(codeOf(await browser.submit(await browser.open(url), { button: "allow" })))).terms.sessionId}`
    }
    for (const [what, cookie] of Object.entries(cookies)) {
      const answer = await server.send(url.href, { headers: { cookie } })
      expect(answer.status, what).toBe(200)
      expect(await answer.text(), what).toContain("<h1>Log in</h1>")
    }
    const answer = await server.send(url.href, { headers: { cookie: `other=1; ${name}=${secret}; more=2` } })
    expect(await answer.text()).toContain("<title>Allow access?</title>")
  })
})

describe("every page", () => {
  /** One page of every kind and status, each of them a document. */
  const everyPage = async (server: TestServer, parameters: Server.Parameters = {}) => {
    const client = await server.register()
    const { browser, page, url, verifier } = await server.toConsent(client, parameters)
    const large = {
      method: "POST",
      body: "x".repeat(70_000),
      headers: { "content-type": "application/x-www-form-urlencoded" }
    }
    const headers = { origin: new URL(server.issuer).origin }
    const large413 = await server.send("/login", { ...large, headers: { ...large.headers, ...headers } })
    const stranger = server.browser()
    const loginPage = await stranger.open(url)
    const unknown = await browser.open((await server.request(client, { ...parameters, scope: 'ad"min' })).url)
    const code = codeOf(await browser.submit(page, { button: "allow" }))
    await server.redeem(client, { code, verifier })
    await browser.submit(page, { button: "allow" })
    await browser.submit(page, { button: "allow", headers: { "sec-fetch-site": "cross-site" } })
    await stranger.submit(loginPage, { fields: { username: "ada", password: "wrong password" } })
    await stranger.open(`${server.issuer}/authorize`)
    await stranger.open(`${server.issuer}/login`)
    await browser.submit(await browser.open(`${server.issuer}/logout`))
    expect(headingOf(unknown)).toBe("400 Before you go on")
    return [...browser.seen, ...stranger.seen, large413]
  }

  const policy = `default-src 'none'; style-src 'sha256-${styleHash(styles)}'; base-uri 'none'; frame-ancestors 'none'`

  // LOGIN-29, AUTHZ-45, AUTHZ-46, AUTHZ-47
  test("every page and every redirect has its security headers (RFC 9700 §4.16, RFC 6819 §5.2.2.6)", async (server) => {
    const answers = await everyPage(server)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 303, 400, 403, 405, 409, 413]))
    for (const { headers, status } of answers) {
      expect(headers.get("content-security-policy"), `${status}`).toBe(policy)
      expect(headers.get("x-frame-options")).toBe("DENY")
      expect(headers.get("x-content-type-options")).toBe("nosniff")
      expect(headers.get("referrer-policy")).toBe("same-origin")
      expect(headers.get("cache-control")).toBe("no-store")
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin")
      expect(headers.get("permissions-policy")).toContain("camera=()")
      expect(headers.has("strict-transport-security")).toBe(false)
      expect(headers.has("x-powered-by")).toBe(false)
      if (status !== 303) expect(headers.get("content-type")).toBe("text/html; charset=utf-8")
    }
  })

  test(
    "every page on https has Strict-Transport-Security",
    async (server) => {
      for (const { headers } of await everyPage(server, secureResource)) {
        expect(headers.get("strict-transport-security")).toBe("max-age=31536000")
      }
    },
    { settings: secure }
  )
})

describe("text from clients and users", () => {
  /** Expects that the page has only the style of its policy, and that nothing runs or is fetched. */
  const expectInert = (page: Page, name: string) => {
    expect(
      page.document.querySelectorAll("script, img, iframe, object, embed, link, base, [style], meta[http-equiv]"),
      name
    ).toEqual([])
    expect(
      page.document.querySelectorAll("style").map(({ text }) => text),
      name
    ).toEqual([styles])
    for (const element of page.document.querySelectorAll("*")) {
      expect(
        Object.keys(element.attributes).filter((attribute) => /^on/i.test(attribute)),
        name
      ).toEqual([])
      expect(element.getAttribute("href") ?? "", name).not.toMatch(/^\s*(javascript|data|vbscript):/i)
    }
  }

  const payloads = [
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "</title></style></textarea><script>alert(1)</script>",
    "javascript:alert(1)//\"/*'/*`/*--></noscript><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "<!--#exec cmd=ls-->"
  ]

  // LOGIN-20
  test("client metadata is shown as text (RFC 7591 §5)", async (server) => {
    for (const payload of payloads) {
      const client = await server.register({ client_name: payload })
      const browser = server.browser()
      const loginPage = await browser.open((await server.request(client)).url)
      const consentPage = await server.logIn(browser, loginPage)
      const notice = await browser.open((await server.request(client, { scope: 'ad"min' })).url)
      for (const page of [loginPage, consentPage, notice]) {
        expectInert(page, payload)
        expect(page.document.querySelector(".name")?.textContent, payload).toBe(Shorten.name(payload))
      }
    }
  })

  // LOGIN-21, LOGIN-22
  test("request parameters are shown as text, or not at all (OAuth 2.1 §7.12)", async (server) => {
    const client = await server.register()
    const { browser } = await server.toConsent(client)
    const names = ["client_id", "redirect_uri", "response_type", "scope", "state", "resource", "code_challenge"]
    const others = ["code_challenge_method", "response_mode", "prompt", "max_age", "login_hint", "ui_locales", "error"]
    for (const name of [...names, ...others, "error_description", "latchkey_login", payloads[0]!]) {
      for (const payload of payloads) {
        const { url } = await server.request(client, { [name]: payload })
        for (const visitor of [server.browser(), browser]) {
          const page = await visitor.open(url)
          expectInert(page, `${name}: ${payload}`)
          expect(page.html.includes(payload), `${name}: ${payload}`).toBe(false)
          if (name.startsWith("error")) expect(page.document.querySelector("main")?.text).not.toContain("alert")
        }
      }
    }
  })

  test("text that is typed into the login form is shown as text", async (server) => {
    const client = await server.register()
    const browser = server.browser()
    const page = await browser.open((await server.request(client)).url)
    for (const payload of payloads) {
      const again = await browser.submit(page, { fields: { username: payload, password } })
      expectInert(again, payload)
      expect(again.document.querySelector("input[name=username]")?.getAttribute("value")).toBe(payload.slice(0, 64))
    }
  })
})
