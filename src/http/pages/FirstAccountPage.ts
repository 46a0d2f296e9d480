/** Where whoever holds the link of a new server makes its first account. */
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import * as PageForms from "./PageForms.js"
import { field, newPassword, problemNotice, sealed } from "./Parts.js"
import * as Problem from "./Problem.js"

/** The data of the page; its form is `PageForms.firstAccount`. */
export interface FirstAccountPage {
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** The name that was tried, or `""`. */
  readonly username: string
  /** Everything that is wrong with what was sent. */
  readonly problems?: ReadonlyArray<keyof typeof sentences> | undefined
}

const sentences = {
  NameInvalid: "That username cannot be used. It has 1 to 64 characters, and no spaces.",
  PasswordInvalid: Problem.passwordInvalid,
  PasswordWellKnown: Problem.passwordWellKnown,
  PasswordsDiffer: "The two passwords differ. Please type both again.",
  Busy: Problem.busy
}

/** The page. */
export const firstAccountPage = (self: FirstAccountPage, brand?: Brand): string => {
  const problems = self.problems ?? []
  const nameFirst = self.username === "" || problems.includes("NameInvalid")
  return layout({
    brand,
    title: "Create the first account",
    body: html`<h1>Create the first account</h1>
    <p>Nobody can log in to this server yet. The link that you opened makes one account, once.</p>
    ${problemNotice(Problem.together(problems.map((problem) => sentences[problem])))}
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
