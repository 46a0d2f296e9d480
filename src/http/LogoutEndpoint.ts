/** `/logout`: ends the session of this browser. What the person has granted stays granted. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Issuer from "../domain/Issuer.js"
import { Forbidden } from "../domain/OAuthError.js"
import * as Parameters from "../domain/Parameters.js"
import { Forms } from "../services/Forms.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { Sessions } from "../services/Sessions.js"
import * as Body from "./Body.js"
import * as Cookies from "./Cookies.js"
import * as Endpoint from "./Endpoint.js"
import * as Page from "./Page.js"
import * as Pages from "./pages/index.js"
import * as SameOrigin from "./SameOrigin.js"
import * as Visitor from "./Visitor.js"

const path = (issuer: Issuer.Issuer) => `${Issuer.path(issuer)}/logout`

/** A link from anywhere leads here, so it only asks. */
const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const forms = yield* Forms
  const { issuer } = yield* ServerSettings
  const visitor = yield* Visitor.loggedIn(request)
  if (Option.isNone(visitor)) return Page.page(issuer, Pages.loggedOutPage())
  const { account, session } = visitor.value
  const form = yield* forms.seal({ _tag: "LogoutForm", sessionId: session.id })
  return Page.page(issuer, Pages.logoutPage({ username: account.username, formAction: path(issuer), form }))
})

const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const forms = yield* Forms
  const sessions = yield* Sessions
  const { issuer } = yield* ServerSettings
  yield* SameOrigin.require(request, issuer)
  const parameters = yield* Body.form(request)
  const opened = yield* forms.open("LogoutForm", yield* Parameters.required(parameters, "form"))
  if (Option.isNone(opened)) {
    return yield* new Forbidden({ reason: "ForgedForm", description: "the form was not made here" })
  }
  const visitor = yield* Visitor.loggedIn(request)
  if (Option.isSome(visitor)) {
    const { session } = visitor.value
    // Somebody else's page, or an old one: whoever is there now is asked.
    if (opened.value.expired || opened.value.form.sessionId !== session.id) return Page.seeOther(issuer, path(issuer))
    yield* sessions.end(session)
  }
  return Cookies.clear(Page.page(issuer, Pages.loggedOutPage()), issuer, "session")
})

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    yield* Endpoint.add({
      path: path(issuer),
      cors: false,
      renderError: (error) => Page.error(issuer, error),
      GET: get,
      POST: post
    })
  })
)
