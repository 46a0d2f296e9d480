/** The example replaces each page with a form, and a user gets through all of them. */
import { HttpLayerRouter } from "@effect/platform"
import { Effect, Layer, Option, Redacted } from "effect"
import { FirstAccount } from "latchkey/FirstAccount"
import * as MemoryStorage from "latchkey/MemoryStorage"
import * as oauth from "oauth4webapi"
import { afterAll, expect, it } from "vitest"
import { Browser, type Page, withForm } from "../../test/flow/support/Browser.js"
import { App, issuer } from "./app.js"

/** Returns the token of the link for the first account, which a server prints when it starts. */
let token = ""
const Told = Layer.effectDiscard(
  Effect.gen(function* () {
    token = Redacted.value(Option.getOrThrow(yield* (yield* FirstAccount).token))
  })
)

const { dispose, handler } = HttpLayerRouter.toWebHandler(
  Layer.provide(Layer.provideMerge(Told, App), MemoryStorage.layer),
  { disableLogger: true }
)
afterAll(dispose)

const redirect_uri = "https://client.example/callback"
const as: oauth.AuthorizationServer = {
  issuer,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`
}
const options = {
  [oauth.allowInsecureRequests]: true,
  [oauth.customFetch]: (url: string, init: object) => handler(new Request(url, init))
}

const register = async (client_name: string) =>
  oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(
      as,
      { client_name, redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" },
      options
    )
  )

const authorizeUrl = ({ client_id }: oauth.Client) =>
  `${issuer}/authorize?${new URLSearchParams({
    response_type: "code",
    client_id,
    redirect_uri,
    scope: "notes:read",
    prompt: "consent",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256"
  })}`

const newBrowser = () => new Browser((request) => handler(request), issuer)

const headingOf = ({ document, status }: Page) => `${status} ${document.querySelector("h1")?.text}`

it("a user gets from the first account to an app's token, and logs out", async () => {
  const ada = { username: "ada", password: "correct horse battery" }
  const browser = newBrowser()
  await browser.open(issuer)

  const first = await browser.open(`${issuer}/first-account?token=${token}`)
  expect(headingOf(first)).toBe("200 You are the first")
  const differs = await browser.submit(first, { fields: { ...ada, password_again: "something else" } })
  expect(headingOf(differs)).toBe("400 You are the first")
  expect(differs.html).toContain("That did not work")
  await browser.submit(differs, { fields: { ...ada, password_again: ada.password } })

  // Another browser that is not logged in yet.
  const other = newBrowser()
  const client = await register("Notes Desktop")
  const login = await other.open(authorizeUrl(client))
  expect(headingOf(login)).toBe("200 Welcome")
  expect(headingOf(await other.submit(login, { fields: { ...ada, password: "a guess" } }))).toBe("403 Welcome")
  const consent = await other.submit(login, { fields: ada })
  expect(headingOf(consent)).toBe("200 May it?")
  const denied = await other.submit(consent, { button: "deny" })
  expect(denied.sentTo?.searchParams.get("error")).toBe("access_denied")

  const allowed = await other.submit(await other.open(authorizeUrl(client)), { button: "allow" })
  const code = oauth.validateAuthResponse(as, client, allowed.sentTo ?? new URL(redirect_uri), oauth.skipStateCheck)
  const answer = await oauth.authorizationCodeGrantRequest(
    as,
    client,
    oauth.None(),
    code,
    redirect_uri,
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    options
  )
  const { access_token } = await oauth.processAuthorizationCodeResponse(as, client, answer)
  const notes = await handler(new Request(`${issuer}/notes`, { headers: { authorization: `Bearer ${access_token}` } }))
  expect(await notes.json()).toMatchObject({ notes: ["Buy milk"] })

  const account = await other.open(`${issuer}/account`)
  expect(headingOf(account)).toBe("200 You")
  expect(account.html).toContain("Notes Desktop")
  const without = await other.submit(withForm(account, "Remove access"))
  expect(without.html).toContain("Done.")
  expect(without.html).not.toContain("Notes Desktop")

  const changed = { current_password: ada.password, password: "another good one", password_again: "another good one" }
  const wrong = await other.submit(withForm(without, "Change"), {
    fields: { ...changed, current_password: "a guess" }
  })
  expect(wrong.html).toContain("That did not work")
  const done = await other.submit(withForm(wrong, "Change"), { fields: changed })
  expect(done.html).toContain("Done.")

  const leave = await other.open(`${issuer}/logout`)
  expect(headingOf(leave)).toBe("200 Leave?")
  expect(headingOf(await other.submit(leave))).toBe("200 You are logged out")
  expect(headingOf(await other.open(`${issuer}/account`))).toBe("200 Welcome")
})

it("the account page ends another session by its own form", async () => {
  const person = { username: "ada", password: "another good one" }
  const [one, two] = [newBrowser(), newBrowser()]
  for (const browser of [one, two]) await browser.submit(await browser.open(`${issuer}/account`), { fields: person })
  await one.submit(withForm(await one.open(`${issuer}/account`), "End"))
  expect(headingOf(await two.open(`${issuer}/account`))).toBe("200 Welcome")
})

it("the login page says that an app registered itself, and shortens its name", async () => {
  const { html } = await newBrowser().open(authorizeUrl(await register("Notes ".repeat(30))))
  expect(html).toContain("it registered itself: its name was not checked")
  expect(html).toMatch(/<bdi>(Notes ){7}Notes…<\/bdi>/)
})

it("the brand is on the app's own pages and on the others", async () => {
  for (const path of ["/account", "/authorize", "/logout"]) {
    const { html } = await newBrowser().open(`${issuer}${path}`)
    expect(html).toMatch(/<title>.+ – Notes<\/title>/)
    expect(html).toContain('href="mailto:help@notes.example"')
  }
  expect(headingOf(await newBrowser().open(`${issuer}/authorize`))).toBe("400 This request cannot be answered")
})
