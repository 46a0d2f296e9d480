/** `/account`: the apps and sessions of the user who is logged in, to see and to end, and the form for a new password. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isExternal } from "../../domain/Account.js"
import * as Parameters from "../../domain/Parameters.js"
import { AccountOverview } from "../../services/accounts/AccountOverview.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import type { AccountForm } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import * as AccountContent from "./AccountContent.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as PasswordChange from "./PasswordChange.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const visitor = yield* Visitor.loggedIn(request)
  const query = Option.getOrElse(Body.query(request), () => "")
  const refusal = SealedForm.refusalIn(query)
  if (Option.isNone(visitor)) {
    return yield* LoginPrompt.show(request, { firstShownAt: Option.none(), refusal }, "")
  }
  const parameters = yield* Parameters.parse(query)
  const done = yield* Parameters.single(parameters, AccountContent.doneParameter)
  return yield* AccountContent.show(visitor.value, {
    notice: Option.getOrUndefined(Option.flatMap(done, Schema.decodeUnknownOption(AccountContent.Notice))),
    ended: Option.getOrUndefined(yield* PasswordChange.ended(parameters, visitor.value)),
    refusal: Option.getOrUndefined(Option.filter(refusal, (refusal) => refusal !== "LoggedOut"))
  })
})

const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { issuer } = yield* ServerSettings
  const received = yield* SealedForm.receive(request, "AccountForm")
  const visitor = yield* Visitor.loggedIn(request)
  // A refused form changes nothing. The user who is logged in sees their own page.
  const refuse = (refusal: SealedForm.Refusal) =>
    Page.seeOther(issuer, SealedForm.withRefusal(AccountContent.path(issuer), refusal))
  if (Option.isNone(visitor)) return refuse("LoggedOut")
  const refusal = SealedForm.refusal(received, visitor)
  return Option.isSome(refusal)
    ? refuse(refusal.value)
    : yield* act(request, received.form.action, visitor.value, received.parameters)
})

const act = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  action: AccountForm["action"],
  user: LoggedIn,
  parameters: Parameters.Parameters
) {
  const overview = yield* AccountOverview
  const { issuer } = yield* ServerSettings
  switch (action._tag) {
    case "Withdraw": {
      yield* overview.removeAccess(user.account.id, action.clientId)
      return AccountContent.done(issuer, "AccessRemoved")
    }
    case "RemoveInstallation": {
      const removed = yield* overview.removeInstallation(user.account.id, action.grantId)
      return AccountContent.done(issuer, removed === "Last" ? "AccessRemoved" : "InstallationRemoved")
    }
    case "EndSession": {
      yield* overview.endSession(user.account.id, action.sessionId)
      return AccountContent.done(issuer, "SessionEnded")
    }
    case "ChangePassword":
      return isExternal(user.account)
        ? Page.seeOther(issuer, AccountContent.path(issuer))
        : yield* PasswordChange.change(request, user, parameters)
  }
})

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/account", { GET: get, POST: post }, ["account"]))
