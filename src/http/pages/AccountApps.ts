/** The apps on the account page. */
import type { Identity } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import { type AppInstallation, installationList } from "./AppInstallations.js"
import { type Html, html } from "./Html.js"
import { numbered } from "./Numbered.js"
import { appName, code, resourceLabel, sealed, standing } from "./Parts.js"
import * as Shorten from "./Shorten.js"
import { targetText } from "./TargetText.js"

/** An app that has access. Its form is `PageForms.removeAccess`. */
export interface AccountApp extends Identity {
  /** The earliest known time at which the user allowed it something, in words for users. */
  readonly since: string
  /** The time at which it last got a token, in words for users; missing if it is not known. */
  readonly lastUsed?: string | undefined
  /** Where it sends the user's browser. With the times, this distinguishes apps of one name. */
  readonly targets: ReadonlyArray<RedirectUri.Target>
  readonly resources: ReadonlyArray<{
    readonly name: string
    readonly uri: string
    readonly scopes: ReadonlyArray<{ readonly token: string; readonly description: string }>
  }>
  /** The installations with access of an app that has a metadata document; missing for every other app. */
  readonly installations?: ReadonlyArray<AppInstallation> | undefined
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
}

const resourceAccess = (resource: AccountApp["resources"][number]): Html => html`<h4>${resourceLabel(resource)}</h4>
      ${
        resource.scopes.length === 0
          ? html`<p class="soft">Nothing in particular here.</p>`
          : html`<ul class="may">${resource.scopes.map(
              ({ description, token }) => html`<li><bdi>${description}</bdi> ${code(token)}</li>`
            )}</ul>`
      }`

/** Maximum number of targets that are named for an app. The page counts the others. */
const maxTargets = 3

const targetsText = (targets: AccountApp["targets"]): Html => {
  const more = targets.length - maxTargets
  return html`${targets.slice(0, maxTargets).map((target, i) => html`${i > 0 && ", "}${targetText(target)}`)}${
    more > 0 && ` and ${more} more`
  }`
}

/** The facts that distinguish an app from others of its name, for the name of its button. */
const appFacts = (app: AccountApp, number: string | undefined): Html =>
  html`${app.targets.length > 0 && html`sends you to ${targetsText(app.targets)}, `}allowed since ${app.since}${
    number !== undefined && `, ${number}`
  }`

const appAccess = (app: AccountApp, number: string | undefined): Html => html`<section class="panel">
      <h3>${appName(app.clientName)}</h3>
      ${standing(app)}
      ${app.targets.length > 0 && html`<p class="soft">Sends you to ${targetsText(app.targets)}</p>`}
      <p class="soft">Allowed since ${app.since}${number !== undefined && ` (${number})`}${
        app.lastUsed !== undefined && html`<br>Last used ${app.lastUsed}`
      }</p>
      ${app.resources.map(resourceAccess)}
      ${installationList(app.installations)}
      <form method="post" action="${app.formAction}">
      ${sealed(app.form)}
      <button class="button quiet" type="submit">Remove access${(app.installations ?? []).length > 1 && " everywhere"}<span class="unseen"> for <bdi>${Shorten.name(app.clientName)}</bdi>${app.clientOrigin === "Dynamic" && " (unverified)"}, ${appFacts(app, number)}</span></button>
      </form>
    </section>`

/** Returns the section of each app. */
export const appList = (apps: ReadonlyArray<AccountApp>): ReadonlyArray<Html> => {
  const numbers = numbered(
    apps.map(({ clientName, clientOrigin, since, targets }) =>
      JSON.stringify([Shorten.name(clientName), clientOrigin, since, targets])
    )
  )
  return apps.map((app, i) => appAccess(app, numbers[i]))
}
