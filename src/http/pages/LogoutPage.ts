/** Asks before a session ends, so that no other site can end it. */
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import { facts, name, sealed } from "./Parts.js"

/** What the question shows. */
export interface LogoutPage {
  readonly username: string
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
}

/** The question. */
export const logoutPage = (self: LogoutPage): string =>
  layout({
    title: "Log out",
    body: html`<h1>Log out?</h1>
    <div class="panel">${facts([["Logged in as", name(self.username)]])}</div>
    <form method="post" action="${self.formAction}">
    ${sealed(self.form)}
    <button class="button" type="submit">Log out</button>
    </form>`
  })
