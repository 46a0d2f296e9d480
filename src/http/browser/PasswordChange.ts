/** The password form of the account page. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Parameters from "../../domain/Parameters.js"
import { AccountOverview } from "../../services/accounts/AccountOverview.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { SealedForms } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import * as Wire from "../wire/Wire.js"
import * as AccountContent from "./AccountContent.js"
import * as PasswordLogin from "./PasswordLogin.js"

/** The parameter with the numbers of what a change ended, sealed: a link cannot invent numbers. */
const endedParameter = "ended"

/** Returns the numbers of sessions and apps that a password change of this user just ended. */
export const ended = Effect.fnUntraced(function* (parameters: Parameters.Parameters, { account }: LoggedIn) {
  const forms = yield* SealedForms
  const sealed = yield* Parameters.single(parameters, endedParameter)
  const opened = yield* Effect.transposeMapOption(sealed, (text) => forms.open("PasswordChange", text))
  return Option.flatten(opened).pipe(
    Option.filter(({ expired, form }) => !expired && form.subject === account.id),
    Option.map(({ form: { apps, sessions } }) => ({ apps, sessions }))
  )
})

/** Changes the password. That ends every session, so a new session begins in this browser. */
export const change = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  user: LoggedIn,
  parameters: Parameters.Parameters
) {
  const overview = yield* AccountOverview
  const { issuer } = yield* ServerSettings
  const { currentPassword, password, passwordAgain } = PageForms.changePassword
  const browser = yield* PasswordLogin.knownBrowser(request)
  const form = {
    attempt: yield* PasswordLogin.attempt(browser, user.account.username),
    current: Redacted.make(yield* Parameters.field(parameters, currentPassword)),
    password: yield* Parameters.field(parameters, password),
    passwordAgain: yield* Parameters.field(parameters, passwordAgain)
  }
  const tried = yield* PasswordLogin.orThrottled("/account", overview.changePassword(user, form))
  if (Either.isLeft(tried)) {
    const page = yield* AccountContent.show(user, { problems: ["Throttled"], waitSeconds: tried.left.retryAfter })
    return HttpServerResponse.setHeaders(page, Wire.retryAfter(tried.left))
  }
  if (tried.right._tag === "Refused") return yield* AccountContent.show(user, { problems: tried.right.problems })

  const { account, apps, sessions } = tried.right
  const forms = yield* SealedForms
  const sealed = yield* forms.seal({ _tag: "PasswordChange", subject: account.id, sessions, apps })
  const answer = AccountContent.done(issuer, "PasswordChanged", `&${endedParameter}=${sealed}`)
  return yield* PasswordLogin.begin(answer, browser, account)
})
