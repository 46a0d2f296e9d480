/** A notice before a redirect with an error to a target that this user never approved (RFC 9700 §4.11.2). */
import type { Identity } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import type { Brand } from "./Brand.js"
import { href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { app, destination, facts } from "./Parts.js"

/** The data of the notice. */
export interface RedirectNoticePage extends Identity {
  readonly target: RedirectUri.Target
  /** One fixed sentence about the error. */
  readonly what: string
  readonly continueUrl: string
}

/** The notice. */
export const redirectNoticePage = (self: RedirectNoticePage, brand?: Brand): string =>
  layout({
    brand,
    title: "Before you go on",
    body: html`<h1>Before you go on</h1>
    <p>${self.what}</p>
    <div class="panel">${facts([
      ["App", app(self)],
      ["Asks to send you to", destination(self.target)]
    ])}</div>
    <p>Did you not expect this? Then close this page: nothing was allowed.</p>
    <p><a class="button"${href(self.continueUrl)} rel="noreferrer"><span>Continue to ${destination(self.target)}</span></a></p>`
  })
