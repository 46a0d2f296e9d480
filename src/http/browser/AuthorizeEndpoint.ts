/**
 * `/authorize` (RFC 6749 §3.1): reads the request, finds the user, and shows a page. It writes nothing and decides
 * nothing, unless the user has already decided (ADR 15).
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { AuthorizationRejected, type AuthorizationRequest } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as CodeChallenge from "../../domain/CodeChallenge.js"
import { ConsentRequired, InvalidRequest, LoginRequired } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { Approvals, Consideration } from "../../services/authorization/Approvals.js"
import { AuthorizationRequests } from "../../services/authorization/AuthorizationRequests.js"
import { ClientDocuments } from "../../services/clients/ClientDocuments.js"
import { ServerMetadata } from "../../services/metadata/ServerMetadata.js"
import * as ServerClock from "../../services/ServerClock.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import * as AuthorizationResponse from "./AuthorizationResponse.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as ConsentPrompt from "./ConsentPrompt.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as Visitor from "./Visitor.js"

const makeGet = Effect.gen(function* () {
  const requests = yield* AuthorizationRequests
  const approvals = yield* Approvals
  const documents = yield* ClientDocuments
  return Effect.fnUntraced(function* ({ request }: Endpoint.Call) {
    const url = yield* AuthorizationUrl.read(Option.getOrElse(Body.query(request), () => ""))
    const visitor = yield* Visitor.loggedIn(request)
    const document = documentOf(documents, url)
    // The document is fetched for users of this server only.
    if (Option.isNone(visitor) && document !== undefined) {
      const [username = ""] = Parameters.all(url.parameters, "login_hint")
      return yield* LoginPrompt.show(
        request,
        { ...url, client: LoginPrompt.clientOfDocument(document) },
        url.silent ? "" : username
      )
    }
    return yield* requests.validate(url.parameters).pipe(
      Effect.flatMap((authorization) => answer(approvals, { request, url, authorization, visitor })),
      Effect.catchTags({
        // A user who is logged in can wait for the operator's approval, which an event reports.
        AuthorizationRefused: (refused) =>
          refused.reason === "ClientAwaitsApproval" && Option.isNone(visitor)
            ? LoginPrompt.show(request, url, "")
            : AuthorizationResponse.refused(refused, visitor),
        // An unknown user is not redirected to a client: they log in first (RFC 9700 §4.11.2).
        AuthorizationRejected: (rejection) =>
          Option.isSome(visitor) || url.silent
            ? AuthorizationResponse.rejected(rejection, visitor)
            : LoginPrompt.show(request, { ...url, client: LoginPrompt.clientOf(rejection.replyTo) }, "")
      })
    )
  })
})

/** Returns the client id of a request if it is the URL of a metadata document. */
const documentOf = (
  documents: Context.Tag.Service<ClientDocuments>,
  { parameters }: AuthorizationUrl.AuthorizationUrl
) => {
  const [clientId = ""] = Parameters.all(parameters, "client_id")
  return Option.getOrUndefined(Option.filter(Client.parseId(clientId), documents.accepts))
}

/** A valid request, and who is at the browser. */
interface Visit {
  readonly request: HttpServerRequest.HttpServerRequest
  readonly url: AuthorizationUrl.AuthorizationUrl
  readonly authorization: AuthorizationRequest
  readonly visitor: Option.Option<LoggedIn>
}

const loginRequired = new LoginRequired({ reason: "NoSession", description: "no user is logged in" })
const consentRequired = new ConsentRequired({ reason: "NoConsent", description: "the user has not allowed this yet" })

/** Answers with a login page, a consent page, or a code if consent is remembered; rejects where no page may be shown. */
const answer = (approvals: Context.Tag.Service<Approvals>, { authorization, request, url, visitor }: Visit) =>
  Effect.gen(function* () {
    const reject = (error: AuthorizationRejected["error"]) =>
      new AuthorizationRejected({ replyTo: authorization, error })
    if (Option.isNone(visitor) || LoginPrompt.isRequired(authorization, url, visitor.value, yield* ServerClock.now)) {
      return url.silent
        ? yield* reject(loginRequired)
        : yield* LoginPrompt.show(
            request,
            { ...url, client: LoginPrompt.clientOf(authorization) },
            Option.match(authorization.loginHint, { onNone: () => "", onSome: Redacted.value })
          )
    }
    const who = visitor.value
    return yield* Consideration.$match(yield* approvals.consider(authorization, who, isVisit(request)), {
      Remembered: ({ code }) => AuthorizationResponse.granted(authorization, code),
      Ask: ({ offer }) =>
        url.silent
          ? reject(consentRequired)
          : ConsentPrompt.page({ query: url.query, request: authorization, who, offer, refused: refusedConsent(url) }),
      Refused: ({ error }) => reject(url.silent ? consentRequired : error)
    })
  })

/** Why a consent form was refused. A user who has logged in again need not read that they were logged out. */
const refusedConsent = ({ refusal }: AuthorizationUrl.AuthorizationUrl): ConsentPrompt.RefusedConsent | undefined =>
  Option.isSome(refusal) && refusal.value !== "LoggedOut" ? { refusal: refusal.value } : undefined

/** Whether a user opens the URL: not a HEAD request, and not a prefetch by the browser (Sec-Purpose, W3C). */
const isVisit = ({ headers, method }: HttpServerRequest.HttpServerRequest): boolean =>
  method === "GET" && !["sec-purpose", "purpose"].some((name) => headers[name]?.includes("prefetch") === true)

/** Maximum length of a query, in characters: a longer one may not fit into a browser's URL. */
const maxQueryLength = 8192

/** Redirects a posted request to its own URL, so that GET alone answers it (RFC 6749 §3.1). */
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

/** Serves the endpoint, and adds it to the metadata. */
export const layer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { clientDocuments, issuer } = yield* ServerSettings
    const metadata = yield* ServerMetadata
    yield* Endpoint.addPage("/authorize", { GET: yield* makeGet, POST: post }, ["authorize"])
    yield* metadata.add({
      authorization_endpoint: `${issuer}/authorize`,
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      code_challenge_methods_supported: [CodeChallenge.method],
      prompt_values_supported: ["none", "login", "consent", "select_account"],
      authorization_response_iss_parameter_supported: true,
      ...(clientDocuments ? { client_id_metadata_document_supported: true } : {})
    })
  })
)
