/** `POST /consent`: the person's decision goes to the client (RFC 6749 §4.1.2). */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import type * as Issuer from "../../domain/Issuer.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Scope from "../../domain/Scope.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { Approvals } from "../../services/authorization/Approvals.js"
import { AuthorizationRequests } from "../../services/authorization/AuthorizationRequests.js"
import type { ConsentForm } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Wire from "../wire/Wire.js"
import * as AuthorizationResponse from "./AuthorizationResponse.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as ConsentPrompt from "./ConsentPrompt.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as Page from "./Page.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

/** One box for each scope that may be ticked. */
const repeatable = new Set<string>([PageForms.consent.scope])

const consent = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const requests = yield* AuthorizationRequests
  const { issuer } = yield* ServerSettings
  const received = yield* SealedForm.receive(request, "ConsentForm", repeatable)
  const { expired, form, parameters } = received
  const visitor = yield* Visitor.loggedIn(request)
  const refusal = SealedForm.refusal(received, visitor)
  if (Option.isNone(visitor)) return askAgain(issuer, form, "LoggedOut")
  // Another person's ticks are not shown to the person who is there now.
  if (Option.contains(refusal, "FormForeign")) return askAgain(issuer, form, "FormForeign")

  const ticked = Scope.fromIterable(Parameters.all(parameters, PageForms.consent.scope))
  const decision = yield* Parameters.required(parameters, PageForms.consent.decision)
  const answer = Effect.fnUntraced(function* (authorization: AuthorizationRequest) {
    if (expired) return yield* showAgain(authorization, visitor.value, form, ticked)
    return yield* decide(decision, authorization, visitor.value, received, ticked)
  })
  return yield* Parameters.parse(form.query).pipe(
    Effect.flatMap(requests.validate),
    Effect.flatMap(answer),
    Effect.catchTags({
      AuthorizationRefused: AuthorizationResponse.refused,
      AuthorizationRejected: (rejection) => AuthorizationResponse.rejected(rejection, visitor)
    })
  )
})

/** To the request again, where a page says why the form decided nothing. */
const askAgain = (issuer: Issuer.Issuer, { query }: ConsentForm, refusal: SealedForm.Refusal) =>
  Page.seeOther(issuer, SealedForm.withRefusal(AuthorizationUrl.pathWithPrompt(issuer, query, "consent"), refusal))

/** The page again with its ticks, unless the client needs a newer login than this one has become. */
const showAgain = (authorization: AuthorizationRequest, who: LoggedIn, form: ConsentForm, ticked: Scope.Scope) =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const now = yield* DateTime.now
    return LoginPrompt.isRequired(authorization, { firstShownAt: Option.none() }, who, now)
      ? askAgain(issuer, form, "FormExpired")
      : yield* ConsentPrompt.page(form.query, authorization, who, { refusal: "FormExpired", ticked })
  })

const decide = (
  decision: string,
  request: AuthorizationRequest,
  who: LoggedIn,
  sealed: ConsentPrompt.SealedConsent,
  ticked: Scope.Scope
) =>
  Effect.gen(function* () {
    const approvals = yield* Approvals
    switch (decision) {
      case PageForms.consent.allow:
        return yield* allow(request, who, sealed, ticked)
      case PageForms.consent.deny:
        return yield* yield* approvals.deny(request, sealed.form)
      default:
        return yield* Parameters.malformed(PageForms.consent.decision)
    }
  }).pipe(
    // The page has named the target, and said that either answer leads there.
    Effect.catchTag("AccessDenied", (error) =>
      Effect.map(ServerSettings, ({ issuer }) => Page.seeOther(issuer, Wire.errorUri(request, error, issuer)))
    )
  )

const allow = Effect.fnUntraced(function* (
  request: AuthorizationRequest,
  who: LoggedIn,
  { form, sealed }: ConsentPrompt.SealedConsent,
  ticked: Scope.Scope
) {
  const approvals = yield* Approvals
  const answer = yield* approvals.allow(request, who, form, ticked)
  switch (answer._tag) {
    case "Allowed":
      return yield* AuthorizationResponse.granted(request, answer.code)
    case "AlreadyDecided":
      return yield* Page.page("alreadyDecidedPage", {}, 409)
    case "NothingTicked":
      return yield* ConsentPrompt.page(form.query, request, who, { refusal: "NothingTicked", form, sealed })
  }
})

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/consent", { POST: consent }, ["consent"]))
