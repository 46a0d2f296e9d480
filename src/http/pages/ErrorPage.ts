/** What a person sees when a request cannot go on, and no redirect may say so (RFC 6749 §4.1.2.1). */
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import { code } from "./Parts.js"

/** What went wrong, in words of ours alone: nothing of the request is repeated. */
export interface ErrorPage {
  readonly title: string
  readonly message: string
  /** By what the operator finds this in the log. */
  readonly incident?: string | undefined
}

/** The error page. */
export const errorPage = (self: ErrorPage): string =>
  layout({
    title: self.title,
    body: html`<h1>${self.title}</h1>
    <p>${self.message}</p>
    ${
      self.incident !== undefined &&
      html`<p class="soft">Whoever runs this server can look this up: incident ${code(self.incident)}</p>`
    }`
  })
