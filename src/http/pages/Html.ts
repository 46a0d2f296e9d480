/**
 * HTML from templates. An interpolated value is escaped as text, unless a template made it.
 *
 * @example
 * import { html } from "latchkey/Html"
 *
 * const row = (name: string) => html`<li title="${name}">${name}</li>`
 * html`<ul>${[row("<b>")]}</ul>`.text // '<ul><li title="&lt;b&gt;">&lt;b&gt;</li></ul>'
 */
import * as Url from "../../domain/Url.js"

/** Markup that is sent without escaping. The caller of the constructor is responsible for the text. */
export class Html {
  constructor(readonly text: string) {}
}

/** A value in a template: text, markup, a list of markup, or one of three values that render nothing. */
export type Interpolation = string | number | Html | ReadonlyArray<Html> | false | undefined | null

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** Escapes `text` for the content of an element or a quoted attribute. */
const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

const render = (value: Interpolation): string => {
  if (value === false || value === undefined || value === null) return ""
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(render).join("")
  return escapeText(String(value))
}

/** A template that escapes its interpolations. An attribute with an interpolation must be quoted. */
export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<Interpolation>): Html =>
  new Html(String.raw({ raw: strings }, ...values.map(render)))

/** Schemes of URLs that a browser runs and does not visit. */
const runnable = new Set(["javascript:", "data:", "vbscript:", "blob:", "filesystem:", "view-source:"])

/** Returns an `href` attribute. Returns nothing for a URL that a browser would run: the link is plain text then. */
export const href = (url: string): Html => {
  const parsed = Url.parse(url, "https://base.invalid/")
  return parsed === undefined || runnable.has(parsed.protocol) ? html`` : html` href="${url}"`
}
