/** Asks the user to log in: on the login page of this server, or on the app's own. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { cutUsername } from "../../domain/Account.js"
import type { AuthorizationRequest, ReplyAddress } from "../../domain/AuthorizationRequest.js"
import * as Client from "../../domain/Client.js"
import * as ClientIdUrl from "../../domain/ClientIdUrl.js"
import * as Issuer from "../../domain/Issuer.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as Time from "../../domain/Time.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import { type LoginForm, SealedForms } from "../../services/authorization/SealedForms.js"
import { digest } from "../../services/keys/Crypto.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/Pages.js"
import * as Page from "../wire/Page.js"
import * as AuthorizationUrl from "./AuthorizationUrl.js"
import * as BrowserIds from "./BrowserIds.js"
import { ResourceOwner } from "./ResourceOwner.js"
import type * as SealedForm from "./SealedForm.js"

/**
 * Returns whether the user must log in although a session exists, because the client asks for a new or a younger login
 * (OpenID Connect Core §3.1.2.1). A login made after this request was first shown is always accepted.
 */
export const isRequired = (
  { maxAge, prompt }: AuthorizationRequest,
  { firstShownAt }: Pick<AuthorizationUrl.AuthorizationUrl, "firstShownAt">,
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

/** Why a user has to log in. */
export interface LoginReason {
  /** The authorization request that waits for the login, and its client; missing where none waits. */
  readonly query?: string
  readonly client?: LoginForm["client"]
  /** When this request was first answered with a login page; `None` if it never was. */
  readonly firstShownAt: Option.Option<DateTime.Utc>
  /** Why a form was refused, where that led here. */
  readonly refusal: Option.Option<SealedForm.Refusal>
}

/** Shows the login page, with a username filled in if it is not empty, or redirects to the app's own login. */
export const show = (request: HttpServerRequest.HttpServerRequest, reason: LoginReason, username: string) =>
  Effect.gen(function* () {
    const owner = yield* ResourceOwner
    const { issuer } = yield* ServerSettings
    const { client, firstShownAt, query, refusal } = reason
    if (owner._tag === "BuiltIn") {
      const state = {
        query,
        client,
        firstShownAt: Option.isSome(firstShownAt) ? firstShownAt.value : yield* DateTime.now
      }
      return yield* page(request, state, { username, problem: Option.getOrUndefined(refusal) })
    }
    if (query === undefined) return Page.seeOther(issuer, owner.loginUrl(`${issuer}/account`))
    // A second redirect would send the browser in circles: the app takes an old login for a new one, or its cookie does
    // not reach this server.
    if (Option.isSome(firstShownAt))
      return yield* Page.page("errorPage", { ...stillNotLoggedIn, wayOn: Page.toAccount(issuer) }, 403)
    const path = yield* AuthorizationUrl.returnPath(query, yield* DateTime.now)
    return Page.seeOther(issuer, owner.loginUrl(`${Issuer.origin(issuer)}${path}`))
  })

/** The client of a request, as the login page names it. */
export const clientOf = ({ client, redirectUri }: ReplyAddress): LoginForm["client"] => ({
  ...Client.identity(client),
  redirectUri
})

/** The client of a metadata document that is not read yet, as the login page names it: by the host of the document. */
export const clientOfDocument = (id: Client.ClientId): LoginForm["client"] => ({
  clientName: ClientIdUrl.host(id) ?? id
})

const stillNotLoggedIn: Pages.ErrorPage = {
  title: "You are not logged in",
  message:
    "You were sent to log in, and came back without a new login. Go back to the app you came from and start again."
}

/** The login page, with a form that only this browser can send. */
export const page = (
  request: HttpServerRequest.HttpServerRequest,
  { client, firstShownAt, query }: Pick<LoginForm, "client" | "firstShownAt" | "query">,
  shown: Pick<Pages.LoginPage, "problem" | "username" | "waitSeconds">
) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    const { redirectUri, ...identity } = client ?? {}
    const ids = BrowserIds.read(request, issuer)
    const browser = yield* BrowserIds.choose(ids)
    const form = yield* forms.seal({ _tag: "LoginForm", query, client, browser: digest(browser), firstShownAt })
    const page = yield* Page.page(
      "loginPage",
      {
        ...shown,
        username: cutUsername(shown.username),
        ...identity,
        target: redirectUri && RedirectUri.target(redirectUri),
        formAction: `${Issuer.path(issuer)}/login`,
        form
      },
      request.method === "POST" ? statusOf(shown.problem) : 200
    )
    return BrowserIds.keep(page, issuer, ids, browser)
  })

/** The status of a page that answers a login form. */
const statusOf = (problem: Pages.LoginPage["problem"]): number => {
  if (problem === undefined) return 200
  return problem === "Throttled" ? 429 : 403
}
