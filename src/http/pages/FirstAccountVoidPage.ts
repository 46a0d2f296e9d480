/** What the link for the first account shows once an account exists. */
import { html } from "./Html.js"
import { layout } from "./Layout.js"

/** The page. */
export const firstAccountVoidPage = (): string =>
  layout({
    title: "This link is void",
    body: html`<h1>This link is void</h1>
    <p>It was for the first account of this server, and there is an account already.</p>
    <p>If it is not yours, ask whoever runs this server.</p>`
  })
