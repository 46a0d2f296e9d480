/** A page as a response: the headers that every page carries (OWASP; RFC 9700 §4.16 for framing). */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Issuer from "../domain/Issuer.js"
import type { OAuthError } from "../domain/OAuthError.js"
import { styleHash } from "../services/Crypto.js"
import { ServerSettings } from "../services/ServerSettings.js"
import { type ErrorPage, errorPage } from "./pages/ErrorPage.js"
import { type Data, type Documents, Pages } from "./pages/Pages.js"
import { styles } from "./pages/Styles.js"
import { timeInWords } from "./pages/Time.js"
import * as Wire from "./Wire.js"

/**
 * No script, nothing from elsewhere, no frame; of styles, our pages' and the app's own. There is no `form-action`:
 * Chromium applies it to the redirect that follows a post, and ours end at the client. No COOP either, since a client's
 * popup needs its opener.
 */
export const contentSecurityPolicy = (own: ReadonlyArray<string> = []): string =>
  [
    "default-src 'none'",
    `style-src ${Array.from(new Set([styles, ...own]), (text) => `'sha256-${styleHash(text)}'`).join(" ")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join("; ")

const headers = (issuer: Option.Option<Issuer.Issuer>, own: ReadonlyArray<string> = []) => ({
  ...Wire.noStore,
  "content-security-policy": contentSecurityPolicy(own),
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  // With `no-referrer` a browser sends `Origin: null` with our own forms.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  ...Option.match(issuer, { onNone: () => ({}), onSome: Wire.strictTransport })
})

const render =
  (issuer: Issuer.Issuer, pages: Context.Tag.Service<Pages>) =>
  <Name extends keyof Data>(name: Name, data: Data[Name], status: number): HttpServerResponse.HttpServerResponse => {
    const documents: Documents = pages
    return HttpServerResponse.text(documents[name](data), {
      status,
      contentType: "text/html; charset=utf-8",
      headers: headers(Option.some(issuer), [pages.styles])
    })
  }

const renderer = Effect.gen(function* () {
  const { issuer } = yield* ServerSettings
  return render(issuer, yield* Pages)
})

/** A page as a response. */
export const page = <Name extends keyof Data>(name: Name, data: Data[Name], status = 200) =>
  Effect.map(renderer, (render) => render(name, data, status))

/** An error page without a server's settings and pages: for a path at which there is nothing. */
export const outside = (data: ErrorPage, status: number): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(errorPage(data), {
    status,
    contentType: "text/html; charset=utf-8",
    headers: headers(Option.none())
  })

/** Sends the browser on, by GET and without the body of what it posted: never 307 (RFC 9700 §4.12). */
export const seeOther = (issuer: Issuer.Issuer, location: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status: 303, headers: { ...headers(Option.some(issuer)), location } })

/**
 * Renders an error as a page in our own words: nothing that a stranger sent is on it. `incident` is the id of the error in
 * the log.
 */
export const errors = Effect.gen(function* () {
  const { issuer } = yield* ServerSettings
  const render = yield* renderer
  return (error: OAuthError, incident?: string): HttpServerResponse.HttpServerResponse =>
    render("errorPage", { incident, wayOn: wayOn(error, issuer), ...words(error) }, Wire.status(error)).pipe(
      HttpServerResponse.setHeaders(Wire.retryAfter(error))
    )
})

/** The page that every person can go on to: it shows their account, or has them log in. */
export const toAccount = (issuer: Issuer.Issuer): NonNullable<ErrorPage["wayOn"]> => ({
  url: `${Issuer.path(issuer)}/account`,
  label: "Go to your account"
})

/** Where an error leads on to: one of the wrong host, to the issuer's. */
const wayOn = (error: OAuthError, issuer: Issuer.Issuer): NonNullable<ErrorPage["wayOn"]> =>
  error._tag === "MisdirectedRequest" ? { url: `${issuer}/account`, label: `Go to ${issuer}` } : toAccount(issuer)

const words = (error: OAuthError): ErrorPage => {
  switch (error._tag) {
    case "Forbidden":
      return {
        title: "This form did not come from here",
        message: "Go back to the app you came from and start again. Nothing was changed."
      }
    case "AccessDenied":
      return {
        title: "You have no access here",
        message: "Your account may not be used with this server. The people who run it can tell you why."
      }
    case "TemporarilyUnavailable":
      return { title: "The server is busy", message: `Try again in ${timeInWords(1)}. Nothing was changed.` }
    case "TooManyRequests":
      return {
        title: "Too many requests",
        message: `Try again in ${timeInWords(error.retryAfter)}. Nothing was changed.`
      }
    case "MisdirectedRequest":
      return {
        title: "This is not the address of this server",
        message:
          "The address in your browser is another one than the server's own, so you cannot log in here. If you came here by the right address, a proxy in front of the server changes it: its log says what to set."
      }
    case "MethodNotAllowed":
      return {
        title: "This page cannot be opened by itself",
        message: "Go back to the app you came from and start again."
      }
    case "ServerError":
      return {
        title: "Something went wrong here",
        message: "It was not your doing. The people who run this server can find out more.",
        ...Option.match(Option.fromNullable(/incident (\S+)/.exec(error.description)?.[1]), {
          onNone: () => ({}),
          onSome: (incident) => ({ incident })
        })
      }
    default:
      return {
        title: "This request cannot be answered",
        message: "Something in it is not as it should be. Go back to the app you came from and start again."
      }
  }
}
