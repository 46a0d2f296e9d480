/** The frame of every page: a card with the mark on it. No script, no image, nothing from elsewhere. */
import { Html, html } from "./Html.js"
import { styles } from "./Styles.js"

export { styles } from "./Styles.js"

/** A page's title, plain text, and what stands on the card. */
export interface Layout {
  readonly title: string
  readonly body: Html
}

/** The product's mark: a key in a door. */
const mark = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-door" x="0.5" y="0.5" width="31" height="31" rx="9"/>
      <circle class="mark-key" cx="12" cy="16" r="4.5"/>
      <path class="mark-key" d="M16.5 16H26M25 16v4.5M20.8 16v3"/>
    </svg>`

/** A whole document. Its only style is `styles`, so a Content-Security-Policy may allow just that text's hash. */
export const layout = ({ body, title }: Layout): string =>
  html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <meta name="robots" content="noindex">
  <title>${title}</title>
  <style>${new Html(styles)}</style>
</head>
<body>
  <main>
    <div class="brand">${mark}<span translate="no">Latchkey</span></div>
    ${body}
  </main>
</body>
</html>
`.text
