/** What follows a logout. */
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout, type Nothing } from "./Layout.js"

/** The page. */
export const loggedOutPage = (_?: Nothing, brand?: Brand): string =>
  layout({
    brand,
    title: "Logged out",
    body: html`<h1>You are logged out</h1>
    <p>You can close this page.</p>`
  })
