/** Where a person sees what they allowed and where they are logged in, takes either back, and changes the password. */
import type { Client } from "../../domain/Client.js"
import type { Brand } from "./Brand.js"
import { type Html, href, html } from "./Html.js"
import { layout } from "./Layout.js"
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
  /** The time at which it was last allowed something, as a person reads it. */
  readonly since: string
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

const appAccess = (app: AccountApp): Html => html`<section class="panel">
      <h3>${appName(app.clientName)}</h3>
      ${unverified(app.clientOrigin)}
      <p class="soft">Allowed since ${app.since}</p>
      ${app.resources.map(resourceAccess)}
      <form method="post" action="${app.formAction}">
      ${sealed(app.form)}
      <button class="button quiet" type="submit">Remove access<span class="unseen"> for <bdi>${Shorten.name(app.clientName)}</bdi>${app.clientOrigin === "Dynamic" && " (unverified)"}</span></button>
      </form>
    </section>`

const wayOut = (logoutUrl: AccountPage["logoutUrl"]): Html =>
  html`${logoutUrl !== undefined && html`<a class="tap"${href(logoutUrl)}>Log out</a>`}`

const sessionRow = (session: AccountSession, logoutUrl: AccountPage["logoutUrl"]): Html => html`<li class="row">
      <div>Since ${session.since}${session.isThis && html` <span class="here">This browser</span>`}</div>
      ${
        session.isThis
          ? wayOut(logoutUrl)
          : html`<form method="post" action="${session.formAction}">
      ${sealed(session.form)}
      <button class="button quiet" type="submit">Log out there<span class="unseen"> (logged in since ${session.since})</span></button>
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
    ${newPassword({ label: "New password", problems })}
    <button class="button" type="submit">Change password</button>
    </form>`

const sessionList = ({ logoutUrl, sessions }: AccountPage): Html => html`<h2>Where you are logged in</h2>
    <ul class="list">${sessions.map((session) => sessionRow(session, logoutUrl))}</ul>
    <p class="soft">${
      sessions.some(({ isThis }) => !isThis)
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
        : self.apps.map(appAccess)
    }
    ${self.sessions.length > 0 && sessionList(self)}
    ${self.password && passwordForm(self.password, self.username)}`
  })
