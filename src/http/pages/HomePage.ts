/** The page at the root of a server. */
import * as Brand from "./Brand.js"
import { type Html, href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { code, facts, name, resourceLabel, warning } from "./Parts.js"

/** What the page shows. */
export interface HomePage {
  readonly issuer: string
  /** Whether anybody can log in yet. */
  readonly accountsExist: boolean
  /** How the first account is made, in a sentence. */
  readonly firstAccountHint?: string | undefined
  readonly resources: ReadonlyArray<{ readonly name: string; readonly uri: string }>
  /** The authorization server's metadata (RFC 8414 §3). */
  readonly metadataUrl: string
  /** The name of the person who is logged in, if somebody is. */
  readonly username?: string | undefined
  /** Where people log in, and then see their account. */
  readonly accountUrl: string
  /** Missing where it is for the app to say how its people log out. */
  readonly logoutUrl?: string | undefined
}

/** Who is logged in, or how to log in. */
const visitor = ({ accountsExist, accountUrl, firstAccountHint, logoutUrl, username }: HomePage): Html => {
  if (username !== undefined) {
    return html`<div class="panel row">
      <div>${facts([["Logged in as", name(username)]])}</div>
      <div class="ways"><a class="tap"${href(accountUrl)}>Your account</a>${
        logoutUrl !== undefined && html` <a class="tap"${href(logoutUrl)}>Log out</a>`
      }</div>
    </div>`
  }
  return accountsExist
    ? html`<p><a class="button"${href(accountUrl)}><span>Log in</span></a></p>`
    : warning(
        html`<p>Nobody can log in yet. ${firstAccountHint ?? "The operator of this server can make the first account."}</p>`
      )
}

const guarded = (resources: HomePage["resources"]): Html => html`<h2>What it guards</h2>
    <ul class="list">${resources.map((resource) => html`<li>${resourceLabel(resource)}</li>`)}</ul>
    <p class="soft">Give an MCP client one of these addresses: it finds its way here by itself.</p>`

/** The page. */
export const homePage = (self: HomePage, brand = Brand.standard): string =>
  layout({
    brand,
    title: brand.name,
    body: html`<h1>This server is running</h1>
    <p>This is an OAuth authorization server. Apps ask here for access, and people decide what they get.</p>
    ${visitor(self)}
    ${self.resources.length > 0 && guarded(self.resources)}
    <h2>For developers</h2>
    ${facts([
      ["Issuer", code(self.issuer)],
      ["Metadata", html`<a class="tap"${href(self.metadataUrl)}>${code(self.metadataUrl)}</a>`]
    ])}`
  })
