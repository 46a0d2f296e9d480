/** `POST /login`: begins a session for a username and a password, and redirects the user to where they came from. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Account } from "../../domain/Account.js"
import * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import type { KnownBrowser } from "../../services/accounts/KnownBrowsers.js"
import { Sessions } from "../../services/accounts/Sessions.js"
import type { LoginForm } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import type * as Pages from "../pages/Pages.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import { Meter } from "../wire/RateLimits.js"
import * as Wire from "../wire/Wire.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as BrowserIds from "./BrowserIds.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as PasswordLogin from "./PasswordLogin.js"
import * as ResourceOwner from "./ResourceOwner.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

const login = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { issuer } = yield* ServerSettings
  const known = yield* PasswordLogin.knownBrowser(request)
  yield* admit(known)
  const { expired, form, parameters } = yield* SealedForm.receive(request, "LoginForm")
  const username = yield* Parameters.field(parameters, PageForms.login.username)
  const refusal = refusalOf(expired, form, BrowserIds.read(request, issuer))
  // The password is not checked.
  if (refusal !== undefined) return yield* again(request, form, username, refusal)

  const password = Redacted.make(yield* Parameters.field(parameters, PageForms.login.password))
  const attempt = yield* PasswordLogin.attempt(known, username)
  // The browser is known for another username: for this one it is an unknown browser.
  if (Option.isSome(known) && Option.isNone(attempt.device)) yield* admit(Option.none())
  const tried = yield* PasswordLogin.orThrottled("/login", PasswordLogin.authenticate(attempt, password))
  if (Either.isLeft(tried)) {
    const page = yield* again(request, form, username, "Throttled", tried.left.retryAfter)
    return HttpServerResponse.setHeaders(page, Wire.retryAfter(tried.left))
  }
  return Option.isSome(tried.right)
    ? yield* begin(request, form, known, tried.right.value)
    : yield* again(request, form, username, "WrongCredentials")
})

/** Why a form is refused: it expired, this browser sends no cookies, or it was shown in another browser. */
const refusalOf = (expired: boolean, form: LoginForm, ids: ReadonlyArray<Redacted.Redacted>) => {
  if (expired) return "FormExpired"
  if (BrowserIds.include(ids, form.browser)) return undefined
  return ids.length === 0 ? "CookiesMissing" : "FormForeign"
}

/**
 * Counts the request against the limit of logins. An unknown browser counts by its address. A known one counts by itself,
 * because other browsers may flood the server from the address that it shares.
 */
const admit = (known: Option.Option<KnownBrowser>) =>
  Effect.flatMap(Meter, (meter) =>
    Option.match(known, {
      onNone: () => meter.consumeByAddress("login"),
      onSome: ({ device }) => meter.consume("login", device)
    })
  )

/** Begins a session, and redirects the user to where they came from. */
const begin = (
  request: HttpServerRequest.HttpServerRequest,
  form: LoginForm,
  known: Option.Option<KnownBrowser>,
  account: Account
) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const { issuer } = yield* ServerSettings
    // A login ends the earlier session of this browser, also one of another user.
    const before = yield* Visitor.loggedIn(request)
    if (Option.isSome(before)) yield* sessions.end(before.value.session)
    const next =
      form.query === undefined
        ? `${Issuer.path(issuer)}/account`
        : yield* AuthorizationUrl.returnPath(form.query, form.firstShownAt)
    return yield* PasswordLogin.begin(Page.seeOther(issuer, next), known, account)
  })

/** Shows the page again. It does not say which of username and password was wrong. */
const again = (
  request: HttpServerRequest.HttpServerRequest,
  form: LoginForm,
  username: string,
  problem: NonNullable<Pages.LoginPage["problem"]>,
  waitSeconds?: number
) => LoginPrompt.page(request, form, { username, problem, waitSeconds })

/** Serves the endpoint, unless the app has its own login. */
export const layer = Layer.effectDiscard(ResourceOwner.ifBuiltIn(Endpoint.addPage("/login", { POST: login })))
