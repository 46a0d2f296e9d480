/** `POST /login`: a name and a password become a session, and the person returns to the request. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { Username } from "../domain/Account.js"
import type { ReplyAddress } from "../domain/AuthorizationRequest.js"
import * as Issuer from "../domain/Issuer.js"
import { Forbidden } from "../domain/OAuthError.js"
import * as Parameters from "../domain/Parameters.js"
import { Accounts } from "../services/Accounts.js"
import { AuthorizationRequests } from "../services/AuthorizationRequests.js"
import { digest, digestsEqual } from "../services/Crypto.js"
import { Forms, type LoginForm } from "../services/Forms.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { Sessions } from "../services/Sessions.js"
import * as Body from "./Body.js"
import * as Cookies from "./Cookies.js"
import * as Endpoint from "./Endpoint.js"
import * as Interaction from "./Interaction.js"
import * as Page from "./Page.js"
import * as SameOrigin from "./SameOrigin.js"
import * as Visitor from "./Visitor.js"

/** Longer ones are of no account here, and are not hashed. */
const maxPasswordBytes = 1024

const login = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const forms = yield* Forms
  const sessions = yield* Sessions
  const { issuer, lifetimes } = yield* ServerSettings

  yield* SameOrigin.require(request, issuer)
  const parameters = yield* Body.form(request)
  yield* Parameters.refuseRepeated(parameters, new Set())
  const opened = yield* forms.open("LoginForm", yield* Parameters.required(parameters, "form"))
  if (Option.isNone(opened)) {
    return yield* new Forbidden({ reason: "ForgedForm", description: "the form was not made here" })
  }
  const { expired, form } = opened.value
  const browser = Option.map(Cookies.read(request, issuer, "browser"), digest)
  // Too old, or another browser's: it logs nobody in, and the person starts again.
  if (expired || !Option.exists(browser, (browser) => digestsEqual(browser, form.browser))) {
    return Page.seeOther(issuer, Interaction.authorizePath(issuer, form.query))
  }

  const username = yield* Parameters.single(parameters, "username")
  const password = Option.map(yield* Parameters.single(parameters, "password"), (text) => Redacted.make(text))
  const account = yield* authenticate(username, password)
  if (Option.isNone(account))
    return yield* again(
      request,
      form,
      Option.getOrElse(username, () => "")
    )

  // The session that was there is over, whoever's it was: none outlives a login.
  const before = yield* Visitor.loggedIn(request)
  if (Option.isSome(before)) yield* sessions.end(before.value.session)
  const { secret } = yield* sessions.begin(account.value)
  return Cookies.set(
    Page.seeOther(issuer, yield* Interaction.returnPath(form.query, form.firstShownAt)),
    issuer,
    "session",
    secret,
    lifetimes.session
  )
})

const authenticate = (username: Option.Option<string>, password: Option.Option<Redacted.Redacted>) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const given = Option.all([Option.flatMap(username, Schema.decodeOption(Username)), password])
    if (Option.isNone(given)) return Option.none()
    const [name, secret] = given.value
    return Buffer.byteLength(Redacted.value(secret)) > maxPasswordBytes
      ? Option.none()
      : yield* accounts.authenticate(name, secret)
  })

/** The page again, whatever was wrong: which of the two it was is not said. */
const again = (request: HttpServerRequest.HttpServerRequest, form: LoginForm, username: string) =>
  Effect.gen(function* () {
    const requests = yield* AuthorizationRequests
    const show = (replyTo: ReplyAddress) =>
      Interaction.loginPage(
        request,
        { query: form.query, firstShownAt: Option.some(form.firstShownAt) },
        replyTo,
        username.slice(0, 64),
        "WrongCredentials"
      )
    return yield* Parameters.parse(form.query).pipe(
      Effect.flatMap(requests.validate),
      Effect.flatMap(show),
      Effect.catchTags({
        AuthorizationRefused: Interaction.refused,
        AuthorizationRejected: ({ replyTo }) => show(replyTo)
      })
    )
  })

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    yield* Endpoint.add({
      path: `${Issuer.path(issuer)}/login`,
      cors: false,
      renderError: (error) => Page.error(issuer, error),
      POST: login
    })
  })
)
