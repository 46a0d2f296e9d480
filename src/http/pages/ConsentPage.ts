/** Where a person decides what an app may do (RFC 6749 §4.1, step B). */
import type { Client } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import type { Brand } from "./Brand.js"
import { type Html, href, html } from "./Html.js"
import { layout } from "./Layout.js"
import * as PageForms from "./PageForms.js"
import { app, code, destination, facts, name, problemNotice, resourceLabel, sealed, warning } from "./Parts.js"
import * as Problem from "./Problem.js"
import * as Shorten from "./Shorten.js"

/** A scope on the consent page. */
export interface ConsentScope {
  readonly token: string
  /** What it allows, as a person reads it. */
  readonly description: string
  /** Whether it is ticked at first. */
  readonly checked: boolean
  /** Whether this app has not had it before. */
  readonly isNew: boolean
}

/** A resource on the consent page, with what is asked of it. */
export interface ConsentResource {
  readonly name: string
  readonly uri: string
  readonly scopes: ReadonlyArray<ConsentScope>
}

/** The data of the consent page; its form is `PageForms.consent`. */
export interface ConsentPage {
  readonly clientName: string
  /** `Dynamic` for an app that registered itself: the page calls it unverified. */
  readonly clientOrigin: Client["origin"]
  /**
   * The app's web site, an https URL on the very host of `target`; missing where the app names another host's or none.
   * The page leaves out what is no https URL.
   */
  readonly clientUri?: string | undefined
  /** Where either answer sends the person. */
  readonly target: RedirectUri.Target
  /** Who is logged in. */
  readonly username: string
  /** Where somebody else may log in. */
  readonly switchUrl: string
  readonly resources: ReadonlyArray<ConsentResource>
  /** A sentence that says how long the access lasts. */
  readonly lasts?: string | undefined
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** Why an earlier answer was not accepted. */
  readonly problem?: keyof typeof Problem.refusals | undefined
}

/** The app's site: the host is what is read, so the host is what is shown. */
const site = (uri: string): Html | undefined => {
  if (!URL.canParse(uri)) return undefined
  const url = new URL(uri)
  if (url.protocol !== "https:") return undefined
  return html`<p class="site"><a class="tap"${href(url.href)} target="_blank" rel="noopener noreferrer"><bdi translate="no">${Shorten.host(url.host)}</bdi><span class="unseen"> (opens in a new tab)</span></a></p>`
}

const scopeRow = (scope: ConsentScope, marked: boolean): Html => html`<label class="scope">
        <input type="checkbox" name="${PageForms.consent.scope}" value="${scope.token}"${scope.checked && html` checked`}>
        <span><bdi>${scope.description}</bdi>${marked && html` <span class="new">New</span>`} ${code(scope.token)}</span>
      </label>`

const resourceGroup = (resource: ConsentResource, markNew: boolean): Html => html`<fieldset>
      <legend>${resourceLabel(resource)}</legend>
      ${
        resource.scopes.length === 0
          ? html`<p class="soft">It asks for nothing in particular here.</p>`
          : html`<div class="scopes">${resource.scopes.map((scope) => scopeRow(scope, markNew && scope.isNew))}</div>`
      }
    </fieldset>`

/** Where either answer leads; a target that any program can take needs what only the person knows (RFC 8252 §8.6). */
const onward = (target: RedirectUri.Target): Html => {
  const sentence = html`Either answer will send you to ${destination(target)}.`
  switch (target._tag) {
    case "Host":
      return html`<p>${sentence}</p>`
    case "Loopback":
      return warning(html`<p>${sentence}</p><p>Allow only if you started that program yourself, just now.</p>`)
    case "App":
      return warning(html`<p>${sentence}</p><p>Allow only if you came here from that app, just now.</p>`)
  }
}

/** The consent page. Deny comes first, so that the Enter key never allows. */
export const consentPage = (self: ConsentPage, brand?: Brand): string => {
  const markNew = self.resources.some(({ scopes }) => scopes.some(({ isNew }) => !isNew))
  return layout({
    brand,
    title: "Allow access?",
    body: html`<h1>Allow access?</h1>
    ${problemNotice(self.problem && Problem.refusals[self.problem])}
    <div class="panel">
      <div class="app">${facts([["App", app(self)]])}</div>
      ${self.clientUri !== undefined && site(self.clientUri)}
      <div class="account">
        <div>${facts([["Your account", name(self.username)]])}</div>
        <a class="tap"${href(self.switchUrl)}>Not you? Switch</a>
      </div>
    </div>
    <form method="post" action="${self.formAction}">
    ${sealed(self.form)}
    <h2>What this app asks for</h2>
    ${self.resources.map((resource) => resourceGroup(resource, markNew))}
    ${self.lasts !== undefined && html`<p class="soft">${self.lasts}</p>`}
    ${onward(self.target)}
    <div class="choice">
      <button class="button" type="submit" name="${PageForms.consent.decision}" value="${PageForms.consent.deny}">Deny</button>
      <button class="button" type="submit" name="${PageForms.consent.decision}" value="${PageForms.consent.allow}">Allow</button>
    </div>
    </form>`
  })
}
