/** The content of the account page. */
import * as Arr from "effect/Array"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import * as Schema from "effect/Schema"
import { isExternal } from "../../domain/Account.js"
import * as Client from "../../domain/Client.js"
import * as Issuer from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RedirectUri from "../../domain/RedirectUri.js"
import type * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import { AccountOverview, type AllowedApp, type AllowedInstallation } from "../../services/accounts/AccountOverview.js"
import type { ListedSession, LoggedIn } from "../../services/accounts/Sessions.js"
import { type AccountForm, SealedForms } from "../../services/authorization/SealedForms.js"
import { Resources } from "../../services/resources/Resources.js"
import { ServerSettings } from "../../services/ServerSettings.js"
import type * as Pages from "../pages/Pages.js"
import * as Page from "../wire/Page.js"
import { ResourceOwner } from "./ResourceOwner.js"

/** Returns the path of the account page. */
export const path = (issuer: Issuer.Issuer): string => `${Issuer.path(issuer)}/account`

/** The actions that the page reports as done. */
export const Notice = Schema.Literal("AccessRemoved", "InstallationRemoved", "SessionEnded", "PasswordChanged")

/** The parameter with the notice. */
export const doneParameter = "done"

/** Redirects to the page, which shows the notice; `more` is appended to the query. */
export const done = (issuer: Issuer.Issuer, notice: typeof Notice.Type, more = "") =>
  Page.seeOther(issuer, `${path(issuer)}?${doneParameter}=${notice}${more}`)

/** The result of the request that led to the page. */
export interface Outcome {
  readonly notice?: Pages.AccountPage["notice"]
  readonly ended?: Pages.AccountPage["ended"]
  readonly refusal?: Pages.AccountPage["problem"]
  readonly problems?: NonNullable<Pages.AccountPage["password"]>["problems"]
  readonly waitSeconds?: number
}

/** Seals the form of one action of this page. */
type Seal = (action: AccountForm["action"]) => Effect.Effect<string, TemporarilyUnavailable>

/** Answers with the account page of the user. */
export const show = Effect.fnUntraced(function* ({ account, displayName, session }: LoggedIn, outcome: Outcome) {
  const forms = yield* SealedForms
  const overview = yield* AccountOverview
  const owner = yield* ResourceOwner
  const resources = yield* (yield* Resources).all
  const { issuer } = yield* ServerSettings
  const formAction = path(issuer)
  const seal: Seal = (action) => forms.seal({ _tag: "AccountForm", sessionId: session.id, action })
  const apps = Arr.sort(yield* overview.apps(account.id), lastAllowedFirst)
  const { ended, notice, problems, refusal: problem, waitSeconds } = outcome
  return yield* Page.page(
    "accountPage",
    {
      username: displayName,
      logoutUrl: owner._tag === "External" ? owner.logoutUrl : `${Issuer.path(issuer)}/logout`,
      notice,
      ended,
      problem,
      apps: yield* Effect.forEach(apps, (app) =>
        Effect.gen(function* () {
          const installations = yield* Effect.forEach(app.installations, (installation) =>
            Effect.map(seal({ _tag: "RemoveInstallation", grantId: installation.grantId }), (form) => ({
              ...shownInstallation(installation, app.client),
              formAction,
              form
            }))
          )
          const form = yield* seal({ _tag: "Withdraw", clientId: app.client.id })
          return { ...shownApp(app, resources), installations, formAction, form }
        })
      ),
      sessions: yield* Effect.forEach(yield* overview.sessions(account.id), (listed) =>
        Effect.map(seal({ _tag: "EndSession", sessionId: listed.session.id }), (form) => ({
          ...shownSession(listed),
          isThis: listed.session.id === session.id,
          formAction,
          form
        }))
      ),
      password: isExternal(account)
        ? undefined
        : { formAction, form: yield* seal({ _tag: "ChangePassword" }), problems, waitSeconds }
    },
    problems === undefined ? 200 : problems.includes("Throttled") ? 429 : 400
  )
})

const lastAllowedFirst = Order.reverse(Order.mapInput(DateTime.Order, ({ allowedSince }: AllowedApp) => allowedSince))

const shownApp = (
  { allowedSince, client, consent: { granted, redirectUris }, lastUsedAt }: AllowedApp,
  resources: ReadonlyArray<Resource.Resource>
) => ({
  ...Client.identity(client),
  since: timeOf(allowedSince),
  lastUsed: Option.getOrUndefined(Option.map(lastUsedAt, timeOf)),
  targets: RedirectUri.targets(redirectUris),
  resources: resources
    .filter(({ uri }) => granted.has(uri))
    .map(({ name, scopes, uri }) => ({
      name: name ?? uri,
      uri,
      scopes: Object.entries(scopes)
        .filter(([token]) => ResourceScopes.at(granted, uri).has(token))
        .map(([token, description]) => ({ token, description }))
    }))
})

const shownInstallation = (
  { allowedAt, browser, clientName, lastUsedAt, network, redirectUri }: AllowedInstallation,
  client: Client.Client
) => ({
  formerName: clientName === Client.displayName(client) ? undefined : clientName,
  target: RedirectUri.target(redirectUri),
  since: timeOf(allowedAt),
  lastUsed: Option.getOrUndefined(Option.map(lastUsedAt, timeOf)),
  browser: Option.getOrUndefined(browser),
  network: Option.getOrUndefined(network)
})

const shownSession = ({ browser, network, session }: ListedSession) => ({
  since: timeOf(session.authenticatedAt),
  browser: Option.getOrUndefined(browser),
  network: Option.getOrUndefined(network)
})

/** Formats a time for users, with the minute: it distinguishes two logins or apps of one day. */
const timeOf = (time: DateTime.Utc): string => {
  const day = { day: "numeric", month: "long", year: "numeric" } as const
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const
  const format = (options: Intl.DateTimeFormatOptions) =>
    DateTime.format(time, { locale: "en-GB", timeZone: "UTC", ...options })
  return `${format(day)}, ${format(clock)} UTC`
}
