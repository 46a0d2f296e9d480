/** What follows a logout. */
import { html } from "./Html.js"
import { layout } from "./Layout.js"

/** The page. */
export const loggedOutPage = (): string =>
  layout({
    title: "Logged out",
    body: html`<h1>You are logged out</h1>
    <p>You can close this page.</p>`
  })
