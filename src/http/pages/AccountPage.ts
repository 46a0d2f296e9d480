/** Where a person sees what they allowed and where they are logged in, takes either back, and changes the password. */
import type { Client } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import type { Brand } from "./Brand.js"
import { type Html, href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { numbered } from "./Numbered.js"
import * as PageForms from "./PageForms.js"
import {
  appName,
  code,
  confirmation,
  facts,
  field,
  name,
  newPassword,
  problemNotice,
  resourceLabel,
  sealed,
  unverified
} from "./Parts.js"
import * as Problem from "./Problem.js"
import * as Shorten from "./Shorten.js"

/** An app that has access. Its form is `PageForms.removeAccess`. */
export interface AccountApp {
  readonly clientName: string
  /** `Dynamic` for an app that registered itself: the page calls it unverified. */
  readonly clientOrigin: Client["origin"]
  /** The earliest time at which it is known to have been allowed something, as a person reads it. */
  readonly since: string
  /** The time at which it last got a token, as a person reads it; missing where it is not known. */
  readonly lastUsed?: string | undefined
  /** Where it sends the person's browser: with the times, this tells apps of one name apart. */
  readonly targets: ReadonlyArray<RedirectUri.Target>
  readonly resources: ReadonlyArray<{
    readonly name: string
    readonly uri: string
    readonly scopes: ReadonlyArray<{ readonly token: string; readonly description: string }>
  }>
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
}

/** A browser that the person is logged in with. Its form is `PageForms.endSession`. */
export interface AccountSession {
  /** The time of the login, as a person reads it. */
  readonly since: string
  /** The name of the browser, such as "Firefox on Windows"; missing where it is not known. */
  readonly browser?: string | undefined
  /** The network of the login: an IPv4 address, or a /64 of IPv6; missing where it is not known. */
  readonly network?: string | undefined
  /** Whether it is the browser that shows the page: it has the way out in place of a form. */
  readonly isThis: boolean
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
}

/** What the account page shows. */
export interface AccountPage {
  readonly username: string
  /** Missing where it is for the app to say how its people log out. */
  readonly logoutUrl: string | undefined
  /** What was just done. */
  readonly notice?: keyof typeof notices | undefined
  /** With the notice `PasswordChanged`: the numbers of other logins and of apps whose access it ended. */
  readonly ended?: { readonly sessions: number; readonly apps: number } | undefined
  /** Why a form of an earlier page was not accepted. */
  readonly problem?: keyof typeof Problem.refusals | undefined
  readonly apps: ReadonlyArray<AccountApp>
  /** None where the app keeps its people's sessions itself. */
  readonly sessions: ReadonlyArray<AccountSession>
  /** The form that changes the password, `PageForms.changePassword`. Missing where there is none. */
  readonly password:
    | {
        readonly formAction: string
        /** The sealed state of the form. */
        readonly form: string
        /** Everything that is wrong with what was sent. */
        readonly problems?: ReadonlyArray<keyof typeof sentences> | undefined
        /** With the problem `Throttled`: the time until another attempt is tried, in seconds. */
        readonly waitSeconds?: number | undefined
      }
    | undefined
}

const notices = {
  AccessRemoved: "Access removed. That app can do nothing for you any more.",
  SessionEnded: "That browser is logged out.",
  PasswordChanged: "Your password is changed."
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const endedBy = ({ ended, notice }: AccountPage): ReadonlyArray<string> =>
  notice === "PasswordChanged" && ended !== undefined
    ? [`It ended ${counted(ended.sessions, "other login")} and the access of ${counted(ended.apps, "app")}.`]
    : []

const sentences = {
  WrongPassword: "That is not your current password. Please try again.",
  PasswordInvalid: Problem.passwordInvalid,
  PasswordWellKnown: Problem.passwordWellKnown,
  PasswordsDiffer: "The two new passwords differ. Please try again.",
  Busy: Problem.busy,
  Throttled: Problem.throttled()
}

const resourceAccess = (resource: AccountApp["resources"][number]): Html => html`<h4>${resourceLabel(resource)}</h4>
      ${
        resource.scopes.length === 0
          ? html`<p class="soft">Nothing in particular here.</p>`
          : html`<ul class="may">${resource.scopes.map(
              ({ description, token }) => html`<li><bdi>${description}</bdi> ${code(token)}</li>`
            )}</ul>`
      }`

/** Maximum number of targets that are named for an app; the page counts the others. */
const maxTargets = 3

const place = (text: string): Html => html`<b translate="no"><bdi>${text}</bdi></b>`

/** Where an app sends the person, in words that follow "to". */
const targetText = (target: RedirectUri.Target): Html => {
  switch (target._tag) {
    case "Host":
      return place(Shorten.host(target.host))
    case "Loopback":
      return html`a program on your computer (${place(Shorten.host(target.host))})`
    case "App":
      return html`an app on your device (${place(`${Shorten.scheme(target.scheme)}:`)})`
  }
}

const targetsText = (targets: AccountApp["targets"]): Html => {
  const more = targets.length - maxTargets
  return html`${targets.slice(0, maxTargets).map((target, i) => html`${i > 0 && ", "}${targetText(target)}`)}${
    more > 0 && ` and ${more} more`
  }`
}

/** What tells an app apart from others of its name: said after its name, and on its button. */
const appFacts = (app: AccountApp, number: string | undefined): Html =>
  html`${app.targets.length > 0 && html`sends you to ${targetsText(app.targets)}, `}allowed since ${app.since}${
    number !== undefined && `, ${number}`
  }`

const appAccess = (app: AccountApp, number: string | undefined): Html => html`<section class="panel">
      <h3>${appName(app.clientName)}</h3>
      ${unverified(app.clientOrigin)}
      ${app.targets.length > 0 && html`<p class="soft">Sends you to ${targetsText(app.targets)}</p>`}
      <p class="soft">Allowed since ${app.since}${number !== undefined && ` (${number})`}${
        app.lastUsed !== undefined && html`<br>Last used ${app.lastUsed}`
      }</p>
      ${app.resources.map(resourceAccess)}
      <form method="post" action="${app.formAction}">
      ${sealed(app.form)}
      <button class="button quiet" type="submit">Remove access<span class="unseen"> for <bdi>${Shorten.name(app.clientName)}</bdi>${app.clientOrigin === "Dynamic" && " (unverified)"}, ${appFacts(app, number)}</span></button>
      </form>
    </section>`

const appList = (apps: ReadonlyArray<AccountApp>): ReadonlyArray<Html> => {
  const numbers = numbered(
    apps.map(({ clientName, clientOrigin, since, targets }) =>
      JSON.stringify([Shorten.name(clientName), clientOrigin, since, targets])
    )
  )
  return apps.map((app, i) => appAccess(app, numbers[i]))
}

const wayOut = (logoutUrl: AccountPage["logoutUrl"]): Html =>
  html`${logoutUrl !== undefined && html`<a class="tap"${href(logoutUrl)}>Log out</a>`}`

const browserName = ({ browser }: AccountSession): Html =>
  html`<bdi>${browser === undefined ? "Unknown browser" : Shorten.name(browser)}</bdi>`

/** What tells a session apart from others of its browser. */
const sessionFacts = ({ network, since }: AccountSession, number: string | undefined): Html =>
  html`${since}${network !== undefined && html`, from <bdi>${network}</bdi>`}${number !== undefined && ` (${number})`}`

const sessionRow = (
  session: AccountSession,
  number: string | undefined,
  logoutUrl: AccountPage["logoutUrl"]
): Html => html`<li class="row">
      <div><b>${browserName(session)}</b>${session.isThis && html` <span class="here">This browser</span>`}
        <div class="soft">Logged in ${sessionFacts(session, number)}</div>
      </div>
      ${
        session.isThis
          ? wayOut(logoutUrl)
          : html`<form method="post" action="${session.formAction}">
      ${sealed(session.form)}
      <button class="button quiet" type="submit">Log out there<span class="unseen">: ${browserName(session)}, logged in ${sessionFacts(session, number)}</span></button>
      </form>`
      }
    </li>`

/** The name is there for password managers, which file the new password under it; it is not sent. */
const passwordForm = (
  { form, formAction, problems = [], waitSeconds }: NonNullable<AccountPage["password"]>,
  username: string
): Html => html`<h2>Change your password</h2>
    <p>A new password logs you out everywhere else and ends the access of all apps. Apps have to ask you again.</p>
    ${problemNotice(
      Problem.together(
        problems.map((problem) => (problem === "Throttled" ? Problem.throttled(waitSeconds) : sentences[problem]))
      )
    )}
    <form method="post" action="${formAction}">
    ${sealed(form)}
    <div class="unseen">
      <label for="username">Username</label>
      <input id="username" type="text" autocomplete="username" value="${username}" readonly tabindex="-1">
    </div>
    ${field({
      name: PageForms.changePassword.currentPassword,
      label: "Current password",
      type: "password",
      autocomplete: "current-password",
      // It stands far down the page, and each of the three must be typed again.
      autofocus: problems.length > 0,
      explained: problems.length > 0,
      invalid: problems.includes("WrongPassword")
    })}
    ${newPassword({ fields: PageForms.changePassword, label: "New password", problems })}
    <button class="button" type="submit">Change password</button>
    </form>`

const sessionRows = ({ logoutUrl, sessions }: AccountPage): ReadonlyArray<Html> => {
  const numbers = numbered(sessions.map(({ browser, network, since }) => JSON.stringify([browser, network, since])))
  return sessions.map((session, i) => sessionRow(session, numbers[i], logoutUrl))
}

const sessionList = (self: AccountPage): Html => html`<h2>Where you are logged in</h2>
    <ul class="list">${sessionRows(self)}</ul>
    <p class="soft">${
      self.sessions.some(({ isThis }) => !isThis)
        ? "Is one of these not you? Log out there, then change your password. That also ends the access of all apps."
        : "You are logged in nowhere else."
    }</p>`

/** The account page. */
export const accountPage = (self: AccountPage, brand?: Brand): string =>
  layout({
    brand,
    title: "Your account",
    body: html`<h1>Your account</h1>
    ${self.notice && confirmation([notices[self.notice], ...endedBy(self)].join(" "))}
    ${problemNotice(self.problem && Problem.refusals[self.problem])}
    <div class="panel row">
      <div>${facts([["Logged in as", name(self.username)]])}</div>
      ${wayOut(self.logoutUrl)}
    </div>
    <h2>Apps with access</h2>
    ${
      self.apps.length === 0
        ? html`<p class="soft">No app has access. Those that you allow will be listed here.</p>`
        : appList(self.apps)
    }
    ${self.sessions.length > 0 && sessionList(self)}
    ${self.password && passwordForm(self.password, self.username)}`
  })
