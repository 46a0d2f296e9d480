/** What answers a consent form that was sent a second time, when its first answer can no longer be given again. */
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout, type Nothing } from "./Layout.js"

/** The page. */
export const alreadyDecidedPage = (_?: Nothing, brand?: Brand): string =>
  layout({
    brand,
    title: "Already decided",
    body: html`<h1>Already decided</h1>
    <p>You have answered this question before. Nothing was changed just now.</p>
    <p>You can close this page. If the app is still waiting, start again from there.</p>`
  })
