/** `/logout`: ends the session of this browser. The user's grants stay active. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Issuer from "../../domain/Issuer.js"
import { Sessions } from "../../services/accounts/Sessions.js"
import { SealedForms } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import * as Cookies from "./Cookies.js"
import * as ResourceOwner from "./ResourceOwner.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

const path = (issuer: Issuer.Issuer) => `${Issuer.path(issuer)}/logout`

/** Shows a form: any site can link here, so GET must not end the session. */
const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const forms = yield* SealedForms
  const { issuer } = yield* ServerSettings
  const visitor = yield* Visitor.loggedIn(request)
  if (Option.isNone(visitor)) return yield* Page.page("loggedOutPage", {})
  const { displayName, session } = visitor.value
  const form = yield* forms.seal({ _tag: "LogoutForm", sessionId: session.id })
  const refusal = SealedForm.refusalIn(Option.getOrElse(Body.query(request), () => ""))
  return yield* Page.page("logoutPage", {
    username: displayName,
    formAction: path(issuer),
    form,
    problem: Option.getOrUndefined(Option.filter(refusal, (refusal) => refusal !== "LoggedOut"))
  })
})

const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const sessions = yield* Sessions
  const { issuer } = yield* ServerSettings
  const received = yield* SealedForm.receive(request, "LogoutForm")
  const visitor = yield* Visitor.loggedIn(request)
  if (Option.isSome(visitor)) {
    const refusal = SealedForm.refusal(received, visitor)
    // The form is of another session: the page asks the user who is logged in now.
    if (Option.isSome(refusal)) return Page.seeOther(issuer, SealedForm.withRefusal(path(issuer), refusal.value))
    yield* sessions.end(visitor.value.session)
  }
  return Cookies.clear(yield* Page.page("loggedOutPage", {}), issuer, "session")
})

/** Serves the endpoint, unless the app has its own logout. */
export const layer = Layer.effectDiscard(
  ResourceOwner.ifBuiltIn(Endpoint.addPage("/logout", { GET: get, POST: post }, ["logout"]))
)
