/** The page for a request that cannot go on, where no redirect may say so (RFC 6749 §4.1.2.1). */
import type { Brand } from "./Brand.js"
import { href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { code } from "./Parts.js"

/** What went wrong, in words of ours alone: nothing of the request is repeated. */
export interface ErrorPage {
  readonly title: string
  readonly message: string
  /** The id by which the operator finds this in the log. */
  readonly incident?: string | undefined
  /** A page of this server to go on to. */
  readonly wayOn?: { readonly url: string; readonly label: string } | undefined
}

/** The error page. */
export const errorPage = (self: ErrorPage, brand?: Brand): string =>
  layout({
    brand,
    title: self.title,
    body: html`<h1>${self.title}</h1>
    <p>${self.message}</p>
    ${
      self.incident !== undefined &&
      html`<p class="soft">The operator of this server can find this in the log: incident ${code(self.incident)}</p>`
    }
    ${self.wayOn && html`<p class="ways"><a class="tap"${href(self.wayOn.url)}>${self.wayOn.label}</a></p>`}`
  })
