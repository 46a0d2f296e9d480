/**
 * What a page shows of those who run the server: its header, its footer and its style sheet, made once from the settings.
 *
 * @example
 * const brand = Brand.make({ name: "Notes", color: "#6d28d9", supportUrl: "mailto:help@notes.example" })
 * brand.titleOf("Log in") // Log in – Notes
 */
import type * as Settings from "../../domain/Brand.js"
import * as BrandColors from "./BrandColors.js"
import { type Html, href, html } from "./Html.js"
import { styles } from "./Styles.js"

/** The brand as pages use it, ours and an app's own. */
export interface Brand {
  /** The name of the server, "Latchkey" where none is set. */
  readonly name: string
  /** A `data:` URI for the `src` of an `<img>`. */
  readonly logo: string | undefined
  /** An https or mailto URL. */
  readonly supportUrl: string | undefined
  /** The text of our pages' `<style>`, with the colours. The policy allows it on every page. */
  readonly styles: string
  /** The title of a page, with the name where one is set. Plain text. */
  readonly titleOf: (title: string) => string
  /** The logo and the name, as our pages begin with them. */
  readonly header: Html
  /** The link to the support, as our pages end with it; empty where there is none. */
  readonly footer: Html
}

/** The product's mark: a key in a door. */
const mark = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-door" x="0.5" y="0.5" width="31" height="31" rx="9"/>
      <circle class="mark-key" cx="12" cy="16" r="4.5"/>
      <path class="mark-key" d="M16.5 16H26M25 16v4.5M20.8 16v3"/>
    </svg>`

/** Of a brand without a logo the name stands alone: the mark is Latchkey's. */
const signOf = ({ logo, name }: Settings.Brand): Html | false =>
  logo !== undefined ? html`<img class="logo" src="${logo}" alt="${name} logo">` : name === undefined && mark

/** A page elsewhere opens beside this one, which may hold what a person has typed. */
const support = (url: string): Html => {
  const isMail = url.startsWith("mailto:")
  return html`
    <footer class="support"><a class="tap"${href(url)}${!isMail && html` target="_blank" rel="noopener noreferrer"`}>Get help${!isMail && html`<span class="unseen"> (opens in a new tab)</span>`}</a></footer>`
}

const logoRule = ".logo { flex: none; height: 2rem; max-width: 60%; object-fit: contain; object-position: left; }\n"

const supportRule =
  ".support { margin-top: 1.75rem; border-top: 1px solid var(--line); padding-top: 0.5rem; font-size: 0.9375rem; }\n"

/** Makes it of the settings, which are checked. */
export const make = (given: Settings.Brand): Brand => {
  const { color, colorDark, logo, name = "Latchkey", supportUrl } = given
  return {
    name,
    logo,
    supportUrl,
    styles: [
      styles,
      BrandColors.rules(color, colorDark),
      logo === undefined ? "" : logoRule,
      supportUrl === undefined ? "" : supportRule
    ].join(""),
    titleOf: (title) => (given.name === undefined || title === name ? title : `${title} – ${name}`),
    header: html`<div class="brand">${signOf(given)}<span translate="no">${
      given.name === undefined ? name : html`<bdi>${name}</bdi>`
    }</span></div>`,
    footer: supportUrl === undefined ? html`` : support(supportUrl)
  }
}

/** Our own. */
export const standard: Brand = make({})
