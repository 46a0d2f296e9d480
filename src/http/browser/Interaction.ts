/**
 * What the pages of one authorization share: the request travels in its own URL, and every form carries it sealed.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import {
  type AuthorizationRefused,
  AuthorizationRejected,
  type AuthorizationRequest,
  type ReplyAddress
} from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as Time from "../../domain/Time.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { Approvals } from "../../services/authorization/Approvals.js"
import { type ConsentForm, SealedForms } from "../../services/authorization/SealedForms.js"
import * as Metrics from "../../services/events/Metrics.js"
import * as Origin from "../../services/events/Origin.js"
import { digest, digestOf } from "../../services/keys/Crypto.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/index.js"
import * as Wire from "../wire/Wire.js"
import * as BrowserIds from "./BrowserIds.js"
import * as Page from "./Page.js"
import { ResourceOwner } from "./ResourceOwner.js"
import * as SealedForm from "./SealedForm.js"

/** The parameter in which a login leaves its proof for the request that it returns to. */
const proofParameter = "latchkey_login"

/** An authorization request as its URL holds it, and when it was first answered with a login page, if it was. */
export interface Interaction {
  /** The request's own parameters, in one spelling. */
  readonly query: string
  readonly firstShownAt: Option.Option<DateTime.Utc>
  /** Why a form of this request was not accepted just now, if one was not. */
  readonly refusal: Option.Option<SealedForm.Refusal>
}

/** Reads the query of `/authorize`: the request, the proof that a login has left there, and why a form was refused. */
export const read = (query: string) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const parameters = new URLSearchParams(query)
    const proof = parameters.get(proofParameter)
    parameters.delete(proofParameter)
    parameters.delete(SealedForm.refusalParameter)
    const own = parameters.toString()
    const opened = proof === null ? Option.none() : yield* forms.open("LoginProof", proof)
    const interaction: Interaction = {
      query: own,
      firstShownAt: opened.pipe(
        Option.filter(({ expired, form }) => !expired && form.request === digestOf(own)),
        Option.map(({ form }) => form.firstShownAt)
      ),
      refusal: SealedForm.refusalIn(query)
    }
    return interaction
  })

/** The URL path of `/authorize` for a request. */
export const authorizePath = (issuer: Issuer.Issuer, query: string): string =>
  `${Issuer.path(issuer)}/authorize?${query}`

/** To the request again, where the person is asked whatever they allowed before. */
export const askAgainPath = (issuer: Issuer.Issuer, query: string): string =>
  authorizePath(issuer, withPrompt(query, "consent"))

/** Back to the request, with the proof that it was first shown at a time (see `read`). */
export const returnPath = (query: string, firstShownAt: DateTime.Utc) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    const proof = yield* forms.seal({ _tag: "LoginProof", request: digestOf(query), firstShownAt })
    return authorizePath(issuer, `${query}&${proofParameter}=${proof}`)
  })

/**
 * Whether the login that is there will not do (OpenID Connect Core §3.1.2.1): the client asks for a new one, or for a
 * younger one. A login made since this request was first shown always does.
 */
export const mustLogIn = (
  { maxAge, prompt }: AuthorizationRequest,
  { firstShownAt }: Pick<Interaction, "firstShownAt">,
  { session }: LoggedIn,
  now: DateTime.Utc
): boolean => {
  if (Option.exists(firstShownAt, (shownAt) => !Time.isBefore(session.authenticatedAt, shownAt))) return false
  return (
    prompt.has("login") ||
    prompt.has("select_account") ||
    Option.exists(maxAge, (seconds) => !Time.isWithin(now, session.authenticatedAt, Duration.seconds(seconds)))
  )
}

/** What a login page is shown for. */
export interface LoginReason {
  /** The authorization request that waits, if one does. */
  readonly query?: string
  readonly firstShownAt: Option.Option<DateTime.Utc>
  /** Whose request it is, and where the person goes on to. */
  readonly replyTo: Option.Option<ReplyAddress>
  /** Why a form was not accepted, where that leads here. */
  readonly refusal?: Option.Option<SealedForm.Refusal>
}

/** Has the person log in: on our page, where a name may stand already, or with the app. */
export const logIn = (request: HttpServerRequest.HttpServerRequest, reason: LoginReason, username: string) =>
  Effect.gen(function* () {
    const owner = yield* ResourceOwner
    if (owner._tag === "BuiltIn") {
      const refusal = Option.getOrUndefined(reason.refusal ?? Option.none())
      return yield* loginPage(request, reason, username, refusal)
    }
    const { issuer } = yield* ServerSettings
    const { firstShownAt, query } = reason
    if (query === undefined) return Page.seeOther(issuer, owner.loginUrl(`${issuer}/account`))
    // Sent there again, the browser would go in circles: the app takes an old login for a new one, or its cookie does
    // not come here.
    if (Option.isSome(firstShownAt))
      return yield* Page.page("errorPage", { ...stillNotLoggedIn, wayOn: Page.toAccount(issuer) }, 403)
    const path = yield* returnPath(query, yield* DateTime.now)
    return Page.seeOther(issuer, owner.loginUrl(`${Issuer.origin(issuer)}${path}`))
  })

const stillNotLoggedIn: Pages.ErrorPage = {
  title: "You are not logged in",
  message:
    "You were sent to log in, and came back without a new login. Go back to the app you came from and start again."
}

/** The login page, in a form that only this browser can send. */
export const loginPage = (
  request: HttpServerRequest.HttpServerRequest,
  { firstShownAt, query, replyTo }: LoginReason,
  username: string,
  problem?: Pages.LoginPage["problem"],
  waitSeconds?: number
) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    const ids = BrowserIds.read(request, issuer)
    const browser = yield* BrowserIds.choose(ids)
    const form = yield* forms.seal({
      _tag: "LoginForm",
      ...(query === undefined ? {} : { query }),
      browser: digest(browser),
      firstShownAt: Option.isSome(firstShownAt) ? firstShownAt.value : yield* DateTime.now
    })
    const page = yield* Page.page(
      "loginPage",
      {
        clientName: Option.getOrUndefined(Option.map(replyTo, ({ client }) => Client.displayName(client))),
        clientOrigin: Option.getOrUndefined(Option.map(replyTo, ({ client }) => client.origin)),
        target: Option.getOrUndefined(Option.map(replyTo, ({ redirectUri }) => RedirectUri.target(redirectUri))),
        formAction: `${Issuer.path(issuer)}/login`,
        form,
        username,
        problem,
        waitSeconds
      },
      problem === undefined || request.method !== "POST" ? 200 : problem === "Throttled" ? 429 : 403
    )
    return BrowserIds.keep(page, issuer, ids, browser)
  })

/** A consent form and the sealed text that holds it. */
export interface SealedConsent {
  readonly form: ConsentForm
  readonly sealed: string
}

/** A consent form that was not accepted: why, and what was ticked on it if that may stay. */
export type RefusedConsent =
  | { readonly refusal: Exclude<SealedForm.Refusal, "LoggedOut">; readonly ticked?: Scope.Scope }
  /**
   * Allow with nothing ticked. The page has the same form again, with its seal: Deny then also revokes what an earlier
   * Allow of this form granted, and the form expires when it would have.
   */
  | ({ readonly refusal: "NothingTicked" } & SealedConsent)

/** The consent page of a request, for one person in one session. */
export const consentPage = (query: string, request: AuthorizationRequest, who: LoggedIn, refused?: RefusedConsent) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const approvals = yield* Approvals
    const { issuer, lifetimes } = yield* ServerSettings
    const offer = yield* Effect.mapError(approvals.offer(request, who), (error) =>
      error._tag === "AccessDenied" ? new AuthorizationRejected({ replyTo: request, error }) : error
    )
    const isAgain = refused?.refusal === "NothingTicked"
    const drawn: ConsentForm = { ...offer.form, query }
    const { form, sealed }: SealedConsent = isAgain ? refused : { form: drawn, sealed: yield* forms.seal(drawn) }
    const ticked = isAgain ? Scope.empty : refused?.ticked
    const page: Pages.ConsentPage = {
      problem: refused?.refusal,
      clientName: Client.displayName(request.client),
      clientOrigin: request.client.origin,
      clientUri: Client.website(request.client, request.redirectUri),
      target: RedirectUri.target(request.redirectUri),
      username: who.displayName,
      switchUrl: authorizePath(issuer, withPrompt(query, "login")),
      resources: request.resources.map((resource) => ({
        name: resource.name ?? resource.uri,
        uri: resource.uri,
        scopes: Object.entries(resource.scopes)
          .filter(([token]) => ResourceScopes.at(form.offered, resource.uri).has(token))
          .map(([token, description]) => ({
            token,
            description,
            checked: (ticked ?? ResourceScopes.at(offer.ticked, resource.uri)).has(token),
            isNew: ResourceScopes.at(offer.fresh, resource.uri).has(token)
          }))
      })),
      lasts: `Access ends by itself after ${Math.ceil(Duration.toDays(lifetimes.grant))} days at the latest.`,
      formAction: `${Issuer.path(issuer)}/consent`,
      form: sealed
    }
    return yield* Page.page("consentPage", page, isAgain ? 400 : 200)
  })

/** The request with one more thing to do before it is answered (OpenID Connect Core §3.1.2.1). */
const withPrompt = (query: string, word: "login" | "consent"): string => {
  const parameters = new URLSearchParams(query)
  const words = (parameters.get("prompt") ?? "").split(" ").filter((before) => before !== "" && before !== word)
  parameters.set("prompt", [...words, word].join(" "))
  return parameters.toString()
}

/** Sends the person to the client, with the code (RFC 6749 §4.1.2). */
export const granted = (request: ReplyAddress, code: Redacted.Redacted) =>
  Effect.map(ServerSettings, ({ issuer }) =>
    Page.seeOther(issuer, Wire.responseUri(request, issuer, { code: Redacted.value(code) }))
  )

/** Wherever it is found out, it is the authorization endpoint that refuses. */
const count = (error: Metrics.Refusal["error"]) =>
  Effect.flatMap(ServerSettings, ({ issuer }) =>
    Metric.update(Metrics.refusals, { endpoint: `${Issuer.path(issuer)}/authorize`, error })
  )

/** A request that nobody can be told about: a page in our own words (RFC 6749 §4.1.2.1). */
export const refused = (error: AuthorizationRefused) =>
  Effect.gen(function* () {
    const { issuer } = yield* ServerSettings
    const incident = yield* Origin.requestId
    yield* Effect.annotateLogs(Effect.logInfo("authorization refused"), { reason: error.reason })
    yield* count(error)
    const page: Pages.ErrorPage = {
      title: "This request cannot be answered",
      message: error.description,
      incident,
      wayOn: Page.toAccount(issuer)
    }
    return yield* Page.page("errorPage", page, 400)
  })

/** A rejection as a sentence. An app that sends `prompt=none` wants an answer without a page (OpenID Connect §3.1.2.1). */
const rejection = (error: AuthorizationRejected["error"]): string => {
  switch (error._tag) {
    case "LoginRequired":
      return "The app wants to know, without asking you, whether it has access. You are not logged in, so it has to ask you."
    case "ConsentRequired":
      return "The app wants to know, without asking you, whether it has access. You have not allowed this yet, so it has to ask you."
    default:
      return `What the app asked for cannot be given: ${error.description}.`
  }
}

/**
 * A request that the client is told about. The browser goes there by itself only when this person has allowed this
 * client this target before; to any other target only by the person's own click, on a page that names it (RFC 9700
 * §4.11.2).
 */
export const rejected = ({ error, replyTo }: AuthorizationRejected, who: Option.Option<LoggedIn>) =>
  Effect.gen(function* () {
    const approvals = yield* Approvals
    const { issuer } = yield* ServerSettings
    yield* Effect.annotateLogs(Effect.logInfo("authorization rejected"), {
      error: error._tag,
      reason: error.reason,
      clientId: replyTo.client.id
    })
    yield* count(error)
    const location = Wire.errorUri(replyTo, error, issuer)
    if (Option.isSome(who) && (yield* approvals.knowsTarget(who.value, replyTo))) return Page.seeOther(issuer, location)
    return yield* Page.page(
      "redirectNoticePage",
      {
        clientName: Client.displayName(replyTo.client),
        clientOrigin: replyTo.client.origin,
        target: RedirectUri.target(replyTo.redirectUri),
        what: rejection(error),
        continueUrl: location
      },
      Wire.status(error)
    )
  })
