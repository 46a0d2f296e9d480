/** The login page, before an authorization (RFC 6749 §3.1) or without an app. */
import type { KnownIdentity } from "../../domain/Client.js"
import type * as RedirectUri from "../../domain/RedirectUri.js"
import type { Brand } from "./Brand.js"
import { html } from "./Html.js"
import { layout } from "./Layout.js"
import * as PageForms from "./PageForms.js"
import { app, destination, facts, field, openTooLong, problemNotice, sealed, throttled } from "./Parts.js"

/**
 * The data of the login page. Its form is `PageForms.login`. The identity and the target of the app are missing if no app
 * waits for the login. The page shows them above the password field.
 */
export interface LoginPage extends KnownIdentity {
  /** Where the user goes after the login. It is not known before the metadata document of an app was read. */
  readonly target?: RedirectUri.Target | undefined
  readonly formAction: string
  /** The sealed state of the form. */
  readonly form: string
  /** The username to fill in, or `""`. */
  readonly username: string
  readonly problem?: keyof typeof problems | undefined
  /** With the problem `Throttled`: the time until another attempt is tried, in seconds. */
  readonly waitSeconds?: number | undefined
}

const problems = {
  WrongCredentials: "That username and password do not match. Please try again.",
  FormExpired: `${openTooLong} Please log in once more.`,
  FormForeign: "This page was opened in another browser, or its cookie is gone. Please log in once more.",
  CookiesMissing:
    "Your browser did not send the cookie of this page. Cookies are needed to log in: allow them for this site, then try again.",
  LoggedOut: "You are no longer logged in. Please log in once more. Nothing was changed.",
  Throttled: throttled()
}

/** The login page. */
export const loginPage = (self: LoginPage, brand?: Brand): string => {
  const { clientName } = self
  const wrong = self.problem === "WrongCredentials"
  return layout({
    brand,
    title: "Log in",
    body: html`<h1>Log in</h1>
    ${
      (clientName !== undefined || self.target !== undefined) &&
      html`<div class="panel">${facts([
        ...(clientName === undefined ? [] : [["App", app({ ...self, clientName })] as const]),
        ...(self.target === undefined ? [] : [["Takes you to", destination(self.target)] as const])
      ])}</div>`
    }
    ${problemNotice(
      self.problem === "Throttled" ? throttled(self.waitSeconds) : self.problem && problems[self.problem]
    )}
    <form method="post" action="${self.formAction}">
    ${sealed(self.form)}
    ${field({
      name: PageForms.login.username,
      label: "Username",
      type: "text",
      autocomplete: "username",
      value: self.username,
      autofocus: self.username === "",
      invalid: wrong
    })}
    ${field({
      name: PageForms.login.password,
      label: "Password",
      type: "password",
      autocomplete: "current-password",
      autofocus: self.username !== "",
      invalid: wrong
    })}
    <button class="button" type="submit">Log in</button>
    </form>`
  })
}
