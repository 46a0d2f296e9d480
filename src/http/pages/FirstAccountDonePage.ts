/** The page that follows the creation of the first account. */
import type { Brand } from "./Brand.js"
import { href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { facts, name } from "./Parts.js"

/** The data of the page. */
export interface FirstAccountDonePage {
  readonly username: string
  /** The address of an MCP server that this server guards. */
  readonly mcpUrl?: string | undefined
  /** Where the person sees their account, or logs in. */
  readonly accountUrl: string
  /** Whether this browser is logged in to the account now. */
  readonly isLoggedIn: boolean
}

/** The page. */
export const firstAccountDonePage = (self: FirstAccountDonePage, brand?: Brand): string =>
  layout({
    brand,
    title: "Your account is ready",
    body: html`<h1>Your account is ready</h1>
    <div class="panel">${facts([[self.isLoggedIn ? "Logged in as" : "You log in as", name(self.username)]])}</div>
    ${
      self.mcpUrl !== undefined &&
      html`<p>Next, give your MCP client this address. It will bring you back here to decide what it may do.</p>
    <p class="panel"><code class="copy" translate="no">${self.mcpUrl}</code></p>`
    }
    <p><a class="button"${href(self.accountUrl)}><span>${self.isLoggedIn ? "Go to your account" : "Log in"}</span></a></p>`
  })
