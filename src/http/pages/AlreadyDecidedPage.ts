/** What answers a consent form that was sent a second time, when its first answer can no longer be given again. */
import { html } from "./Html.js"
import { layout } from "./Layout.js"

/** The page. */
export const alreadyDecidedPage = (): string =>
  layout({
    title: "Already decided",
    body: html`<h1>Already decided</h1>
    <p>You have answered this question before. Nothing was changed just now.</p>
    <p>You can close this page. If the app is still waiting, start again from there.</p>`
  })
