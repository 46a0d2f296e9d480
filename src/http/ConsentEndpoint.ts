/** `POST /consent`: the person's decision goes to the client (RFC 6749 §4.1.2). */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { AuthorizationRequest } from "../domain/AuthorizationRequest.js"
import * as Parameters from "../domain/Parameters.js"
import * as Scope from "../domain/Scope.js"
import { Approvals } from "../services/Approvals.js"
import { AuthorizationRequests } from "../services/AuthorizationRequests.js"
import type { ConsentForm } from "../services/Forms.js"
import { ServerSettings } from "../services/ServerSettings.js"
import type { LoggedIn } from "../services/Sessions.js"
import * as Endpoint from "./Endpoint.js"
import * as Interaction from "./Interaction.js"
import * as Page from "./Page.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"
import * as Wire from "./Wire.js"

/** One box for each scope that may be ticked. */
const repeatable = new Set(["scope"])

const consent = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const requests = yield* AuthorizationRequests
  const { issuer } = yield* ServerSettings
  const { expired, form, parameters } = yield* SealedForm.receive(request, "ConsentForm", repeatable)
  const visitor = yield* Visitor.loggedIn(request)
  // Too old, or shown to somebody else: it decides nothing, and whoever is there is asked anew.
  if (expired || Option.isNone(visitor) || !isOf(form, visitor.value)) {
    return Page.seeOther(issuer, Interaction.askAgainPath(issuer, form.query))
  }

  const decision = yield* Parameters.required(parameters, "decision")
  const ticked = Scope.fromIterable(Parameters.all(parameters, "scope"))
  return yield* Parameters.parse(form.query).pipe(
    Effect.flatMap(requests.validate),
    Effect.flatMap((authorization) => decide(decision, authorization, visitor.value, form, ticked)),
    Effect.catchTags({
      AuthorizationRefused: Interaction.refused,
      AuthorizationRejected: (rejection) => Interaction.rejected(rejection, visitor)
    })
  )
})

/** Whether the page was shown to this person, in this session. */
const isOf = (form: ConsentForm, { account, session }: LoggedIn): boolean =>
  form.sessionId === session.id && form.subject === account.id

const decide = (
  decision: string,
  request: AuthorizationRequest,
  who: LoggedIn,
  form: ConsentForm,
  ticked: Scope.Scope
) =>
  Effect.gen(function* () {
    const approvals = yield* Approvals
    switch (decision) {
      case "allow": {
        const answer = yield* approvals.allow(request, who, form, ticked)
        return answer._tag === "Allowed"
          ? yield* Interaction.granted(request, answer.code)
          : yield* Page.page("alreadyDecidedPage", {}, 409)
      }
      case "deny":
        return yield* yield* approvals.deny(request, form)
      default:
        return yield* Parameters.malformed("decision")
    }
  }).pipe(
    // The page has named the target, and said that either answer leads there.
    Effect.catchTag("AccessDenied", (error) =>
      Effect.map(ServerSettings, ({ issuer }) => Page.seeOther(issuer, Wire.errorUri(request, error, issuer)))
    )
  )

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/consent", { POST: consent }, ["consent"]))
