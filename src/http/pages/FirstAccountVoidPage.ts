/** What the link for the first account shows once an account exists. */
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout, type Nothing } from "./Layout.js"

/** The page. */
export const firstAccountVoidPage = (_?: Nothing, brand?: Brand): string =>
  layout({
    brand,
    title: "This link is void",
    body: html`<h1>This link is void</h1>
    <p>It was for the first account of this server, and there is an account already.</p>
    <p>If it is not yours, ask whoever runs this server.</p>`
  })
