/** The page at the root of a server. */
import * as Brand from "./Brand.js"
import { type Html, href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { code, facts, name, resourceLabel, warning } from "./Parts.js"

/** The data of the page. */
export interface HomePage {
  readonly issuer: string
  /** Whether the server has an account yet. */
  readonly accountsExist: boolean
  /** A sentence that says how the first account is created. */
  readonly firstAccountHint?: string | undefined
  readonly resources: ReadonlyArray<{ readonly name: string; readonly uri: string }>
  /** The authorization server's metadata (RFC 8414 §3). */
  readonly metadataUrl: string
  /** The name of the user who is logged in; missing if no user is. */
  readonly username?: string | undefined
  /** The account page, where users also log in. */
  readonly accountUrl: string
  /** Missing if the app names no place where its users log out. */
  readonly logoutUrl?: string | undefined
}

/** The user who is logged in, or the way to log in. */
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
        html`<p>This server has no account yet. ${firstAccountHint ?? "The operator of this server can create the first account."}</p>`
      )
}

const guarded = (resources: HomePage["resources"]): Html => html`<h2>What it guards</h2>
    <ul class="list">${resources.map((resource) => html`<li>${resourceLabel(resource)}</li>`)}</ul>
    <p class="soft">Give an MCP client one of these addresses: it finds this server by itself.</p>`

/** The page. */
export const homePage = (self: HomePage, brand = Brand.standard): string =>
  layout({
    brand,
    title: brand.name,
    body: html`<h1>This server is running</h1>
    <p>This is an OAuth authorization server. Apps ask here for access, and users decide what an app may do.</p>
    ${visitor(self)}
    ${self.resources.length > 0 && guarded(self.resources)}
    <h2>For developers</h2>
    ${facts([
      ["Issuer", code(self.issuer)],
      ["Metadata", html`<a class="tap"${href(self.metadataUrl)}>${code(self.metadataUrl)}</a>`]
    ])}`
  })
