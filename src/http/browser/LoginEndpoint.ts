/** `POST /login`: a name and a password become a session, and the person goes on to what they came for. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Account } from "../../domain/Account.js"
import type { ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import type { KnownBrowser } from "../../services/accounts/KnownBrowsers.js"
import { Sessions } from "../../services/accounts/Sessions.js"
import { AuthorizationRequests } from "../../services/authorization/AuthorizationRequests.js"
import type { LoginForm } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/index.js"
import * as PageForms from "../pages/PageForms.js"
import * as Endpoint from "../wire/Endpoint.js"
import { Meter } from "../wire/RateLimits.js"
import * as Wire from "../wire/Wire.js"
import * as AuthorizationResponse from "./AuthorizationResponse.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as BrowserIds from "./BrowserIds.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as Page from "./Page.js"
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
  // The password is not looked at.
  if (refusal !== undefined) return yield* again(request, form, username, refusal)

  const password = Redacted.make(yield* Parameters.field(parameters, PageForms.login.password))
  const attempt = yield* PasswordLogin.attempt(known, username)
  // Known for another name: for this one it counts as every browser does.
  if (Option.isSome(known) && Option.isNone(attempt.device)) yield* admit(Option.none())
  const tried = yield* PasswordLogin.authenticate("/login", attempt, password)
  if (Either.isLeft(tried)) {
    const page = yield* again(request, form, username, "Throttled", tried.left.retryAfter)
    return HttpServerResponse.setHeaders(page, Wire.retryAfter(tried.left))
  }
  return Option.isSome(tried.right)
    ? yield* begin(request, form, known, tried.right.value)
    : yield* again(request, form, username, "WrongCredentials")
})

/** Why a form logs nobody in: it is too old, this browser sends no cookies, or it was shown in another browser. */
const refusalOf = (expired: boolean, form: LoginForm, ids: ReadonlyArray<Redacted.Redacted>) => {
  if (expired) return "FormExpired"
  if (BrowserIds.include(ids, form.browser)) return undefined
  return ids.length === 0 ? "CookiesMissing" : "FormForeign"
}

/** Where the person came from. */
const startOf = (issuer: Issuer.Issuer, { query }: LoginForm): string =>
  query === undefined ? `${Issuer.path(issuer)}/account` : AuthorizationUrl.path(issuer, query)

/**
 * Counts the request against the limit of logins: an unknown browser by its address, and a known one by itself, because
 * others may flood from the address that it shares.
 */
const admit = (known: Option.Option<KnownBrowser>) =>
  Effect.flatMap(Meter, (meter) =>
    Option.match(known, {
      onNone: () => meter.consumeByAddress("login"),
      onSome: ({ device }) => meter.consume("login", device)
    })
  )

/** A new session, and back to where the person came from. */
const begin = (
  request: HttpServerRequest.HttpServerRequest,
  form: LoginForm,
  known: Option.Option<KnownBrowser>,
  account: Account
) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const { issuer } = yield* ServerSettings
    // The session that was there is over, whoever's it was: none outlives a login.
    const before = yield* Visitor.loggedIn(request)
    if (Option.isSome(before)) yield* sessions.end(before.value.session)
    const next =
      form.query === undefined
        ? startOf(issuer, form)
        : yield* AuthorizationUrl.returnPath(form.query, form.firstShownAt)
    return yield* PasswordLogin.begin(Page.seeOther(issuer, next), known, account)
  })

/** The page again, whatever was wrong: which of the two it was is not said. */
const again = (
  request: HttpServerRequest.HttpServerRequest,
  { firstShownAt, query }: LoginForm,
  username: string,
  problem: NonNullable<Pages.LoginPage["problem"]>,
  waitSeconds?: number
) =>
  Effect.gen(function* () {
    const requests = yield* AuthorizationRequests
    const shown = Option.some(firstShownAt)
    const show = (reason: { readonly query?: string }, replyTo: Option.Option<ReplyAddress>) =>
      LoginPrompt.page(
        request,
        { ...reason, firstShownAt: shown, replyTo },
        username.slice(0, 64),
        problem,
        waitSeconds
      )
    if (query === undefined) return yield* show({}, Option.none())
    return yield* Parameters.parse(query).pipe(
      Effect.flatMap(requests.validate),
      Effect.flatMap((authorization) => show({ query }, Option.some(authorization))),
      Effect.catchTags({
        AuthorizationRefused: AuthorizationResponse.refused,
        AuthorizationRejected: ({ replyTo }) => show({ query }, Option.some(replyTo))
      })
    )
  })

/** Serves the endpoint, unless it is the app that logs people in. */
export const layer = Layer.effectDiscard(ResourceOwner.ifBuiltIn(Endpoint.addPage("/login", { POST: login })))
