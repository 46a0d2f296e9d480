/** The sessions on the account page. */
import { type Html, href, html } from "./Html.js"
import { numbered } from "./Numbered.js"
import { sealed } from "./Parts.js"
import * as Shorten from "./Shorten.js"

/** A browser in which the user is logged in. Its form is `PageForms.endSession`. */
export interface AccountSession {
  /** The time of the login, in words for users. */
  readonly since: string
  /** The name of the browser, such as "Firefox on Windows"; missing if it is not known. */
  readonly browser?: string | undefined
  /** The network of the login: an IPv4 address, or a /64 of IPv6; missing if it is not known. */
  readonly network?: string | undefined
  /** Whether it is the browser that shows the page. It has the logout link in place of a form. */
  readonly isThis: boolean
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
}

/** The data of the list. */
export interface SessionList {
  readonly sessions: ReadonlyArray<AccountSession>
  readonly logoutUrl: string | undefined
}

/** Returns the link that logs out; nothing without a URL. */
export const logoutLink = (logoutUrl: string | undefined): Html =>
  html`${logoutUrl !== undefined && html`<a class="tap"${href(logoutUrl)}>Log out</a>`}`

/** Returns the name of a browser that the user knows. */
export const browserName = ({ browser }: Pick<AccountSession, "browser">): Html =>
  html`<bdi>${browser === undefined ? "Unknown browser" : Shorten.name(browser)}</bdi>`

/** The facts that distinguish a session from others of its browser. */
const sessionFacts = ({ network, since }: AccountSession, number: string | undefined): Html =>
  html`${since}${network !== undefined && html`, from <bdi>${network}</bdi>`}${number !== undefined && ` (${number})`}`

const sessionRow = (
  session: AccountSession,
  number: string | undefined,
  logoutUrl: string | undefined
): Html => html`<li class="row">
      <div><b>${browserName(session)}</b>${session.isThis && html` <span class="here">This browser</span>`}
        <div class="soft">Logged in ${sessionFacts(session, number)}</div>
      </div>
      ${
        session.isThis
          ? logoutLink(logoutUrl)
          : html`<form method="post" action="${session.formAction}">
      ${sealed(session.form)}
      <button class="button quiet" type="submit">Log out there<span class="unseen">: ${browserName(session)}, logged in ${sessionFacts(session, number)}</span></button>
      </form>`
      }
    </li>`

const sessionRows = ({ logoutUrl, sessions }: SessionList): ReadonlyArray<Html> => {
  const numbers = numbered(sessions.map(({ browser, network, since }) => JSON.stringify([browser, network, since])))
  return sessions.map((session, i) => sessionRow(session, numbers[i], logoutUrl))
}

/** Returns the section with every session. */
export const sessionList = (self: SessionList): Html => html`<h2>Where you are logged in</h2>
    <ul class="list">${sessionRows(self)}</ul>
    <p class="soft">${
      self.sessions.some(({ isThis }) => !isThis)
        ? "Is one of these not you? Log out there, then change your password. That also ends the access of all apps."
        : "You are logged in nowhere else."
    }</p>`
