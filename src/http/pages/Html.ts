/**
 * HTML from templates: what is interpolated is text, unless a template made it.
 *
 * @example
 * import { html } from "./Html.js"
 *
 * const row = (name: string) => html`<li title="${name}">${name}</li>`
 * html`<ul>${[row("<b>")]}</ul>`.text // <ul><li title="&lt;b&gt;">&lt;b&gt;</li></ul>
 */

/** Markup that may be sent as it stands. Whoever calls the constructor vouches for the text. */
export class Html {
  constructor(readonly text: string) {}
}

/** What a template takes: text, markup, lists of markup, and three values that render nothing. */
export type Interpolation = string | number | Html | ReadonlyArray<Html> | false | undefined | null

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** `text` as it is written in an element's content or a quoted attribute. */
const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

const render = (value: Interpolation): string => {
  if (value === false || value === undefined || value === null) return ""
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(render).join("")
  return escapeText(String(value))
}

/** A template whose interpolations are escaped. Attributes that hold one are quoted. */
export const html = (strings: TemplateStringsArray, ...values: ReadonlyArray<Interpolation>): Html =>
  new Html(String.raw({ raw: strings }, ...values.map(render)))

/** Schemes of URLs that a browser runs instead of visiting. */
const runnable = new Set(["javascript:", "data:", "vbscript:", "blob:", "filesystem:", "view-source:"])

/** An `href` attribute; nothing for a URL that a browser would run, so that the link is plain text. */
export const href = (url: string): Html => {
  const base = "https://base.invalid/"
  return URL.canParse(url, base) && !runnable.has(new URL(url, base).protocol) ? html` href="${url}"` : html``
}
