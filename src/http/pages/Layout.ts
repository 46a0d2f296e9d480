/** The frame of every page: a card with the brand. It has no script, no image except the logo, and loads nothing. */
import * as Brand from "./Brand.js"
import { Html, html } from "./Html.js"

export { styles } from "./Styles.js"

/** The data of a page that is the same for every user. */
export type Nothing = Readonly<Record<string, never>>

/** The data of a document. */
export interface Layout {
  /** The default is Latchkey's own brand. */
  readonly brand?: Brand.Brand | undefined
  /** The title of the page, plain text. */
  readonly title: string
  /** The content of the card. */
  readonly body: Html
}

/** Returns a whole document. Its only style is the brand's, so a Content-Security-Policy can allow that hash alone. */
export const layout = ({ body, brand = Brand.standard, title }: Layout): string =>
  html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>${brand.titleOf(title)}</title>
  <style>${new Html(brand.styles)}</style>
</head>
<body>
  <main>
    ${brand.header}
    ${body}${brand.footer}
  </main>
</body>
</html>
`.text
