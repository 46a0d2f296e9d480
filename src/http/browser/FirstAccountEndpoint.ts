/** `/first-account`: creates the first account of a new server, by the link that the server printed at its start. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { cutUsername, isSamePassword, NewUsername } from "../../domain/Account.js"
import * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import { FirstAccount } from "../../services/accounts/FirstAccount.js"
import * as NewPassword from "../../services/accounts/NewPassword.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import type * as Pages from "../pages/Pages.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import * as PasswordLogin from "./PasswordLogin.js"
import * as SealedForm from "./SealedForm.js"

const path = (issuer: Issuer.Issuer) => `${Issuer.path(issuer)}/first-account`

/** Returns the link that opens the page. */
export const link = (issuer: Issuer.Issuer, token: Redacted.Redacted): string =>
  `${issuer}/first-account?token=${Redacted.value(token)}`

const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const first = yield* FirstAccount
  const parameters = yield* Parameters.parse(Option.getOrElse(Body.query(request), () => ""))
  const token = Option.map(yield* Parameters.single(parameters, "token"), (text) => Redacted.make(text))
  return Option.isSome(token) && (yield* first.admits(token.value)) ? yield* show(token.value, "") : yield* gone
})

type Problems = NonNullable<Pages.FirstAccountPage["problems"]>

const show = (token: Redacted.Redacted, username: string, problems: Problems = []) =>
  Effect.flatMap(ServerSettings, ({ issuer }) =>
    Page.page(
      "firstAccountPage",
      { formAction: path(issuer), form: Redacted.value(token), username, problems },
      problems.length === 0 ? 200 : 400
    )
  )

const gone = Page.page("firstAccountVoidPage", {}, 410)

const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const first = yield* FirstAccount
  const resources = yield* Resources
  const { issuer } = yield* ServerSettings
  yield* SealedForm.requireSameOrigin(request, issuer)
  const parameters = yield* Body.form(request)
  yield* Parameters.refuseRepeated(parameters, new Set())
  const token = Redacted.make(yield* Parameters.required(parameters, PageForms.firstAccount.form))
  const typed = yield* Parameters.field(parameters, PageForms.firstAccount.username)
  const password = yield* Parameters.field(parameters, PageForms.firstAccount.password)

  const username = Schema.decodeOption(NewUsername)(typed)
  const accepted = yield* NewPassword.read(password)
  const differs = !isSamePassword(password, yield* Parameters.field(parameters, PageForms.firstAccount.passwordAgain))
  if (Option.isNone(username) || Either.isLeft(accepted) || differs) {
    const problems: Problems = [
      ...(Option.isNone(username) ? (["NameInvalid"] as const) : []),
      ...(Either.isLeft(accepted) ? [accepted.left] : []),
      ...(differs ? (["PasswordsDiffer"] as const) : [])
    ]
    return yield* show(token, cutUsername(typed), problems)
  }

  const account = yield* first.create(token, { username: username.value, password: accepted.right })
  if (Option.isNone(account)) return yield* gone
  // The account exists. A later error does not change that, so the page still reports it.
  const [resource] = Resource.listed(yield* Effect.orElseSucceed(resources.all, () => []))
  const page = (isLoggedIn: boolean) =>
    Page.page("firstAccountDonePage", {
      username: account.value.username,
      mcpUrl: resource?.uri,
      accountUrl: `${Issuer.path(issuer)}/account`,
      isLoggedIn
    })
  return yield* PasswordLogin.begin(yield* page(true), Option.none(), account.value).pipe(
    Effect.catchTag("TemporarilyUnavailable", () => page(false))
  )
})

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/first-account", { GET: get, POST: post }, ["firstAccount"]))
