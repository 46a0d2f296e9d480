/** `/account`: what a person allowed and where they are logged in, to see and to take back; and their password. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { isExternal, isSamePassword } from "../../domain/Account.js"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import { Accounts } from "../../services/accounts/Accounts.js"
import * as NewPassword from "../../services/accounts/NewPassword.js"
import { type LoggedIn, Sessions } from "../../services/accounts/Sessions.js"
import { type AccountForm, SealedForms } from "../../services/authorization/SealedForms.js"
import * as AppUses from "../../services/clients/AppUses.js"
import { GrantRevocation } from "../../services/grants/GrantRevocation.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import { ClientStore } from "../../services/stores/ClientStore.js"
import { ConsentStore } from "../../services/stores/ConsentStore.js"
import type * as Pages from "../pages/index.js"
import * as PageForms from "../pages/PageForms.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as Page from "../wire/Page.js"
import * as Wire from "../wire/Wire.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as PasswordLogin from "./PasswordLogin.js"
import { ResourceOwner } from "./ResourceOwner.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

const path = (issuer: Issuer.Issuer) => `${Issuer.path(issuer)}/account`

const Notice = Schema.Literal("AccessRemoved", "SessionEnded", "PasswordChanged")

/** Back to the page, which says what was done. */
const done = (issuer: Issuer.Issuer, notice: typeof Notice.Type, more = "") =>
  Page.seeOther(issuer, `${path(issuer)}?done=${notice}${more}`)

/** The parameter with what a change of the password ended, sealed: no link can make up numbers. */
const endedParameter = "ended"

/** What a change of the person's password ended, if it was just changed. */
const endedFor = (parameters: Parameters.Parameters, { account }: LoggedIn) =>
  Effect.gen(function* () {
    const forms = yield* SealedForms
    const sealed = yield* Parameters.single(parameters, endedParameter)
    const opened = yield* Effect.transposeMapOption(sealed, (text) => forms.open("PasswordChange", text))
    return Option.flatten(opened).pipe(
      Option.filter(({ expired, form }) => !expired && form.subject === account.id),
      Option.map(({ form: { apps, sessions } }) => ({ apps, sessions }))
    )
  })

const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const visitor = yield* Visitor.loggedIn(request)
  const query = Option.getOrElse(Body.query(request), () => "")
  const refusal = SealedForm.refusalIn(query)
  if (Option.isNone(visitor)) return yield* logInFirst(request, refusal)
  const parameters = yield* Parameters.parse(query)
  const notice = Option.flatMap(yield* Parameters.single(parameters, "done"), Schema.decodeUnknownOption(Notice))
  return yield* show(visitor.value, {
    notice: Option.getOrUndefined(notice),
    ended: Option.getOrUndefined(yield* endedFor(parameters, visitor.value)),
    refusal: Option.getOrUndefined(Option.filter(refusal, (refusal) => refusal !== "LoggedOut"))
  })
})

const logInFirst = (request: HttpServerRequest.HttpServerRequest, refusal: Option.Option<SealedForm.Refusal>) =>
  LoginPrompt.show(request, { firstShownAt: Option.none(), refusal }, "")

type PasswordProblems = NonNullable<NonNullable<Pages.AccountPage["password"]>["problems"]>

const show = (
  { account, displayName, session }: LoggedIn,
  said: {
    readonly notice?: Pages.AccountPage["notice"]
    readonly ended?: Pages.AccountPage["ended"]
    readonly refusal?: Pages.AccountPage["problem"]
    readonly problems?: PasswordProblems
    readonly waitSeconds?: number
  }
) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const forms = yield* SealedForms
    const { issuer } = yield* ServerSettings
    const owner = yield* ResourceOwner
    const seal = (action: AccountForm["action"]) => forms.seal({ _tag: "AccountForm", sessionId: session.id, action })

    const logins = yield* Effect.forEach(
      yield* sessions.list(account.id),
      ({ browser, network, session: { authenticatedAt, id } }) =>
        Effect.map(seal({ _tag: "EndSession", sessionId: id }), (form) => ({
          since: timeOf(authenticatedAt),
          browser: Option.getOrUndefined(browser),
          network: Option.getOrUndefined(network),
          isThis: id === session.id,
          formAction: path(issuer),
          form
        }))
    )
    return yield* Page.page(
      "accountPage",
      {
        username: displayName,
        logoutUrl: owner._tag === "External" ? owner.logoutUrl : `${Issuer.path(issuer)}/logout`,
        notice: said.notice,
        ended: said.ended,
        problem: said.refusal,
        apps: yield* apps(account.id, seal),
        sessions: logins,
        password: isExternal(account)
          ? undefined
          : {
              formAction: path(issuer),
              form: yield* seal({ _tag: "ChangePassword" }),
              problems: said.problems,
              waitSeconds: said.waitSeconds
            }
      },
      said.problems === undefined ? 200 : said.problems.includes("Throttled") ? 429 : 400
    )
  })

/** What the person allows apps now, the app that was allowed last first. */
const apps = (
  subject: LoggedIn["account"]["id"],
  seal: (action: AccountForm["action"]) => Effect.Effect<string, TemporarilyUnavailable>
) =>
  Effect.gen(function* () {
    const clients = yield* ClientStore
    const consents = yield* ConsentStore
    const known = yield* (yield* Resources).all
    const { issuer } = yield* ServerSettings
    const useOf = yield* AppUses.of(subject)
    const allowed = (yield* consents.list(subject)).map((consent) => ({ consent, ...useOf(consent) }))
    const newestFirst = Order.reverse(Order.mapInput(DateTime.Order, (app: AppUses.AppUse) => app.allowedSince))
    const shown = yield* Effect.forEach(Arr.sort(allowed, newestFirst), ({ allowedSince, consent, lastUsedAt }) =>
      Effect.gen(function* () {
        const client = yield* clients.find(consent.clientId)
        if (Option.isNone(client)) return []
        const resources = known.filter(({ uri }) => consent.granted.has(uri))
        return [
          {
            clientName: Client.displayName(client.value),
            clientOrigin: client.value.origin,
            since: timeOf(allowedSince),
            lastUsed: Option.getOrUndefined(Option.map(lastUsedAt, timeOf)),
            targets: RedirectUri.targets(consent.redirectUris),
            resources: resources.map(({ name, scopes, uri }) => ({
              name: name ?? uri,
              uri,
              scopes: Object.entries(scopes)
                .filter(([token]) => ResourceScopes.at(consent.granted, uri).has(token))
                .map(([token, description]) => ({ token, description }))
            })),
            formAction: path(issuer),
            form: yield* seal({ _tag: "Withdraw", clientId: consent.clientId })
          }
        ]
      })
    )
    return shown.flat()
  })

/** A time, as a person reads it: two logins or apps of one day can be told apart by it. */
const timeOf = (time: DateTime.Utc): string => {
  const day = { day: "numeric", month: "long", year: "numeric" } as const
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const
  const format = (options: Intl.DateTimeFormatOptions) =>
    DateTime.format(time, { locale: "en-GB", timeZone: "UTC", ...options })
  return `${format(day)}, ${format(clock)} UTC`
}

const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { issuer } = yield* ServerSettings
  const received = yield* SealedForm.receive(request, "AccountForm")
  const visitor = yield* Visitor.loggedIn(request)
  // It does nothing, and the person who is there sees their own page.
  const refuse = (refusal: SealedForm.Refusal) => Page.seeOther(issuer, SealedForm.withRefusal(path(issuer), refusal))
  if (Option.isNone(visitor)) return refuse("LoggedOut")
  const refusal = SealedForm.refusal(received, visitor)
  return Option.isSome(refusal)
    ? refuse(refusal.value)
    : yield* act(request, received.form.action, visitor.value, received.parameters)
})

const act = (
  request: HttpServerRequest.HttpServerRequest,
  action: AccountForm["action"],
  who: LoggedIn,
  parameters: Parameters.Parameters
) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const revocation = yield* GrantRevocation
    const { issuer } = yield* ServerSettings
    switch (action._tag) {
      case "Withdraw": {
        yield* revocation.withdraw(who.account.id, action.clientId)
        return done(issuer, "AccessRemoved")
      }
      case "EndSession": {
        const theirs = yield* sessions.list(who.account.id)
        yield* Effect.forEach(
          theirs.filter(({ session }) => session.id === action.sessionId),
          ({ session }) => sessions.end(session)
        )
        return done(issuer, "SessionEnded")
      }
      case "ChangePassword":
        return isExternal(who.account)
          ? Page.seeOther(issuer, path(issuer))
          : yield* changePassword(request, who, parameters)
    }
  })

/** A new password ends every login and every grant; whoever changed it is logged in anew. */
const changePassword = (
  request: HttpServerRequest.HttpServerRequest,
  who: LoggedIn,
  parameters: Parameters.Parameters
) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const { issuer } = yield* ServerSettings
    const typed = yield* Parameters.field(parameters, PageForms.changePassword.password)
    const password = yield* NewPassword.read(typed)
    const differs = !isSamePassword(typed, yield* Parameters.field(parameters, PageForms.changePassword.passwordAgain))
    const { id, username } = who.account
    const browser = yield* PasswordLogin.knownBrowser(request)
    const attempt = yield* PasswordLogin.attempt(browser, username)
    const current = Redacted.make(yield* Parameters.field(parameters, PageForms.changePassword.currentPassword))
    const tried = yield* PasswordLogin.authenticate("/account", attempt, current)
    if (Either.isLeft(tried)) {
      const page = yield* show(who, { problems: ["Throttled"], waitSeconds: tried.left.retryAfter })
      return HttpServerResponse.setHeaders(page, Wire.retryAfter(tried.left))
    }
    if (Option.isNone(tried.right) || Either.isLeft(password) || differs) {
      const problems: PasswordProblems = [
        ...(Option.isNone(tried.right) ? (["WrongPassword"] as const) : []),
        ...(Either.isLeft(password) ? [password.left] : []),
        ...(differs ? (["PasswordsDiffer"] as const) : [])
      ]
      return yield* show(who, { problems })
    }

    const loggedIn = yield* (yield* Sessions).list(id)
    const allowed = yield* (yield* ConsentStore).list(id)
    const account = yield* accounts.setPassword(id, password.right)
    if (Option.isNone(account)) return Page.seeOther(issuer, path(issuer))
    const ended = yield* (yield* SealedForms).seal({
      _tag: "PasswordChange",
      subject: id,
      sessions: loggedIn.filter(({ session }) => session.id !== who.session.id).length,
      apps: allowed.length
    })
    const answer = done(issuer, "PasswordChanged", `&${endedParameter}=${ended}`)
    return yield* PasswordLogin.begin(answer, browser, account.value)
  })

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/account", { GET: get, POST: post }, ["account"]))
