/** The account page: it shows the user's apps and sessions, ends them, and changes the password. */
import { type AccountApp, appList } from "./AccountApps.js"
import { type AccountSession, logoutLink, sessionList } from "./AccountSessions.js"
import type { Brand } from "./Brand.js"
import { type Html, html } from "./Html.js"
import { layout } from "./Layout.js"
import * as PageForms from "./PageForms.js"
import {
  confirmation,
  facts,
  field,
  name,
  newPassword,
  passwordProblems,
  problemNotice,
  refusals,
  sealed,
  throttled,
  together
} from "./Parts.js"

/** The data of the account page. */
export interface AccountPage {
  readonly username: string
  /** Missing if the app names no place where its users log out. */
  readonly logoutUrl: string | undefined
  /** The action that was just done. */
  readonly notice?: keyof typeof notices | undefined
  /** With the notice `PasswordChanged`: the numbers of other logins and of apps that it ended. */
  readonly ended?: { readonly sessions: number; readonly apps: number } | undefined
  /** The reason why an earlier form was refused. */
  readonly problem?: keyof typeof refusals | undefined
  readonly apps: ReadonlyArray<AccountApp>
  /** Empty if the app keeps the sessions of its users itself. */
  readonly sessions: ReadonlyArray<AccountSession>
  /** The form that changes the password, `PageForms.changePassword`; missing for an account without a password. */
  readonly password:
    | {
        readonly formAction: string
        /** The sealed state of the form. */
        readonly form: string
        /** Everything that is wrong with the form that was sent. */
        readonly problems?: ReadonlyArray<keyof typeof sentences> | undefined
        /** With the problem `Throttled`: the time until another attempt is tried, in seconds. */
        readonly waitSeconds?: number | undefined
      }
    | undefined
}

const notices = {
  AccessRemoved: "Access removed. That app can no longer use your account.",
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
  ...passwordProblems,
  PasswordsDiffer: "The two new passwords differ. Please try again.",
  Throttled: throttled()
}

/** The username is for password managers, which store the new password with it. The form does not send it. */
const passwordForm = (
  { form, formAction, problems = [], waitSeconds }: NonNullable<AccountPage["password"]>,
  username: string
): Html => html`<h2>Change your password</h2>
    <p>A new password logs you out everywhere else and ends the access of all apps. Apps have to ask you again.</p>
    ${problemNotice(
      together(problems.map((problem) => (problem === "Throttled" ? throttled(waitSeconds) : sentences[problem])))
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
      // The form is far down the page, and all three passwords must be typed again.
      autofocus: problems.length > 0,
      explained: problems.length > 0,
      invalid: problems.includes("WrongPassword")
    })}
    ${newPassword({ fields: PageForms.changePassword, label: "New password", problems })}
    <button class="button" type="submit">Change password</button>
    </form>`

/** The account page. */
export const accountPage = (self: AccountPage, brand?: Brand): string =>
  layout({
    brand,
    title: "Your account",
    body: html`<h1>Your account</h1>
    ${self.notice && confirmation([notices[self.notice], ...endedBy(self)].join(" "))}
    ${problemNotice(self.problem && refusals[self.problem])}
    <div class="panel row">
      <div>${facts([["Logged in as", name(self.username)]])}</div>
      ${logoutLink(self.logoutUrl)}
    </div>
    <h2>Apps with access</h2>
    ${
      self.apps.length === 0
        ? html`<p class="soft">No app has access. Apps that you allow will be listed here.</p>`
        : appList(self.apps)
    }
    ${self.sessions.length > 0 && sessionList(self)}
    ${self.password && passwordForm(self.password, self.username)}`
  })
