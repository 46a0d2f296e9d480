/** The installations of an app on the account page: the app's metadata document is the same for all of them. */
import type * as RedirectUri from "../../domain/RedirectUri.js"
import { browserName } from "./AccountSessions.js"
import { type Html, html } from "./Html.js"
import { numbered } from "./Numbered.js"
import { name, sealed } from "./Parts.js"
import * as Shorten from "./Shorten.js"
import { targetText } from "./TargetText.js"

/** An installation of an app that has access. Its form is `PageForms.removeInstallation`. */
export interface AppInstallation {
  /** The app's name when the user allowed it, if the app has another name now. */
  readonly formerName?: string | undefined
  /** Where it sends the user's browser. */
  readonly target: RedirectUri.Target
  /** The time at which the user allowed it, in words for users. */
  readonly since: string
  /** The time at which it last got a token, in words for users; missing if it never did. */
  readonly lastUsed?: string | undefined
  /** The name of the browser in which the user allowed it; missing if it is not known. */
  readonly browser?: string | undefined
  /** The network of the login, as on the list of sessions; missing if it is not known. */
  readonly network?: string | undefined
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
}

/** The facts that distinguish an installation from the others of its app. */
const facts = ({ network, since }: AppInstallation, number: string | undefined): Html =>
  html`${since}${network !== undefined && html`, from <bdi>${network}</bdi>`}${number !== undefined && ` (${number})`}`

const row = (self: AppInstallation, number: string | undefined, button: Html | false): Html => html`<li class="row">
        <div><b>${browserName(self)}</b>
          <div class="soft">Allowed ${facts(self, number)}${
            self.formerName !== undefined && html`, as ${name(Shorten.name(self.formerName))}`
          }<br>Sends you to ${targetText(self.target)}${
            self.lastUsed !== undefined && html`<br>Last used ${self.lastUsed}`
          }</div>
        </div>
        ${button}
      </li>`

/** The button for one of several installations. A single one ends with the access of the app. */
const remove = (
  self: AppInstallation,
  number: string | undefined
): Html => html`<form method="post" action="${self.formAction}">
        ${sealed(self.form)}
        <button class="button quiet" type="submit">Remove this one<span class="unseen">: ${browserName(self)}, allowed ${facts(self, number)}</span></button>
        </form>`

/** Returns the list of an app's installations; nothing if there is none. */
export const installationList = (all: ReadonlyArray<AppInstallation> = []): Html | false => {
  const numbers = numbered(all.map(({ browser, network, since }) => JSON.stringify([browser, network, since])))
  return (
    all.length > 0 &&
    html`<h4>Where you use it</h4>
      <ul class="list">${all.map((one, i) => row(one, numbers[i], all.length > 1 && remove(one, numbers[i])))}</ul>`
  )
}
