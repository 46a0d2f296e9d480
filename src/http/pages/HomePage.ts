/** What a newcomer sees at the root of a server. */
import { type Html, href, html } from "./Html.js"
import { layout } from "./Layout.js"
import { code, facts, resourceLabel, warning } from "./Parts.js"

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
  /** Where people see what they allowed, when this server has such a page. */
  readonly accountUrl?: string | undefined
  readonly logoutUrl: string
}

const guarded = (resources: HomePage["resources"]): Html => html`<h2>What it guards</h2>
    <ul class="list">${resources.map((resource) => html`<li>${resourceLabel(resource)}</li>`)}</ul>
    <p class="soft">Give an MCP client one of these addresses: it finds its way here by itself.</p>`

/** The page. */
export const homePage = (self: HomePage): string =>
  layout({
    title: "Latchkey",
    body: html`<h1>This server is running</h1>
    <p>This is an OAuth authorization server. Apps ask here for access, and people decide what they get.</p>
    ${
      !self.accountsExist &&
      warning(
        html`<p>Nobody can log in yet. ${
          self.firstAccountHint ?? "Whoever runs this server can make the first account."
        }</p>`
      )
    }
    ${self.resources.length > 0 && guarded(self.resources)}
    <h2>For developers</h2>
    ${facts([
      ["Issuer", code(self.issuer)],
      ["Metadata", html`<a class="tap"${href(self.metadataUrl)}>${code(self.metadataUrl)}</a>`]
    ])}
    <p class="ways">${
      self.accountUrl !== undefined && html`<a class="tap"${href(self.accountUrl)}>Your account</a> `
    }<a class="tap"${href(self.logoutUrl)}>Log out</a></p>`
  })
