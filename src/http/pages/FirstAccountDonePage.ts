/** What follows the making of the first account. */
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import { facts, name } from "./Parts.js"

/** What the page shows. */
export interface FirstAccountDonePage {
  readonly username: string
  /** The address of an MCP server that this server guards. */
  readonly mcpUrl?: string | undefined
}

/** The page. */
export const firstAccountDonePage = (self: FirstAccountDonePage): string =>
  layout({
    title: "Your account is ready",
    body: html`<h1>Your account is ready</h1>
    <div class="panel">${facts([["You log in as", name(self.username)]])}</div>
    ${
      self.mcpUrl !== undefined &&
      html`<p>Next, give your MCP client this address. It will bring you back here to log in.</p>
    <p class="panel"><code class="copy" translate="no">${self.mcpUrl}</code></p>`
    }`
  })
