/** The frame of every page: a card with the brand on it. No script, no image but the logo, nothing from elsewhere. */
import * as Brand from "./Brand.js"
import { Html, html } from "./Html.js"

export { styles } from "./Styles.js"

/** What a page shows that says the same to everybody. */
export type Nothing = Readonly<Record<string, never>>

/** The data of a document. */
export interface Layout {
  /** Ours if not given. */
  readonly brand?: Brand.Brand | undefined
  /** The title of the page, plain text. */
  readonly title: string
  /** The content of the card. */
  readonly body: Html
}

/** A whole document. Its only style is the brand's, so a Content-Security-Policy may allow just that text's hash. */
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
