/** The form of the account page that changes the password. */
import { type Html, html } from "./Html.js"
import * as PageForms from "./PageForms.js"
import { field, newPassword, passwordProblems, problemNotice, sealed, throttled, together } from "./Parts.js"

/** The form that changes the password, `PageForms.changePassword`. */
export interface AccountPassword {
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** Everything that is wrong with the form that was sent. */
  readonly problems?: ReadonlyArray<keyof typeof sentences> | undefined
  /** With the problem `Throttled`: the time until another attempt is tried, in seconds. */
  readonly waitSeconds?: number | undefined
}

const sentences = {
  WrongPassword: "That is not your current password. Please try again.",
  ...passwordProblems,
  PasswordsDiffer: "The two new passwords differ. Please try again.",
  Throttled: throttled()
}

/** The username is for password managers, which store the new password with it. The form does not send it. */
export const passwordForm = (
  { form, formAction, problems = [], waitSeconds }: AccountPassword,
  username: string
): Html => html`<h2>Change your password</h2>
    <p>A new password logs you out everywhere else and ends the access of all apps. Apps have to ask you again.</p>
    ${problemNotice(
      together(problems.map((problem) => (problem === "Throttled" ? throttled(waitSeconds) : sentences[problem])))
    )}
    <form method="post" action="${formAction}">
    ${sealed(form)}
    <div class="unseen">
      <label for="username">Username</label>
      <input id="username" type="text" autocomplete="username" value="${username}" readonly tabindex="-1">
    </div>
    ${field({
      name: PageForms.changePassword.currentPassword,
      label: "Current password",
      type: "password",
      autocomplete: "current-password",
      // The form is far down the page, and all three passwords must be typed again.
      autofocus: problems.length > 0,
      explained: problems.length > 0,
      invalid: problems.includes("WrongPassword")
    })}
    ${newPassword({ fields: PageForms.changePassword, label: "New password", problems })}
    <button class="button" type="submit">Change password</button>
    </form>`
