/**
 * The consent page, where the user decides what an app may do (RFC 6749 §4.1, step B), and the page that answers a
 * repeated form.
 */
import type { Identity } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import * as Url from "../../domain/Url.js"
import type { Brand } from "./Brand.js"
import { type Html, href, html } from "./Html.js"
import { layout, type Nothing } from "./Layout.js"
import * as PageForms from "./PageForms.js"
import {
  appName,
  code,
  destination,
  details,
  facts,
  name,
  problemNotice,
  refusals,
  sealed,
  standing,
  warning
} from "./Parts.js"
import * as Shorten from "./Shorten.js"

/** A scope on the consent page. */
export interface ConsentScope {
  readonly token: string
  /** The value of its checkbox: the token, with the resource if another resource of the page has the same token. */
  readonly value: string
  /** A description of the permission, in words for users. */
  readonly description: string
  /** The descriptions of the permissions that are part of this one, whether they have a checkbox or not. */
  readonly includes?: ReadonlyArray<string> | undefined
  /** Whether it is ticked at first. */
  readonly checked: boolean
  /** Whether this app did not have it before. */
  readonly isNew: boolean
}

/** A resource on the consent page, with its requested scopes. */
export interface ConsentResource {
  readonly name: string
  readonly uri: string
  readonly scopes: ReadonlyArray<ConsentScope>
}

/** The data of the consent page. Its form is `PageForms.consent`. */
export interface ConsentPage extends Identity {
  /**
   * The app's web site: an https URL on the host of `target`. It is missing if the app names none or one on another host.
   * The page leaves out any other URL.
   */
  readonly clientUri?: string | undefined
  /** Where either answer sends the user. */
  readonly target: RedirectUri.Target
  /** The name of the user who is logged in. */
  readonly username: string
  /** Where another user can log in. */
  readonly switchUrl: string
  readonly resources: ReadonlyArray<ConsentResource>
  /** A sentence that says how long the access lasts. */
  readonly lasts?: string | undefined
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** The reason why an earlier form was refused. */
  readonly problem?: keyof typeof problems | undefined
}

const problems = {
  ...refusals,
  NothingTicked: "Nothing is ticked. Tick at least one permission to allow access, or choose Deny."
}

/** Maximum number of resources that the heading names. It counts the others. */
const maxNamed = 3

/** The names of all resources within a sentence: "A", "A and B", "A, B, C and 2 others". */
const listed = (resources: ReadonlyArray<ConsentResource>): Html => {
  const rest = resources.length - maxNamed
  const parts = [
    ...resources.slice(0, maxNamed).map((resource) => name(resource.name)),
    ...(rest > 0 ? [html`${rest} ${rest === 1 ? "other" : "others"}`] : [])
  ]
  const last = parts.length - 1
  return html`${parts.map((part, index) => html`${index > 0 && (index === last ? " and " : ", ")}${part}`)}`
}

/** The link to the app's web site. It shows the host, because users recognise a site by its host. */
const site = (uri: string): Html | undefined => {
  const url = Url.parse(uri)
  if (url?.protocol !== "https:") return undefined
  return html`<p class="soft site">Web site of the app: <a class="tap"${href(url.href)} target="_blank" rel="noopener noreferrer"><bdi translate="no">${Shorten.host(url.host)}</bdi><span class="unseen"> (opens in a new tab)</span></a></p>`
}

/** The permissions that the user allows together with one. */
const included = ({ includes = [] }: ConsentScope): Html | false =>
  includes.length > 0 &&
  html`<span class="included">Includes: ${includes.map((description, index) => html`${index > 0 && ", "}<bdi>${description}</bdi>`)}</span>`

const scopeRow = (scope: ConsentScope, marked: boolean): Html => html`<label class="scope">
        <input type="checkbox" name="${PageForms.consent.scope}" value="${scope.value}"${scope.checked && html` checked`}>
        <span><bdi>${scope.description}</bdi>${marked && html` <span class="new">New</span>`}${included(scope)}</span>
      </label>`

/** The details of a resource for developers: its address and the scope token of each permission. */
const technical = (resource: ConsentResource): Html | undefined =>
  details([
    ...(resource.name === resource.uri ? [] : [["Address", code(resource.uri)] as const]),
    ...resource.scopes
      .filter(({ description, token }) => description !== token)
      .map(({ description, token }) => [html`<bdi>${description}</bdi>`, code(token)] as const)
  ])

const resourceGroup = (resource: ConsentResource, legend: Html, markNew: boolean, problem: boolean): Html =>
  html`<fieldset${problem && html` aria-describedby="problem"`}>
      <legend>${legend}</legend>
      ${
        resource.scopes.length === 0
          ? html`<p class="soft">It asks for nothing in particular here.</p>`
          : html`<div class="scopes">${resource.scopes.map((scope) => scopeRow(scope, markNew && scope.isNew))}</div>`
      }
      ${technical(resource)}
    </fieldset>`

/** The target of either answer. Any program can receive some targets: there only the user can decide (RFC 8252 §8.6). */
const onward = (target: RedirectUri.Target): Html => {
  const place = html`<div class="target">${facts([["Either answer will send you to", destination(target)]])}</div>`
  switch (target._tag) {
    case "Host":
      return html`<div class="panel">${place}</div>`
    case "Loopback":
      return warning(html`${place}<p>Allow only if you started that program yourself, just now.</p>`)
    case "App":
      return warning(html`${place}<p>Allow only if you came here from that app, just now.</p>`)
  }
}

const hint = html`<p class="unticked" role="status">Tick at least one permission to allow access.</p>`

/**
 * The consent page. Deny comes first, so that the Enter key never allows. Without a tick the style sheet shows the hint
 * above the buttons, and the server answers with the problem `NothingTicked`.
 */
export const consentPage = (self: ConsentPage, brand?: Brand): string => {
  const markNew = self.resources.some(({ scopes }) => scopes.some(({ isNew }) => !isNew))
  const isOne = self.resources.length === 1
  const asks = "Requested access"
  return layout({
    brand,
    title: "Allow access?",
    body: html`<h1 class="question">${appName(self.clientName)} wants to access ${listed(self.resources)}</h1>
    ${standing(self)}
    ${problemNotice(self.problem && problems[self.problem])}
    <form class="ask" method="post" action="${self.formAction}">
    ${sealed(self.form)}
    ${onward(self.target)}
    <div class="account">
      ${facts([["Your account", name(self.username)]])}
      <a class="tap"${href(self.switchUrl)}>Not you? Switch</a>
    </div>
    ${!isOne && html`<h2>${asks}</h2>`}
    ${self.resources.map((resource) =>
      resourceGroup(resource, isOne ? html`${asks}` : name(resource.name), markNew, self.problem === "NothingTicked")
    )}
    ${self.clientUri !== undefined && site(self.clientUri)}
    ${self.lasts !== undefined && html`<p class="soft">${self.lasts}</p>`}
    <div class="decision">
      ${self.problem !== "NothingTicked" && hint}
      <div class="choice">
        <button class="button secondary" type="submit" name="${PageForms.consent.decision}" value="${PageForms.consent.deny}">Deny</button>
        <button class="button allow" type="submit" name="${PageForms.consent.decision}" value="${PageForms.consent.allow}">Allow</button>
      </div>
    </div>
    </form>`
  })
}

/** The page for a consent form that was sent a second time, if its first answer cannot be repeated. */
export const alreadyDecidedPage = (_?: Nothing, brand?: Brand): string =>
  layout({
    brand,
    title: "Already decided",
    body: html`<h1>Already decided</h1>
    <p>You have answered this question before. Nothing was changed just now.</p>
    <p>You can close this page. If the app is still waiting, start again from there.</p>`
  })
