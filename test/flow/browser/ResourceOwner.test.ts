/** An app that says itself who is at the browser: its people are sent to its own login, and are nobody else here. */
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

/** The app's sessions, by the cookie that opens one. A test makes its own, each with an id that no other has. */
const sessions = new Map<string, ResourceOwner.Person>()

const options: ResourceOwner.Options = {
  find: ({ headers }) =>
    Effect.sync(() => Option.fromNullable(sessions.get(/app=([\w-]+)/.exec(headers.cookie ?? "")?.[1] ?? ""))),
  loginUrl: (returnTo) => signIn + encodeURIComponent(returnTo)
}

const external = { seams: ResourceOwner.layer(options) }

/** The app logs a person in, in a session of this id. */
const logIn = async (server: TestServer, browser: Browser, subject: string, sessionId: string) => {
  const authenticatedAt = await server.run(DateTime.now)
  sessions.set(sessionId, { subject, displayName: `${subject} of the app`, sessionId, authenticatedAt })
  browser.cookies.set("app", sessionId)
}

/** Where the app's login is to lead back to. */
const returnTo = ({ sentTo }: Page): string => {
  if (sentTo?.href.startsWith(signIn) !== true) throw new Error(`not sent to log in, but to ${sentTo}`)
  return sentTo.searchParams.get("return_to") ?? ""
}

const heading = ({ document }: Page) => document.querySelector("h1")?.text

/** Walks a new browser, where somebody is logged in, to what a request is answered with. */
const visit = async (
  server: TestServer,
  client: Client,
  subject: string,
  sessionId: string,
  asked: Parameters = {}
) => {
  const browser = server.browser()
  await logIn(server, browser, subject, sessionId)
  const { url, verifier } = await server.request(client, { prompt: "consent", ...asked })
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
  "nobody is sent to the app, comes back to the request, and a token carries the app's own name for them",
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
  "the way back is below the issuer's own path",
  async (server) => {
    const { url } = await server.request(await server.register(), { resource: undefined })
    expect(returnTo(await server.browser().open(url))).toMatch(/^http:\/\/127\.0\.0\.1:9400\/tenant\/authorize\?/)
    const account = await server.browser().open(`${issuer}/tenant/account`)
    expect(returnTo(account)).toBe(`${issuer}/tenant/account`)
  },
  { ...external, settings: { issuer: `${issuer}/tenant` } }
)

test(
  "prompt=login and max_age are met by a login after the request was first seen (OpenID Connect Core §3.1.2.1)",
  async (server) => {
    const client = await server.register()
    for (const asked of [{ prompt: "login" }, { max_age: "0" }]) {
      const { browser, page } = await visit(server, client, "ada", "early", asked)
      await server.advance("1 second")
      await logIn(server, browser, "ada", "late")
      expect(heading(await browser.open(returnTo(page)))).toBe(consentHeading)
    }
  },
  external
)

test(
  "an old login that comes back as a new one is told so, and not sent in circles",
  async (server) => {
    const client = await server.register()
    const { browser, page, url } = await visit(server, client, "ada", "old", { prompt: "login" })
    const back = await browser.open(returnTo(page))
    // At the same moment, it still counts.
    expect(heading(back)).toBe(consentHeading)
    await server.advance("1 second")
    const again = await browser.open(returnTo(await browser.open(url)))
    expect({ status: again.status, heading: heading(again) }).toEqual({ status: 403, heading: "You are not logged in" })
  },
  external
)

test(
  "prompt=none is login_required for nobody",
  async (server) => {
    const { url } = await server.request(await server.register(), { prompt: "none" })
    const page = await server.browser().open(url)
    expect(page.html).toContain("error=login_required")
  },
  external
)

test(
  "our own login and logout are not there: their paths are the app's",
  async (server) => {
    for (const path of ["/login", "/logout"]) {
      for (const method of ["GET", "POST"]) expect((await server.send(path, { method })).status).toBe(404)
    }
  },
  external
)

test(
  "the account page has no password and no way out, and no form of it changes a password",
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
  "the account page leads out where the app says how",
  async (server) => {
    const browser = server.browser()
    await logIn(server, browser, "ada", "way-out")
    const page = await browser.open(`${issuer}/account`)
    expect(page.document.querySelector("a[href='/sign-out']")?.text).toBe("Log out")
  },
  { seams: ResourceOwner.layer({ ...options, logoutUrl: "/sign-out" }) }
)

test(
  "each person has one account, from the first visit; a stranger has none",
  async (server) => {
    const client = await server.register()
    await server.browser().open((await server.request(client)).url)
    const accounts = server.run(Effect.flatMap(AccountStore, ({ list }) => list))
    expect((await accounts).map(({ username }) => username)).toEqual(["ada"])

    await Promise.all([visit(server, client, "ada", "one"), visit(server, client, "ada", "two")])
    const [external, ...others] = await server.run(
      Effect.map(
        Effect.flatMap(AccountStore, ({ list }) => list),
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

test("nobody gets in by a password where an app's person is known, nor is one given to them", async (server) => {
  const { found, set } = await server.run(
    Effect.gen(function* () {
      const accounts = yield* Accounts
      const { id } = yield* accounts.admit("ada")
      const set = yield* accounts.setPassword(id, Redacted.make("a new password"))
      // Even if a password were there, and the login form took the name.
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

/** The account `ada` of ours, with the password that the tests know. */
const accountHash = Effect.flatMap(AccountStore, ({ list }) =>
  Effect.map(list, (all) => Option.getOrThrow(Option.fromNullable(all.find(({ username }) => username === "ada"))))
)

test(
  "a person who is disabled is refused by a page, everywhere, and what they hold is dead",
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
  "a consent page from before the person was disabled gives nothing",
  async (server) => {
    const { browser, page } = await visit(server, await server.register(), "ada", "overtaken")
    await server.run(Effect.flatMap(Accounts, (accounts) => accounts.disable(Subject.make("ada"))))
    expect(heading(await browser.submit(page, { button: "allow" }))).toBe("You have no access here")
  },
  external
)

test(
  "what was issued before a person was deleted stays dead when they come again",
  async (server) => {
    const client = await server.register()
    const { code } = await allow(server, client, "ada", "deleted")
    // As for a grant that was made in this moment, nothing but the account goes.
    await server.run(Effect.flatMap(AccountStore, (accounts) => accounts.remove(Subject.make("ada"))))
    const { code: later } = await allow(server, client, "ada", "deleted")
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
    expect(await outcome(server.redeem(client, later))).toBe("200")
  },
  external
)

test(
  "a person whom the app calls as one of our accounts is refused, and gets nothing of theirs",
  async (server) => {
    const ours = await server.run(accountHash)
    const { page } = await visit(server, await server.register(), ours.id, "collision")
    expect(heading(page)).toBe("You have no access here")
    expect(await accountOf(server, ours.id)).toEqual(Option.some(ours))
  },
  external
)

test(
  "a consent page decides in the session that it was shown in, and in no other",
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
  "the app's session id stands in no row, event, page or log",
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
  "a subject that cannot be one is a fault of the app",
  async (server) => {
    const { page } = await visit(server, await server.register(), "ada\nbob", "line")
    expect(page.status).toBe(500)
  },
  external
)

test(
  "an app that cannot say who is there is an outage, and nobody is sent to log in",
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
