/** What several pages are made of. */
import type { Client } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import { type Html, html } from "./Html.js"
import * as PageForms from "./PageForms.js"
import * as Shorten from "./Shorten.js"

/** A string from outside, set off from our own words and kept from turning or painting over them. */
export const name = (text: string): Html => html`<bdi class="name" translate="no">${text}</bdi>`

/** The name of an app, short enough that it leaves room for the rest of the page. */
export const appName = (text: string): Html =>
  html`<bdi class="name app-name" translate="no">${Shorten.name(text)}</bdi>`

/** A host or a scheme: ASCII as URL parsers leave it, so it needs no guard and stands within a sentence. */
const place = (text: string): Html => html`<b translate="no"><bdi>${text}</bdi></b>`

/** An address as text, never a link. */
export const code = (text: string): Html => html`<code translate="no"><bdi>${text}</bdi></code>`

/** A resource: its name, and below it the address, unless that is its name. */
export const resourceLabel = (resource: { readonly name: string; readonly uri: string }): Html =>
  html`${name(resource.name)}${resource.name !== resource.uri && html` <span class="uri">${code(resource.uri)}</span>`}`

/** Where a redirect ends, in words that follow "to". */
export const destination = (target: RedirectUri.Target): Html => {
  switch (target._tag) {
    case "Host":
      return place(Shorten.host(target.host))
    case "Loopback":
      return html`a program on this device, at ${place(target.host)}`
    case "App":
      return html`the app registered for ${place(`${Shorten.scheme(target.scheme)}:`)} on this device`
  }
}

/** Facts, each with its label. */
export const facts = (rows: ReadonlyArray<readonly [label: string | Html, fact: Html]>): Html =>
  html`<dl>${rows.map(
    ([label, fact]) => html`
      <div><dt>${label}</dt> <dd>${fact}</dd></div>`
  )}
      </dl>`

/** Facts that stay folded until somebody wants to know them; nothing where there are none. */
export const details = (rows: ReadonlyArray<readonly [label: string | Html, fact: Html]>): Html | undefined =>
  rows.length === 0 ? undefined : html`<details><summary>Details</summary>${facts(rows)}</details>`

const icon = html`<svg viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="M10 2.75 18 17H2zM10 8v4M10 14.5v.01"/></svg>`

const tick = html`<svg viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="m4 10.5 4 4 8-9"/></svg>`

const introducedItself = html`<p class="origin">Unverified: this app introduced itself, and nobody has checked its name.</p>`

/**
 * The word that goes with the name of an app that registered itself. It is quiet, because on many servers most apps do
 * so: the place to which the person is sent says more.
 */
export const unverified = (origin: Client["origin"] | undefined): Html | false =>
  origin === "Dynamic" && introducedItself

/** An app as a fact: its name and, right below it, whether it is unverified. */
export const app = (self: { readonly clientName: string; readonly clientOrigin: Client["origin"] | undefined }): Html =>
  html`${appName(self.clientName)}${unverified(self.clientOrigin)}`

/** Something to know before going on. */
export const warning = (text: Html): Html => html`<div class="notice warn">${icon}<div>${text}</div></div>`

/** What was just done. */
export const confirmation = (text: string): Html =>
  html`<div class="notice good" role="status">${tick}<p>${text}</p></div>`

/** Why the form came back; fields name it by `aria-describedby="problem"`. */
export const problemNotice = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<div class="notice bad" id="problem" role="alert">${icon}<p>${text}</p></div>`

/** The sealed state that travels with a form. */
export const sealed = (form: string): Html => html`<input type="hidden" name="${PageForms.form}" value="${form}">`

/** An input that has a label, and what marks it when the problem lies in it. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly type: "text" | "password"
  readonly autocomplete: "username" | "current-password" | "new-password"
  readonly value?: string
  readonly minLength?: number
  readonly hint?: string
  readonly autofocus?: boolean
  /** Whether the problem is read out with it, even when it lies elsewhere. */
  readonly explained?: boolean
  readonly invalid?: boolean
}

/**
 * A labelled input, as password managers know it. Nothing corrects what is typed, and the browser's own controls in it
 * (Edge shows the password, Safari says that Caps Lock is on) are left as they are.
 */
export const field = (self: Field): Html => {
  const describedBy = [
    self.hint !== undefined && `${self.name}-hint`,
    (self.invalid === true || self.explained === true) && "problem"
  ].filter(Boolean)
  return html`<div class="field">
      <label for="${self.name}">${self.label}</label>
      <input id="${self.name}" name="${self.name}" type="${self.type}" autocomplete="${self.autocomplete}" autocapitalize="none" autocorrect="off" spellcheck="false" required${
        self.value !== undefined && html` value="${self.value}"`
      }${self.minLength !== undefined && html` minlength="${self.minLength}"`}${
        describedBy.length > 0 && html` aria-describedby="${describedBy.join(" ")}"`
      }${self.invalid === true && html` aria-invalid="true"`}${self.autofocus === true && html` autofocus`}>
      ${self.hint !== undefined && html`<p class="hint" id="${self.name}-hint">${self.hint}</p>`}
    </div>`
}

/** Where a new password is typed, twice, and what marks it when the problem lies in it. */
export const newPassword = (self: {
  /** Names of the two fields in the form of the page. */
  readonly fields: { readonly password: string; readonly passwordAgain: string }
  readonly label: string
  readonly problems: ReadonlyArray<string>
  readonly autofocus?: boolean
}): Html => html`${field({
  name: self.fields.password,
  label: self.label,
  type: "password",
  autocomplete: "new-password",
  minLength: 8,
  hint: "At least 8 characters. A long phrase is best.",
  autofocus: self.autofocus === true,
  invalid: self.problems.some((problem) => problem.startsWith("Password"))
})}
    ${field({
      name: self.fields.passwordAgain,
      label: `${self.label} again`,
      type: "password",
      autocomplete: "new-password",
      minLength: 8,
      invalid: self.problems.includes("PasswordsDiffer")
    })}`
