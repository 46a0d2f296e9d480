/** `/account`: the apps and sessions of the user who is logged in, to see and to end, and the form for a new password. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isExternal } from "../../domain/Account.js"
import * as Parameters from "../../domain/Parameters.js"
import { AccountOverview } from "../../services/accounts/AccountOverview.js"
import type { LoggedIn } from "../../services/accounts/Sessions.js"
import type { AccountForm } from "../../services/authorization/SealedForms.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import * as Body from "../wire/Body.js"
import * as Endpoint from "../wire/Endpoint.js"
import * as AccountContent from "./AccountContent.js"
import * as LoginPrompt from "./LoginPrompt.js"
import * as Page from "./Page.js"
import * as PasswordChange from "./PasswordChange.js"
import * as SealedForm from "./SealedForm.js"
import * as Visitor from "./Visitor.js"

const get = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const visitor = yield* Visitor.loggedIn(request)
  const query = Option.getOrElse(Body.query(request), () => "")
  const refusal = SealedForm.refusalIn(query)
  if (Option.isNone(visitor)) {
    return yield* LoginPrompt.show(request, { firstShownAt: Option.none(), replyTo: Option.none(), refusal }, "")
  }
  const parameters = yield* Parameters.parse(query)
  const done = yield* Parameters.single(parameters, AccountContent.doneParameter)
  return yield* AccountContent.show(visitor.value, {
    notice: Option.getOrUndefined(Option.flatMap(done, Schema.decodeUnknownOption(AccountContent.Notice))),
    ended: Option.getOrUndefined(yield* PasswordChange.ended(parameters, visitor.value)),
    refusal: Option.getOrUndefined(Option.filter(refusal, (refusal) => refusal !== "LoggedOut"))
  })
})

<<<<<<< HEAD
=======
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

>>>>>>> main
const post = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { issuer } = yield* ServerSettings
  const received = yield* SealedForm.receive(request, "AccountForm")
  const visitor = yield* Visitor.loggedIn(request)
  // A refused form changes nothing. The user who is logged in sees their own page.
  const refuse = (refusal: SealedForm.Refusal) =>
    Page.seeOther(issuer, SealedForm.withRefusal(AccountContent.path(issuer), refusal))
  if (Option.isNone(visitor)) return refuse("LoggedOut")
  const refusal = SealedForm.refusal(received, visitor)
  return Option.isSome(refusal)
    ? refuse(refusal.value)
    : yield* act(request, received.form.action, visitor.value, received.parameters)
})

const act = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  action: AccountForm["action"],
  user: LoggedIn,
  parameters: Parameters.Parameters
) {
  const overview = yield* AccountOverview
  const { issuer } = yield* ServerSettings
  switch (action._tag) {
    case "Withdraw": {
      yield* overview.removeAccess(user.account.id, action.clientId)
      return AccountContent.done(issuer, "AccessRemoved")
    }
    case "EndSession": {
      yield* overview.endSession(user.account.id, action.sessionId)
      return AccountContent.done(issuer, "SessionEnded")
    }
    case "ChangePassword":
      return isExternal(user.account)
        ? Page.seeOther(issuer, AccountContent.path(issuer))
        : yield* PasswordChange.change(request, user, parameters)
  }
})

/** Serves the endpoint. */
export const layer = Layer.effectDiscard(Endpoint.addPage("/account", { GET: get, POST: post }, ["account"]))
