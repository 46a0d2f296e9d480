/** The page of an error that no redirect may report (RFC 6749 §4.1.2.1). */
import type { Brand } from "./Brand.js"
import { href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { code } from "./Parts.js"

/** The error in fixed words. Nothing of the request is repeated. */
export interface ErrorPage {
  readonly title: string
  readonly message: string
  /** The id of the log line for the operator. */
  readonly incident?: string | undefined
  /** Another page of this server. */
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
