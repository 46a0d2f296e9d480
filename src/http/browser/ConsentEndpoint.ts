/** `POST /consent`: carries out the user's decision and sends the answer to the client (RFC 6749 §4.1.2). */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { AuthorizationRejected, type AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import type * as Issuer from "../../domain/Issuer.js"
import type { InvalidRequest } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import type * as ResourceScopes from "../../domain/ResourceScopes.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { Approvals, Choice, Decided } from "../../services/authorization/Approvals.js"
import { AuthorizationRequests } from "../../services/authorization/AuthorizationRequests.js"
import type { ConsentForm } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as PageForms from "../pages/PageForms.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import * as Wire from "../wire/Wire.js"
import * as AuthorizationResponse from "./AuthorizationResponse.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as ConsentPrompt from "./ConsentPrompt.js"
import * as ConsentTicks from "./ConsentTicks.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

/** The field that may be repeated: one checkbox for each scope. */
const repeatable = new Set<string>([PageForms.consent.scope])

const consent = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const requests = yield* AuthorizationRequests
  const { issuer } = yield* ServerSettings
  const received = yield* SealedForm.receive(request, "ConsentForm", repeatable)
  const { expired, form, parameters, sealed } = received
  const visitor = yield* Visitor.loggedIn(request)
  const refusal = SealedForm.refusal(received, visitor)
  if (Option.isNone(visitor)) return askAgain(issuer, form, "LoggedOut")
  // The user who is at the browser now must not see another user's ticks.
  if (Option.contains(refusal, "FormForeign")) return askAgain(issuer, form, "FormForeign")

  const ticked = ConsentTicks.read(form.offered, Parameters.all(parameters, PageForms.consent.scope))
  const button = yield* Parameters.required(parameters, PageForms.consent.decision)
  const answer = Effect.fnUntraced(function* (authorization: AuthorizationRequest) {
    const answered = { request: authorization, who: visitor.value, form, sealed, ticked }
    return expired ? yield* showAgain(answered) : yield* decide(answered, button)
  })
  return yield* Parameters.parse(form.query).pipe(
    Effect.flatMap(requests.validate),
    Effect.flatMap(answer),
    Effect.catchTags({
      AuthorizationRefused: (refused) => AuthorizationResponse.refused(refused, visitor),
      AuthorizationRejected: (rejection) => AuthorizationResponse.rejected(rejection, visitor)
    })
  )
})

/** A consent form from its own user, and the request that it answers. */
interface Answered extends ConsentPrompt.SealedConsent {
  readonly request: AuthorizationRequest
  readonly who: LoggedIn
  readonly ticked: ResourceScopes.ResourceScopes
}

/** Redirects to the request again, where a page says why the form decided nothing. */
const askAgain = (issuer: Issuer.Issuer, { query }: ConsentForm, refusal: SealedForm.Refusal) =>
  Page.seeOther(issuer, SealedForm.withRefusal(AuthorizationUrl.pathWithPrompt(issuer, query, "consent"), refusal))

/** Shows the page again with its ticks, or asks for a new login if this one has become too old for the client. */
const showAgain = ({ form, request, ticked, who }: Answered) =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const now = yield* DateTime.now
    return LoginPrompt.isRequired(request, { firstShownAt: Option.none() }, who, now)
      ? askAgain(issuer, form, "FormExpired")
      : yield* showPage({ request, who, form }, { refusal: "FormExpired", ticked })
  })

const showPage = (
  { form: { query }, request, who }: Pick<Answered, "form" | "request" | "who">,
  refused: ConsentPrompt.RefusedConsent
) =>
  Effect.gen(function* () {
    const approvals = yield* Approvals
    const offer = yield* Effect.mapError(approvals.offer(request, who), (error) =>
      error._tag === "AccessDenied" ? new AuthorizationRejected({ replyTo: request, error }) : error
    )
    return yield* ConsentPrompt.page({ query, request, who, offer, refused })
  })

/** The choice of a button. */
const choiceOf = (button: string, ticked: ResourceScopes.ResourceScopes): Effect.Effect<Choice, InvalidRequest> => {
  switch (button) {
    case PageForms.consent.allow:
      return Effect.succeed(Choice.Allow({ ticked }))
    case PageForms.consent.deny:
      return Effect.succeed(Choice.Deny())
    default:
      return Parameters.malformed(PageForms.consent.decision)
  }
}

const decide = ({ form, request, sealed, ticked, who }: Answered, button: string) =>
  Effect.gen(function* () {
    const approvals = yield* Approvals
    const { issuer } = yield* ServerSettings
    const choice = yield* choiceOf(button, ticked)
    return yield* Decided.$match(yield* approvals.decide({ request, who, offer: form, choice }), {
      Allowed: ({ code }) => AuthorizationResponse.granted(request, code),
      AlreadyDecided: () => Page.page("alreadyDecidedPage", {}, 409),
      NothingTicked: () => showPage({ request, who, form }, { refusal: "NothingTicked", form, sealed }),
      // The page has named the target, and said that both buttons lead there.
      Denied: ({ error }) => Effect.succeed(Page.seeOther(issuer, Wire.errorUri(request, error, issuer)))
    })
  })

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/consent", { POST: consent }, ["consent"]))
