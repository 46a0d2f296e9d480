/** A page as a response: the headers that every page carries (OWASP; RFC 9700 §4.16 for framing). */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Option from "effect/Option"
import * as Issuer from "../domain/Issuer.js"
import type { OAuthError } from "../domain/OAuthError.js"
import { styleHash } from "../services/Crypto.js"
import * as Pages from "./pages/index.js"
import * as Wire from "./Wire.js"

/**
 * No script, nothing from elsewhere, no frame. There is no `form-action`: Chromium applies it to the redirect that
 * follows a post, and ours end at the client. No COOP either, since a client's popup needs its opener.
 */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${styleHash(Pages.styles)}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'"
].join("; ")

const headers = (issuer: Issuer.Issuer) => ({
  ...Wire.noStore,
  "content-security-policy": policy,
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  // With `no-referrer` a browser sends `Origin: null` with our own forms.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  ...(Issuer.isSecure(issuer) ? { "strict-transport-security": "max-age=31536000" } : {})
})

/** A document of `pages` as a response. */
export const page = (issuer: Issuer.Issuer, document: string, status = 200): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(document, { status, contentType: "text/html; charset=utf-8", headers: headers(issuer) })

/** Sends the browser on, by GET and without the body of what it posted: never 307 (RFC 9700 §4.12). */
export const seeOther = (issuer: Issuer.Issuer, location: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status: 303, headers: { ...headers(issuer), location } })

/** An error, as a page in our own words: nothing that a stranger sent stands on it. */
export const error = (issuer: Issuer.Issuer, error: OAuthError): HttpServerResponse.HttpServerResponse =>
  page(issuer, Pages.errorPage(words(error)), Wire.status(error)).pipe(
    HttpServerResponse.setHeaders(Wire.retryAfter(error))
  )

const words = (error: OAuthError): Pages.ErrorPage => {
  switch (error._tag) {
    case "Forbidden":
      return {
        title: "This form did not come from here",
        message: "Go back to the app you came from and start again. Nothing was changed."
      }
    case "TemporarilyUnavailable":
      return { title: "The server is busy", message: "Wait a moment, then try again. Nothing was changed." }
    case "TooManyRequests":
      return { title: "Too many requests", message: "Wait a while, then try again. Nothing was changed." }
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
