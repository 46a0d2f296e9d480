/** The app's own version of every page with a form. The other pages, such as the error page, stay Latchkey's. */
import { Pages } from "latchkey"
import * as Html from "latchkey/Html"
import * as PageForms from "latchkey/PageForms"
import * as Shorten from "latchkey/Shorten"

const { html } = Html

const styles = `
body { font: 1.2rem/1.5 Georgia, serif; margin: 3rem auto; max-width: 30rem; padding: 0 1rem }
.logo { height: 2rem }
`

/** Returns the whole document, with the header, the footer and the title of the brand in the settings. */
const document = (brand: Pages.Brand, title: string, body: Html.Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${brand.titleOf(title)}</title>
<style>${new Html.Html(styles)}</style>
</head>
<body>
${brand.header}
<h1>${title}</h1>
${body}
${brand.footer}
</body>
</html>`.text

/** A form posts its sealed state to the address in its data. */
const form = (data: { readonly form: string; readonly formAction: string }, fields: Html.Html): Html.Html =>
  html`<form method="post" action="${data.formAction}">
<input type="hidden" name="${PageForms.login.form}" value="${data.form}">
${fields}
</form>`

const password = (name: string, label: string, autocomplete: "current-password" | "new-password"): Html.Html =>
  html`<p><label>${label} <input name="${name}" type="password" autocomplete="${autocomplete}" required></label></p>`

const username = (name: string, value: string): Html.Html =>
  html`<p><label>Name <input name="${name}" autocomplete="username" value="${value}" required></label></p>`

const sorry = (isWrong: boolean): Html.Html | false =>
  isWrong && html`<p role="alert">That did not work. Please try again.</p>`

/** The name of an app. An app that registered itself chose its own name. */
const app = (data: { readonly clientName: string; readonly clientOrigin?: string | undefined }): Html.Html =>
  html`<bdi>${Shorten.name(data.clientName)}</bdi>${
    data.clientOrigin === "Dynamic" && html` (it registered itself: its name was not checked)`
  }`

const loginPage: Pages.Documents["loginPage"] = (data, brand) =>
  document(
    brand,
    "Welcome",
    html`${data.clientName !== undefined && html`<p>${app({ ...data, clientName: data.clientName })} wants to know you.</p>`}
${sorry(data.problem !== undefined)}
${form(
  data,
  html`${username(PageForms.login.username, data.username)}
${password(PageForms.login.password, "Password", "current-password")}
<button>Come in</button>`
)}`
  )

const consentPage: Pages.Documents["consentPage"] = (data, brand) =>
  document(
    brand,
    "May it?",
    html`<p>${app(data)} asks ${data.username} for access, and takes you to <b>${
      data.target._tag === "App" ? data.target.scheme : Shorten.host(data.target.host)
    }</b>.</p>
${sorry(data.problem !== undefined)}
${form(
  data,
  html`${data.resources.flatMap(({ scopes }) =>
    scopes.map(
      ({ checked, description, includes = [], value }) =>
        html`<p><label><input type="checkbox" name="${PageForms.consent.scope}" value="${value}"${checked && html` checked`}> ${[description, ...includes].join(", ")}</label></p>`
    )
  )}
<button name="${PageForms.consent.decision}" value="${PageForms.consent.deny}">No</button>
<button name="${PageForms.consent.decision}" value="${PageForms.consent.allow}">Yes</button>`
)}
<p><a href="${data.switchUrl}">I am another user</a></p>`
  )

const logoutPage: Pages.Documents["logoutPage"] = (data, brand) =>
  document(brand, "Leave?", html`${sorry(data.problem !== undefined)}${form(data, html`<button>Leave</button>`)}`)

const firstAccountPage: Pages.Documents["firstAccountPage"] = (data, brand) =>
  document(
    brand,
    "You are the first",
    html`${sorry((data.problems ?? []).length > 0)}
${form(
  data,
  html`${username(PageForms.firstAccount.username, data.username)}
${password(PageForms.firstAccount.password, "Password", "new-password")}
${password(PageForms.firstAccount.passwordAgain, "Password again", "new-password")}
<button>Begin</button>`
)}`
  )

/** Each app, each other session and the password have a form. Its sealed state says what it does. */
const accountPage: Pages.Documents["accountPage"] = (data, brand) =>
  document(
    brand,
    "You",
    html`<p>You are ${data.username}.</p>
${data.notice !== undefined && html`<p role="status">Done.</p>`}
${sorry(data.problem !== undefined)}
${data.apps.map((given) => form(given, html`${app(given)} <button>Remove access</button>`))}
${data.sessions.filter(({ isThis }) => !isThis).map((session) => form(session, html`${session.since} <button>End</button>`))}
${
  data.password !== undefined &&
  html`${sorry((data.password.problems ?? []).length > 0)}
${form(
  data.password,
  html`${password(PageForms.changePassword.currentPassword, "Password now", "current-password")}
${password(PageForms.changePassword.password, "New password", "new-password")}
${password(PageForms.changePassword.passwordAgain, "New password again", "new-password")}
<button>Change</button>`
)}`
}
${data.logoutUrl !== undefined && html`<p><a href="${data.logoutUrl}">Leave</a></p>`}`
  )

export const OwnPages = Pages.layer({ styles, accountPage, consentPage, firstAccountPage, loginPage, logoutPage })
