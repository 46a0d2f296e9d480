/** The logout page asks before a session ends, so that another site cannot end it; and the page that follows a logout. */
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout, type Nothing } from "./Layout.js"
import { facts, name, problemNotice, refusals, sealed } from "./Parts.js"

/** The data of the logout page. Its form is `PageForms.logout`. */
export interface LogoutPage {
  readonly username: string
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** The reason why an earlier form was refused. */
  readonly problem?: keyof typeof refusals | undefined
}

/** The logout page. */
export const logoutPage = (self: LogoutPage, brand?: Brand): string =>
  layout({
    brand,
    title: "Log out",
    body: html`<h1>Log out?</h1>
    ${problemNotice(self.problem && refusals[self.problem])}
    <div class="panel">${facts([["Logged in as", name(self.username)]])}</div>
    <form method="post" action="${self.formAction}">
    ${sealed(self.form)}
    <button class="button" type="submit">Log out</button>
    </form>`
  })

/** The page after a logout. */
export const loggedOutPage = (_?: Nothing, brand?: Brand): string =>
  layout({
    brand,
    title: "Logged out",
    body: html`<h1>You are logged out</h1>
    <p>You can close this page.</p>`
  })
