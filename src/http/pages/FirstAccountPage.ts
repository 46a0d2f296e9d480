/** The pages of the link for the first account: its form, the page that follows, and the page of a used link. */
import type { Brand } from "./Brand.js"
import { href, html } from "./Html.js"
import { layout, type Nothing } from "./Layout.js"
import * as PageForms from "./PageForms.js"
import { facts, field, name, newPassword, passwordProblems, problemNotice, sealed, together } from "./Parts.js"

/** The data of the page with the form. Its form is `PageForms.firstAccount`. */
export interface FirstAccountPage {
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** The username that was tried, or `""`. */
  readonly username: string
  /** Everything that is wrong with the form that was sent. */
  readonly problems?: ReadonlyArray<keyof typeof sentences> | undefined
}

const sentences = {
  NameInvalid: "That username cannot be used. It has 1 to 64 characters, and no spaces.",
  ...passwordProblems,
  PasswordsDiffer: "The two passwords differ. Please type both again."
}

/** The page with the form. */
export const firstAccountPage = (self: FirstAccountPage, brand?: Brand): string => {
  const problems = self.problems ?? []
  const nameFirst = self.username === "" || problems.includes("NameInvalid")
  return layout({
    brand,
    title: "Create the first account",
    body: html`<h1>Create the first account</h1>
    <p>This server has no account yet. The link that you opened creates one account, once.</p>
    ${problemNotice(together(problems.map((problem) => sentences[problem])))}
    <form method="post" action="${self.formAction}">
    ${sealed(self.form)}
    ${field({
      name: PageForms.firstAccount.username,
      label: "Username",
      type: "text",
      autocomplete: "username",
      value: self.username,
      hint: "Without spaces. Capitals make no difference.",
      autofocus: nameFirst,
      invalid: problems.includes("NameInvalid")
    })}
    ${newPassword({ fields: PageForms.firstAccount, label: "Password", autofocus: !nameFirst, problems })}
    <button class="button" type="submit">Create account</button>
    </form>`
  })
}

/** The data of the page that follows the creation of the first account. */
export interface FirstAccountDonePage {
  readonly username: string
  /** The address of an MCP server that this server guards. */
  readonly mcpUrl?: string | undefined
  /** The account page, where the user can also log in. */
  readonly accountUrl: string
  /** Whether this browser is logged in to the account now. */
  readonly isLoggedIn: boolean
}

/** The page that follows the creation of the first account. */
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

/** The page of the link once an account exists. */
export const firstAccountVoidPage = (_?: Nothing, brand?: Brand): string =>
  layout({
    brand,
    title: "This link no longer works",
    body: html`<h1>This link no longer works</h1>
    <p>It was for the first account of this server, and there is an account already.</p>
    <p>If that account is not yours, ask the operator of this server.</p>`
  })
