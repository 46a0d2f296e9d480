/**
 * The contract of the pages with a form: the names of the fields that each has to post, and the values of its buttons. Our
 * own pages and the endpoints that read them use these, and so should a page of an app's own.
 *
 * Each form is sent by POST to the `formAction` of the page's data, as `application/x-www-form-urlencoded`, and has its
 * sealed state in the field `form`. No field may be sent twice, save the scopes.
 *
 * @example
 * const loginForm = ({ form, formAction, username }: LoginPage) => html`
 *   <form method="post" action="${formAction}">
 *     <input type="hidden" name="${PageForms.login.form}" value="${form}">
 *     <input name="${PageForms.login.username}" autocomplete="username" value="${username}">
 *     <input name="${PageForms.login.password}" type="password" autocomplete="current-password">
 *     <button>Log in</button>
 *   </form>`
 */

/** The field of every form, with the `form` of the page's data. */
export const form = "form"

/** The form of the login page. */
export const login = { form, username: "username", password: "password" } as const

/** The form of the consent page. */
export const consent = {
  form,
  /** One checkbox for each scope, whose value is its `token`: those that are ticked are allowed. */
  scope: "scope",
  /** The buttons, whose value is `allow` or `deny`. Deny should come first: the Enter key presses the first. */
  decision: "decision",
  allow: "allow",
  deny: "deny"
} as const

/** The form of the logout page. */
export const logout = { form } as const

/** The form of the page that makes the first account. */
export const firstAccount = {
  form,
  username: "username",
  password: "password",
  /** The same password again. */
  passwordAgain: "password_again"
} as const

/** The form of each app on the account page: it takes the app's access away. */
export const removeAccess = { form } as const

/** The form of each login on the account page: it ends that login. */
export const endSession = { form } as const

/** The form on the account page that changes the password. */
export const changePassword = {
  form,
  currentPassword: "current_password",
  password: "password",
  /** The same new password again. */
  passwordAgain: "password_again"
} as const
