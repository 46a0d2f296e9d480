/** A redirect target on the account page. */
import type * as RedirectUri from "../../domain/RedirectUri.js"
import { type Html, html } from "./Html.js"
import * as Shorten from "./Shorten.js"

const place = (text: string): Html => html`<b translate="no"><bdi>${text}</bdi></b>`

/** A target of an app, in words that follow "to". */
export const targetText = (target: RedirectUri.Target): Html => {
  switch (target._tag) {
    case "Host":
      return place(Shorten.host(target.host))
    case "Loopback":
      return html`a program on your computer (${place(Shorten.host(target.host))})`
    case "App":
      return html`an app on your device (${place(`${Shorten.scheme(target.scheme)}:`)})`
  }
}
