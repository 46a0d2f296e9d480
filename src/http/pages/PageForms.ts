/**
 * The contract of the pages with a form: the names of the fields that each form posts, and the values of its buttons.
 * Latchkey's pages and the endpoints use these names, and the pages of an app should too.
 *
 * Each form is sent by POST to the `formAction` of the page's data, as `application/x-www-form-urlencoded`, with its sealed
 * state in the field `form`. A field may be sent only once, except the scopes.
 *
 * @example
 * import { html } from "latchkey/Html"
 * import * as PageForms from "latchkey/PageForms"
 * import type { LoginPage } from "latchkey/Pages"
 *
 * const loginForm = ({ form, formAction, username }: LoginPage) => html`
 *   <form method="post" action="${formAction}">
 *     <input type="hidden" name="${PageForms.login.form}" value="${form}">
 *     <input name="${PageForms.login.username}" autocomplete="username" value="${username}">
 *     <input name="${PageForms.login.password}" type="password" autocomplete="current-password">
 *     <button>Log in</button>
 *   </form>`
 */

/** The field of every form that carries the `form` of the page's data. */
export const form = "form"

/** The form of the login page. */
export const login = { form, username: "username", password: "password" } as const

/** The form of the consent page. */
export const consent = {
  form,
  /** One checkbox for each scope. Its value is the `value` of the scope. The ticked scopes are allowed. */
  scope: "scope",
  /** The name of both buttons. Deny should come first: the Enter key presses the first button. */
  decision: "decision",
  allow: "allow",
  deny: "deny"
} as const

/** The form of the logout page. */
export const logout = { form } as const

/** The form of the page that creates the first account. */
export const firstAccount = {
  form,
  username: "username",
  password: "password",
  /** The same password again. */
  passwordAgain: "password_again"
} as const

/** The form of each app on the account page. It removes the app's access. */
export const removeAccess = { form } as const

/** The form of each installation of an app on the account page. It removes the access of that installation alone. */
export const removeInstallation = { form } as const

/** The form of each session on the account page. It ends that session. */
export const endSession = { form } as const

/** The form on the account page that changes the password. */
export const changePassword = {
  form,
  currentPassword: "current_password",
  password: "password",
  /** The same new password again. */
  passwordAgain: "password_again"
} as const
