/** The parts that several pages share: names, facts, notices, fields, and the sentences about a refused form. */
import { passwordRule } from "../../domain/Account.js"
import type { Identity, KnownIdentity } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import { type Html, html } from "./Html.js"
import * as PageForms from "./PageForms.js"
import * as Shorten from "./Shorten.js"
import { timeInWords } from "./Time.js"

/** A string from outside. It is isolated, so that it cannot change the direction of the text around it. */
export const name = (text: string): Html => html`<bdi class="name" translate="no">${text}</bdi>`

/** The name of an app, cut so that it leaves room for the rest of the page. */
export const appName = (text: string): Html =>
  html`<bdi class="name app-name" translate="no">${Shorten.name(text)}</bdi>`

/** A host or a scheme within a sentence. URL parsers return ASCII. */
const place = (text: string): Html => html`<b translate="no"><bdi>${text}</bdi></b>`

/** An address as text. It is never a link. */
export const code = (text: string): Html => html`<code translate="no"><bdi>${text}</bdi></code>`

/** A resource: its name, and below it its address, unless the address is the name. */
export const resourceLabel = (resource: { readonly name: string; readonly uri: string }): Html =>
  html`${name(resource.name)}${resource.name !== resource.uri && html` <span class="uri">${code(resource.uri)}</span>`}`

/** The destination of a redirect, in words that follow "to". */
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

/** A list of facts, each with its label. */
export const facts = (rows: ReadonlyArray<readonly [label: string | Html, fact: Html]>): Html =>
  html`<dl>${rows.map(
    ([label, fact]) => html`
      <div><dt>${label}</dt> <dd>${fact}</dd></div>`
  )}
      </dl>`

/** A folded list of facts that the user can open. Returns nothing for an empty list. */
export const details = (rows: ReadonlyArray<readonly [label: string | Html, fact: Html]>): Html | undefined =>
  rows.length === 0 ? undefined : html`<details><summary>Details</summary>${facts(rows)}</details>`

const icon = html`<svg viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="M10 2.75 18 17H2zM10 8v4M10 14.5v.01"/></svg>`

const tick = html`<svg viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="m4 10.5 4 4 8-9"/></svg>`

const registeredItself = html`<p class="origin">Unverified: this app registered itself, and its name was not checked.</p>`

const origin = (text: Html): Html => html`<p class="origin">${text}</p>`

/**
 * The sentence below the name of an app that says who vouches for it. It is quiet, because on many servers most apps register
 * themselves: the place to which the user is sent says more.
 */
export const standing = ({ clientApproved, clientHost, clientOrigin }: KnownIdentity): Html | false => {
  const host = clientHost !== undefined && html`Verified host: ${place(Shorten.host(clientHost))}`
  if (clientApproved === true) return origin(html`Approved by the operator of this server.${host && html` ${host}`}`)
  if (clientOrigin === "Document") return host && origin(host)
  return clientOrigin === "Dynamic" && registeredItself
}

/** An app as a fact: its name and, below it, who vouches for it. */
export const app = (self: KnownIdentity & Pick<Identity, "clientName">): Html =>
  html`${appName(self.clientName)}${standing(self)}`

/** A notice to read before the next step. */
export const warning = (text: Html): Html => html`<div class="notice warn">${icon}<div>${text}</div></div>`

/** A notice that something was done. */
export const confirmation = (text: string): Html =>
  html`<div class="notice good" role="status">${tick}<p>${text}</p></div>`

/** The reason why the form is shown again. Fields name it by `aria-describedby="problem"`. */
export const problemNotice = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<div class="notice bad" id="problem" role="alert">${icon}<p>${text}</p></div>`

/** The hidden field with the sealed state of a form. */
export const sealed = (form: string): Html => html`<input type="hidden" name="${PageForms.form}" value="${form}">`

/** An input with its label. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly type: "text" | "password"
  readonly autocomplete: "username" | "current-password" | "new-password"
  readonly value?: string
  readonly minLength?: number
  readonly hint?: string
  readonly autofocus?: boolean
  /** Whether a screen reader reads the problem with this field, also if another field is wrong. */
  readonly explained?: boolean
  readonly invalid?: boolean
}

/**
 * A labelled input that password managers recognise. The browser corrects nothing in it. The browser's own controls stay:
 * Edge can show the password, Safari reports Caps Lock.
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

/** The two fields for a new password. */
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

export const openTooLong = "This page was open for too long."

/** The sentences about a refused form, on a page for a user who is logged in. */
export const refusals = {
  FormExpired: `${openTooLong} Nothing was changed. Please try again.`,
  FormForeign: "This page was from before another login. Nothing was changed. Please try again."
}

/** Joins sentences to one text. Returns `undefined` for none. */
export const together = (sentences: ReadonlyArray<string>): string | undefined =>
  sentences.length === 0 ? undefined : sentences.join(" ")

/** `waitSeconds` is the time until another attempt is tried, in seconds; the default is the shortest time. */
export const throttled = (waitSeconds = 1): string => `Too many attempts. Try again in ${timeInWords(waitSeconds)}.`

/** Turns a clause into a sentence. */
const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`

/** The sentences about a new password, on every page with `newPassword`. */
export const passwordProblems = {
  PasswordInvalid: `That password cannot be used. ${sentence(passwordRule)}`,
  PasswordWellKnown: "That password is well known: attackers try it first. Please choose another."
}
