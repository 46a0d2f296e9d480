/** Asks before a session ends, so that no other site can end it. */
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import { facts, name, problemNotice, sealed } from "./Parts.js"
import * as Problem from "./Problem.js"

/** The data of the logout page; its form is `PageForms.logout`. */
export interface LogoutPage {
  readonly username: string
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** Why an earlier answer was not accepted. */
  readonly problem?: keyof typeof Problem.refusals | undefined
}

/** The question. */
export const logoutPage = (self: LogoutPage, brand?: Brand): string =>
  layout({
    brand,
    title: "Log out",
    body: html`<h1>Log out?</h1>
    ${problemNotice(self.problem && Problem.refusals[self.problem])}
    <div class="panel">${facts([["Logged in as", name(self.username)]])}</div>
    <form method="post" action="${self.formAction}">
    ${sealed(self.form)}
    <button class="button" type="submit">Log out</button>
    </form>`
  })
