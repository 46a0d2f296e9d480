/** An app with its own login: its users log in there, and have their own accounts here. */
import { expect } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { externalName, Subject } from "../../../src/domain/Account.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as ResourceOwner from "../../../src/http/browser/ResourceOwner.js"
import { Accounts } from "../../../src/services/accounts/Accounts.js"
import { knownAs } from "../../../src/services/accounts/PasswordHasher.js"
import type { AccountForm } from "../../../src/services/authorization/SealedForms.js"
import { SealedForms } from "../../../src/services/authorization/SealedForms.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import type { Browser, Page } from "../support/Browser.js"
import {
  type Client,
  consentHeading,
  issuer,
  outcome,
  type Parameters,
  type TestServer,
  test,
  tokensOf
} from "../support/Server.js"

const signIn = "https://app.example/sign-in?return_to="

/** The app's sessions, by their cookie. Each test uses its own session ids. */
const sessions = new Map<string, ResourceOwner.User>()

const options: ResourceOwner.Options = {
  find: ({ headers }) =>
    Effect.sync(() => Option.fromNullable(sessions.get(/app=([\w-]+)/.exec(headers.cookie ?? "")?.[1] ?? ""))),
  loginUrl: (returnTo) => signIn + encodeURIComponent(returnTo)
}

const external = { seams: ResourceOwner.layer(options) }

/** Logs a user in at the app, in a session with this id. */
const logIn = async (server: TestServer, browser: Browser, subject: string, sessionId: string) => {
  const authenticatedAt = await server.run(DateTime.now)
  sessions.set(sessionId, { subject, displayName: `${subject} of the app`, sessionId, authenticatedAt })
  browser.cookies.set("app", sessionId)
}

/** The URL to which the app's login returns. */
const returnTo = ({ sentTo }: Page): string => {
  if (sentTo?.href.startsWith(signIn) !== true) throw new Error(`not sent to log in, but to ${sentTo}`)
  return sentTo.searchParams.get("return_to") ?? ""
}

const heading = ({ document }: Page) => document.querySelector("h1")?.text

/** Logs a user in with a new browser and returns the page that answers a request. */
const visit = async (
  server: TestServer,
  client: Client,
  subject: string,
  sessionId: string,
  parameters: Parameters = {}
) => {
  const browser = server.browser()
  await logIn(server, browser, subject, sessionId)
  const { url, verifier } = await server.request(client, { prompt: "consent", ...parameters })
  return { browser, page: await browser.open(url), url, verifier }
}

const allow = async (server: TestServer, client: Client, subject: string, sessionId: string) => {
  const { browser, page, verifier } = await visit(server, client, subject, sessionId)
  const { sentTo } = await browser.submit(page, { button: "allow" })
  return { browser, code: { code: sentTo?.searchParams.get("code") ?? "", verifier } }
}

const accountOf = (server: TestServer, subject: string) =>
  server.run(Effect.flatMap(AccountStore, (accounts) => accounts.find(Subject.make(subject))))

test(
  "an unknown user logs in at the app, returns to the request, and gets tokens with the app's subject",
  async (server) => {
    const client = await server.register()
    const browser = server.browser()
    const { url, verifier } = await server.request(client)
    const sent = await browser.open(url)
    expect(browser.seen.at(-1)?.status).toBe(303)
    expect(returnTo(sent)).toMatch(/^http:\/\/127\.0\.0\.1:9400\/authorize\?response_type=code&/)
    await logIn(server, browser, "ada|7", "first")
    const page = await browser.open(returnTo(sent))
    expect(heading(page)).toBe(consentHeading)
    expect(page.html).toContain("ada|7 of the app")
    const { sentTo } = await browser.submit(page, { button: "allow" })
    const code = sentTo?.searchParams.get("code") ?? ""
    const { access_token } = await tokensOf(server.redeem(client, { code, verifier }))
    expect(await (await server.call(access_token)).json()).toMatchObject({ subject: "ada|7" })
  },
  external
)

test(
  "the return URL is below the issuer's path",
  async (server) => {
    const { url } = await server.request(await server.register(), { resource: undefined })
    expect(returnTo(await server.browser().open(url))).toMatch(/^http:\/\/127\.0\.0\.1:9400\/tenant\/authorize\?/)
    const account = await server.browser().open(`${issuer}/tenant/account`)
    expect(returnTo(account)).toBe(`${issuer}/tenant/account`)
  },
  { ...external, settings: { issuer: `${issuer}/tenant` } }
)

test(
  "a login at the app after the request was first seen satisfies prompt=login and max_age (OpenID Connect Core §3.1.2.1)",
  async (server) => {
    const client = await server.register()
    for (const parameters of [{ prompt: "login" }, { max_age: "0" }]) {
      const { browser, page } = await visit(server, client, "ada", "early", parameters)
      await server.advance("1 second")
      await logIn(server, browser, "ada", "late")
      expect(heading(await browser.open(returnTo(page)))).toBe(consentHeading)
    }
  },
  external
)

test(
  "a return from the app without a new login gets an error page and no second redirect",
  async (server) => {
    const client = await server.register()
    const { browser, page, url } = await visit(server, client, "ada", "old", { prompt: "login" })
    const back = await browser.open(returnTo(page))
    // A login in the same millisecond still counts.
    expect(heading(back)).toBe(consentHeading)
    await server.advance("1 second")
    const again = await browser.open(returnTo(await browser.open(url)))
    expect({ status: again.status, heading: heading(again) }).toEqual({ status: 403, heading: "You are not logged in" })
  },
  external
)

test(
  "prompt=none is login_required if no user is logged in at the app",
  async (server) => {
    const { url } = await server.request(await server.register(), { prompt: "none" })
    const page = await server.browser().open(url)
    expect(page.html).toContain("error=login_required")
  },
  external
)

test(
  "/login and /logout are not served if the app has its own login",
  async (server) => {
    for (const path of ["/login", "/logout"]) {
      for (const method of ["GET", "POST"]) expect((await server.send(path, { method })).status).toBe(404)
    }
  },
  external
)

test(
  "the account page of an app's user has no password form and no logout link, and no form changes a password",
  async (server) => {
    const { browser } = await allow(server, await server.register(), "ada", "account")
    const page = await browser.open(`${issuer}/account`)
    expect(page.html).toContain("ada of the app")
    expect(page.html).not.toMatch(/password|log out/i)

    const before = await accountOf(server, "ada")
    const action: AccountForm["action"] = { _tag: "ChangePassword" }
    const form = await server.run(
      Effect.gen(function* () {
        const forms = yield* SealedForms
        const text = page.document.querySelector("input[name=form]")?.getAttribute("value") ?? ""
        const opened = yield* forms.open("AccountForm", text)
        return yield* forms.seal({ ...Option.getOrThrow(opened).form, action })
      })
    )
    const fields = { form, current_password: "", password: "a new password", password_again: "a new password" }
    const answer = await server.send("/account", {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { origin: issuer, "sec-fetch-site": "same-origin", cookie: "app=account" }
    })
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/account"])
    expect(await accountOf(server, "ada")).toEqual(before)

    expect((await browser.submit(page, { button: "withdraw" })).html).toContain("Access removed")
  },
  external
)

test(
  "the account page links to the app's logout page if the app has one",
  async (server) => {
    const browser = server.browser()
    await logIn(server, browser, "ada", "way-out")
    const page = await browser.open(`${issuer}/account`)
    expect(page.document.querySelector("a[href='/sign-out']")?.text).toBe("Log out")
  },
  { seams: ResourceOwner.layer({ ...options, logoutUrl: "/sign-out" }) }
)

test(
  "each user of the app has one account from the first visit, and an unknown user has none",
  async (server) => {
    const client = await server.register()
    await server.browser().open((await server.request(client)).url)
    const accounts = server.run(Effect.flatMap(AccountStore, ({ list }) => list({ limit: 1_000 })))
    expect((await accounts).map(({ username }) => username)).toEqual(["ada"])

    await Promise.all([visit(server, client, "ada", "one"), visit(server, client, "ada", "two")])
    const [external, ...others] = await server.run(
      Effect.map(
        Effect.flatMap(AccountStore, ({ list }) => list({ limit: 1_000 })),
        (all) => all.filter(({ id }) => id === "ada")
      )
    )
    expect(others).toEqual([])
    expect(external).toMatchObject({ username: "external:ada", state: "Enabled" })
    const made = await server.run(
      Effect.flatMap(EventLog, (log) => log.read({ subject: Subject.make("ada"), limit: 10 }))
    )
    expect(made.map(({ kind }) => kind._tag)).toEqual(["AccountCreated"])
  },
  external
)

test("an account of an app's user cannot log in with a password or get one", async (server) => {
  const { found, set } = await server.run(
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { id } = yield* accounts.admit("ada")
      const set = yield* accounts.setPassword(id, Redacted.make("a new password"))
      // Even with a stored password hash the login is refused.
      yield* (yield* AccountStore).setPassword(id, (yield* accountHash).passwordHash)
      const found = yield* accounts.authenticate(
        externalName(id),
        Redacted.make("correct horse battery"),
        knownAs(externalName(id))
      )
      return { found, set }
    })
  )
  expect({ found, set }).toEqual({ found: Option.none(), set: Option.none() })
  const browser = server.browser()
  const page = await browser.open(`${issuer}/account`)
  expect((await server.logIn(browser, page, "external:ada")).status).toBe(403)
})

/** The built-in account `ada`, with the password of the tests. */
const accountHash = Effect.flatMap(AccountStore, ({ list }) =>
  Effect.map(list({ limit: 1_000 }), (all) =>
    Option.getOrThrow(Option.fromNullable(all.find(({ username }) => username === "ada")))
  )
)

test(
  "a disabled user of the app gets an error page everywhere, and their tokens are revoked",
  async (server) => {
    const client = await server.register()
    const { browser, code } = await allow(server, client, "ada", "disabled")
    const { access_token } = await tokensOf(server.redeem(client, code))
    await server.run(Effect.flatMap(Accounts, (accounts) => accounts.disable(Subject.make("ada"))))
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
    for (const prompt of [undefined, "none", "login"]) {
      const page = await browser.open((await server.request(client, { prompt })).url)
      expect({ heading: heading(page), status: page.status }).toEqual({
        heading: "You have no access here",
        status: 403
      })
    }
    expect((await browser.open(`${issuer}/account`)).status).toBe(403)
    await server.run(Effect.flatMap(Accounts, (accounts) => accounts.enable(Subject.make("ada"))))
    expect(heading(await browser.open((await server.request(client)).url))).toBe(consentHeading)
  },
  external
)

test(
  "a consent page from before the user was disabled grants nothing",
  async (server) => {
    const { browser, page } = await visit(server, await server.register(), "ada", "overtaken")
    await server.run(Effect.flatMap(Accounts, (accounts) => accounts.disable(Subject.make("ada"))))
    expect(heading(await browser.submit(page, { button: "allow" }))).toBe("You have no access here")
  },
  external
)

test(
  "tokens from before a user was deleted stay revoked when the user returns",
  async (server) => {
    const client = await server.register()
    const { code } = await allow(server, client, "ada", "deleted")
    // Only the account row is deleted, as for a grant that is made at the same moment.
    await server.run(Effect.flatMap(AccountStore, (accounts) => accounts.remove(Subject.make("ada"))))
    const { code: later } = await allow(server, client, "ada", "deleted")
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, later))).toBe("200")
  },
  external
)

test(
  "a subject of the app that equals the id of a built-in account is refused",
  async (server) => {
    const builtIn = await server.run(accountHash)
    const { page } = await visit(server, await server.register(), builtIn.id, "collision")
    expect(heading(page)).toBe("You have no access here")
    expect(await accountOf(server, builtIn.id)).toEqual(Option.some(builtIn))
  },
  external
)

test(
  "a consent page decides only in the session in which it was shown",
  async (server) => {
    const client = await server.register()
    const { browser, page } = await visit(server, client, "ada", "shown")
    for (const [subject, sessionId] of [
      ["ada", "other"],
      ["bob", "shown"]
    ] as const) {
      const other = browser.clone()
      await logIn(server, other, subject, sessionId)
      const answer = await other.submit(page, { button: "allow" })
      expect(answer.sentTo, sessionId).toBeUndefined()
      expect(heading(answer)).toBe(consentHeading)
    }
    await logIn(server, browser, "ada", "shown")
    expect((await browser.submit(page, { button: "allow" })).sentTo?.searchParams.has("code")).toBe(true)
  },
  external
)

const logged: Array<string> = []
test(
  "the app's session id is in no row, event, page or log",
  async (server) => {
    const sessionId = "a-secret-of-the-app"
    const client = await server.register()
    const { browser, code } = await allow(server, client, "ada", sessionId)
    await server.redeem(client, code)
    const page = await browser.open(`${issuer}/account`)
    const grant = await server.grant(code.code)
    const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
    expect(events.length).toBeGreaterThan(0)
    expect(grant.terms.sessionId).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify([grant, events, page.html, logged])).not.toContain(sessionId)
  },
  { ...external, logger: Logger.map(Logger.stringLogger, (line) => void logged.push(line)) }
)

test(
  "an invalid subject from the app is answered with 500",
  async (server) => {
    const { page } = await visit(server, await server.register(), "ada\nbob", "line")
    expect(page.status).toBe(500)
  },
  external
)

test(
  "a failing session lookup of the app is answered with 503, without a redirect to the login",
  async (server) => {
    const page = await server.browser().open((await server.request(await server.register())).url)
    expect(page.status).toBe(503)
  },
  {
    seams: ResourceOwner.layer({
      ...options,
      find: () => new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later", cause: "down" })
    })
  }
)
