/**
 * `/authorize` (RFC 6749 §3.1): reads the request, sees who is there, and shows a page. Nothing is written here, and
 * nothing decided, save where the person has decided before (ADR 15).
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AuthorizationRejected, type AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as CodeChallenge from "../../domain/CodeChallenge.js"
import { ConsentRequired, InvalidRequest, LoginRequired } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { Approvals } from "../../services/authorization/Approvals.js"
import { AuthorizationRequests } from "../../services/authorization/AuthorizationRequests.js"
import { ServerMetadata } from "../../services/ServerMetadata.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as AuthorizationResponse from "./AuthorizationResponse.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as ConsentPrompt from "./ConsentPrompt.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as Page from "./Page.js"
import type * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const requests = yield* AuthorizationRequests
  const interaction = yield* AuthorizationUrl.read(Option.getOrElse(Body.query(request), () => ""))
  const visitor = yield* Visitor.loggedIn(request)

  const parameters = yield* Parameters.parse(interaction.query)
  // The client asks that nobody be asked anything, be the rest of its request good or not.
  const silent = Parameters.all(parameters, "prompt").includes("none")
  return yield* requests.validate(parameters).pipe(
    Effect.flatMap((authorization) => answer(request, interaction, authorization, visitor)),
    Effect.catchTags({
      AuthorizationRefused: AuthorizationResponse.refused,
      // Nobody is sent to a client before they have said who they are (RFC 9700 §4.11.2).
      AuthorizationRejected: (rejection) =>
        Option.isSome(visitor) || silent
          ? AuthorizationResponse.rejected(rejection, visitor)
          : LoginPrompt.show(request, { ...interaction, replyTo: Option.some(rejection.replyTo) }, "")
    })
  )
})

/** A login page, a consent page, a code where consent is remembered or, where no page may be shown, a rejection. */
const answer = (
  request: HttpServerRequest.HttpServerRequest,
  interaction: AuthorizationUrl.AuthorizationUrl,
  authorization: AuthorizationRequest,
  visitor: Option.Option<LoggedIn>
) =>
  Effect.gen(function* () {
    const silent = authorization.prompt.has("none")
    const reject = (error: AuthorizationRejected["error"]) =>
      new AuthorizationRejected({ replyTo: authorization, error })

    if (
      Option.isNone(visitor) ||
      LoginPrompt.isRequired(authorization, interaction, visitor.value, yield* DateTime.now)
    ) {
      return silent
        ? yield* reject(new LoginRequired({ reason: "NoSession", description: "nobody is logged in" }))
        : yield* LoginPrompt.show(
            request,
            { ...interaction, replyTo: Option.some(authorization) },
            Option.match(authorization.loginHint, { onNone: () => "", onSome: Redacted.value }).slice(0, 64)
          )
    }
    const remembered =
      authorization.prompt.has("consent") || !isVisit(request)
        ? Option.none()
        : yield* (yield* Approvals).remembered(authorization, visitor.value)
    if (Option.isSome(remembered)) return yield* AuthorizationResponse.granted(authorization, remembered.value)
    return silent
      ? yield* reject(new ConsentRequired({ reason: "NoConsent", description: "the person has not been asked" }))
      : yield* ConsentPrompt.page(
          interaction.query,
          authorization,
          visitor.value,
          Option.getOrUndefined(Option.flatMap(interaction.refusal, forOneWhoIsThere))
        )
  })

/** Why a consent form was not accepted. That nobody was logged in is no news any more. */
const forOneWhoIsThere = (refusal: SealedForm.Refusal): Option.Option<ConsentPrompt.RefusedConsent> =>
  refusal === "LoggedOut" ? Option.none() : Option.some({ refusal })

/** Whether somebody goes there: HEAD only looks, and a prefetch (Sec-Purpose, W3C) is the browser's own idea. */
const isVisit = ({ headers, method }: HttpServerRequest.HttpServerRequest): boolean =>
  method === "GET" && !["sec-purpose", "purpose"].some((name) => headers[name]?.includes("prefetch") === true)

/** A browser's URLs end somewhere: a request that would not fit into one is refused. */
const maxQueryLength = 8192

/** A posted request goes on as a URL, so that there is one way from here (RFC 6749 §3.1). */
const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { issuer } = yield* ServerSettings
  const parameters = yield* Body.form(request)
  const query = new URLSearchParams(
    Array.from(parameters.values).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]))
  ).toString()
  if (query.length > maxQueryLength) {
    return yield* new InvalidRequest({ reason: "MalformedParameter", description: "the request is too long" })
  }
  return Page.seeOther(issuer, AuthorizationUrl.path(issuer, query))
})

/** Serves the endpoint, and says so in the metadata. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addPage("/authorize", { GET: get, POST: post }, ["authorize"])
    yield* metadata.add({
      authorization_endpoint: `${issuer}/authorize`,
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      code_challenge_methods_supported: [CodeChallenge.method],
      prompt_values_supported: ["none", "login", "consent", "select_account"],
      authorization_response_iss_parameter_supported: true
    })
  })
)
