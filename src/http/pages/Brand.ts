/**
 * The operator's brand on every page: header, footer and style sheet, made once from the settings.
 *
 * @example
 * import * as Brand from "./Brand.js"
 *
 * const brand = Brand.make({ name: "Notes", color: "#6d28d9", supportUrl: "mailto:help@notes.example" })
 * brand.titleOf("Log in") // "Log in – Notes"
 */
import type * as Settings from "../../domain/Brand.js"
import * as BrandColors from "./BrandColors.js"
import { type Html, href, html } from "./Html.js"
import { styles } from "./Styles.js"

/** The brand as pages use it, Latchkey's pages and an app's own. */
export interface Brand {
  /** The name of the server; "Latchkey" if none is set. */
  readonly name: string
  /** A `data:` URI for the `src` of an `<img>`. */
  readonly logo: string | undefined
  /** An https or mailto URL. */
  readonly supportUrl: string | undefined
  /** The text of the `<style>` of Latchkey's pages, with the colours. The policy allows it on every page. */
  readonly styles: string
  /** Returns the title of a page, with the name if one is set. Plain text. */
  readonly titleOf: (title: string) => string
  /** The logo and the name at the top of Latchkey's pages. */
  readonly header: Html
  /** The support link at the end of Latchkey's pages; empty if none is set. */
  readonly footer: Html
}

/** The product's mark: a key in a door. */
const mark = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-door" x="0.5" y="0.5" width="31" height="31" rx="9"/>
      <circle class="mark-key" cx="12" cy="16" r="4.5"/>
      <path class="mark-key" d="M16.5 16H26M25 16v4.5M20.8 16v3"/>
    </svg>`

/** The logo, or Latchkey's mark. A brand with a name and no logo has neither. */
const signOf = ({ logo, name }: Settings.Brand): Html | false =>
  logo !== undefined ? html`<img class="logo" src="${logo}" alt="${name} logo">` : name === undefined && mark

/** The support link. Another site opens in a new tab, because this page may hold typed text. */
const support = (url: string): Html => {
  const isMail = url.startsWith("mailto:")
  return html`
    <footer class="support"><a class="tap"${href(url)}${!isMail && html` target="_blank" rel="noopener noreferrer"`}>Get help${!isMail && html`<span class="unseen"> (opens in a new tab)</span>`}</a></footer>`
}

const logoRule = ".logo { flex: none; height: 2rem; max-width: 60%; object-fit: contain; object-position: left; }\n"

const supportRule =
  ".support { margin-top: 1.75rem; border-top: 1px solid var(--line); padding-top: 0.5rem; font-size: 0.9375rem; }\n"

/** Makes a brand from checked settings. */
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

/** Latchkey's own brand. */
export const standard: Brand = make({})
