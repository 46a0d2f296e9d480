/** `POST /login`: a name and a password become a session, and the person goes on to what they came for. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { type Account, Username } from "../domain/Account.js"
import type { ReplyAddress } from "../domain/AuthorizationRequest.js"
import * as Issuer from "../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as Parameters from "../domain/Parameters.js"
import { Accounts } from "../services/Accounts.js"
import { AuthorizationRequests } from "../services/AuthorizationRequests.js"
import { digest, digestsEqual } from "../services/Crypto.js"
import type { LoginForm } from "../services/Forms.js"
import { LoginThrottle } from "../services/LoginThrottle.js"
import * as Metrics from "../services/Metrics.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { Sessions } from "../services/Sessions.js"
import * as ClientAddress from "./ClientAddress.js"
import * as Cookies from "./Cookies.js"
import * as Endpoint from "./Endpoint.js"
import * as Interaction from "./Interaction.js"
import * as Page from "./Page.js"
import type * as Pages from "./pages/index.js"
import * as ResourceOwner from "./ResourceOwner.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"
import * as Wire from "./Wire.js"

/** Longer ones are of no account here, and are not hashed. */
const maxPasswordBytes = 1024

const login = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { issuer } = yield* ServerSettings
  const { expired, form, parameters } = yield* SealedForm.receive(request, "LoginForm")
  const browser = Option.map(Cookies.read(request, issuer, "browser"), digest)
  // Too old, or another browser's: it logs nobody in, and the person starts again.
  if (expired || !Option.exists(browser, (browser) => digestsEqual(browser, form.browser))) {
    return Page.seeOther(issuer, startOf(issuer, form))
  }

  const username = yield* Parameters.field(parameters, "username")
  const password = Redacted.make(yield* Parameters.field(parameters, "password"))
  const tried = yield* authenticate(request, username, password)
  if (Either.isLeft(tried)) {
    const page = yield* again(request, form, username, "Throttled")
    return HttpServerResponse.setHeaders(page, Wire.retryAfter(tried.left))
  }
  return Option.isSome(tried.right)
    ? yield* begin(request, form, tried.right.value)
    : yield* again(request, form, username, "WrongCredentials")
})

/** Where the person came from. */
const startOf = (issuer: Issuer.Issuer, { query }: LoginForm): string =>
  query === undefined ? `${Issuer.path(issuer)}/account` : Interaction.authorizePath(issuer, query)

/** Whose name and password these are; `Left` when too many were tried of late. What cannot be anybody's is counted too, and takes no other way than the rest. */
const authenticate = (request: HttpServerRequest.HttpServerRequest, username: string, password: Redacted.Redacted) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const throttle = yield* LoginThrottle
    const { issuer, trustedProxies } = yield* ServerSettings
    const name = Schema.decodeOption(Username)(username)
    const attempt = {
      username: Option.getOrElse(name, () => username.slice(0, 64)),
      address: ClientAddress.of(request, trustedProxies)
    }
    const verify: Effect.Effect<Option.Option<Account>, TemporarilyUnavailable> = Option.isNone(name) ||
    Buffer.byteLength(Redacted.value(password)) > maxPasswordBytes
      ? Effect.succeedNone
      : accounts.authenticate(name.value, password)
    return yield* throttle.guard(attempt, verify).pipe(
      Effect.map(Either.right),
      Effect.catchTag("TooManyRequests", (error) =>
        Effect.as(
          Metric.update(Metrics.refusals, { endpoint: `${Issuer.path(issuer)}/login`, error }),
          Either.left(error)
        )
      )
    )
  })

/** A new session, and back to where the person came from. */
const begin = (request: HttpServerRequest.HttpServerRequest, form: LoginForm, account: Account) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const { issuer, lifetimes } = yield* ServerSettings
    // The session that was there is over, whoever's it was: none outlives a login.
    const before = yield* Visitor.loggedIn(request)
    if (Option.isSome(before)) yield* sessions.end(before.value.session)
    const { secret } = yield* sessions.begin(account)
    const next =
      form.query === undefined ? startOf(issuer, form) : yield* Interaction.returnPath(form.query, form.firstShownAt)
    return Cookies.set(Page.seeOther(issuer, next), issuer, "session", secret, lifetimes.session)
  })

/** The page again, whatever was wrong: which of the two it was is not said. */
const again = (
  request: HttpServerRequest.HttpServerRequest,
  { firstShownAt, query }: LoginForm,
  username: string,
  problem: NonNullable<Pages.LoginPage["problem"]>
) =>
  Effect.gen(function* () {
    const requests = yield* AuthorizationRequests
    const shown = Option.some(firstShownAt)
    const show = (reason: { readonly query?: string }, replyTo: Option.Option<ReplyAddress>) =>
      Interaction.loginPage(request, { ...reason, firstShownAt: shown, replyTo }, username.slice(0, 64), problem)
    if (query === undefined) return yield* show({}, Option.none())
    return yield* Parameters.parse(query).pipe(
      Effect.flatMap(requests.validate),
      Effect.flatMap((authorization) => show({ query }, Option.some(authorization))),
      Effect.catchTags({
        AuthorizationRefused: Interaction.refused,
        AuthorizationRejected: ({ replyTo }) => show({ query }, Option.some(replyTo))
      })
    )
  })

/** Serves the endpoint, unless it is the app that logs people in. */
export const layer = Layer.effectDiscard(
  ResourceOwner.ifBuiltIn(Endpoint.addPage("/login", { POST: login }, ["login"]))
)
