/** The account page: it shows the user's apps and sessions, ends them, and changes the password. */
import { type AccountApp, appList } from "./AccountApps.js"
import { type AccountPassword, passwordForm } from "./AccountPassword.js"
import { type AccountSession, logoutLink, sessionList } from "./AccountSessions.js"
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import { confirmation, facts, name, problemNotice, refusals } from "./Parts.js"

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
  /** Missing for an account without a password. */
  readonly password: AccountPassword | undefined
}

const notices = {
  AccessRemoved: "Access removed. That app can no longer use your account.",
  InstallationRemoved: "Access removed for that one. The app can still use your account where it is listed below.",
  SessionEnded: "That browser is logged out.",
  PasswordChanged: "Your password is changed."
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const endedBy = ({ ended, notice }: AccountPage): ReadonlyArray<string> =>
  notice === "PasswordChanged" && ended !== undefined
    ? [`It ended ${counted(ended.sessions, "other login")} and the access of ${counted(ended.apps, "app")}.`]
    : []

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
