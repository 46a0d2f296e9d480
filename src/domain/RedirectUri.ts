/**
 * Redirect URIs (RFC 6749 §3.1.2, RFC 8252 §7): which may be registered, and which requested URI matches a registered one.
 */
import type * as Equivalence from "effect/Equivalence"
import * as Schema from "effect/Schema"
import { isLoopback } from "./Loopback.js"
import * as Url from "./Url.js"

/** Maximum length of a redirect URI, in characters. */
export const maxLength = 2048

/** Parameters of an authorization response. A registered query with one of them could be mistaken for the response. */
const responseParameters = ["code", "state", "iss", "error", "error_description", "error_uri"]

/** Schemes that a browser executes, or opens unnoticed by the user. They are refused under every policy. */
const dangerousSchemes = new Set(
  "about blob chrome data file filesystem ftp intent javascript jar mailto resource tel urn vbscript view-source ws wss".split(
    " "
  )
)

/** The accepted private-use schemes (RFC 8252 §7.1): those with a dot, and those that the operator names. */
export interface Policy {
  readonly privateUseSchemes: ReadonlySet<string>
}

/** The policy of RFC 8252 §7.1: a private-use scheme has a dot. */
export const strictPolicy: Policy = { privateUseSchemes: new Set() }

/** Returns why `text` may not be registered; `undefined` if it may. */
export const objection = (text: string, policy: Policy): string | undefined => {
  if (text.length > maxLength) return `a redirect URI has at most ${maxLength} characters`
  if (!/^[\x21-\x7E]+$/.test(text) || /[\\*"<>^`{|}]/.test(text))
    return "a redirect URI has no spaces, wildcards or other unsafe characters"
  if (/%(?![0-9A-Fa-f]{2})/.test(text) || /%(00|0a|0d)/i.test(text)) return "a redirect URI is not well percent-encoded"
  if (text.includes("#")) return "a redirect URI has no fragment (RFC 6749, 3.1.2)"
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]
  const url = Url.parse(text)
  if (scheme === undefined || url === undefined) return "a redirect URI is absolute (RFC 6749, 3.1.2)"
  if (scheme !== scheme.toLowerCase()) return "the scheme of a redirect URI is written in lower case"
  if (dangerousSchemes.has(scheme)) return `redirect URIs of the scheme ${scheme} are not accepted`
  if (url.username !== "" || url.password !== "") return "a redirect URI names no user"
  if (responseParameters.some((name) => url.searchParams.has(name))) {
    return "the query of a redirect URI does not hold parameters of the response"
  }
  if (scheme === "https" || scheme === "http") {
    const origin = `${scheme}://${url.hostname}`
    if (!text.startsWith(origin) || !/^(:[0-9]+)?([/?]|$)/.test(text.slice(origin.length)))
      return "the host of a redirect URI is written in its normal form"
    if (scheme === "http" && !isLoopback(url)) return "an http redirect URI is for loopback hosts only; use https"
    return undefined
  }
  return scheme.includes(".") || policy.privateUseSchemes.has(scheme)
    ? undefined
    : "a private-use scheme has a dot, as com.example.app (RFC 8252, 7.1)"
}

/** A registered redirect URI. */
export const RedirectUri = Schema.NonEmptyString.pipe(Schema.maxLength(maxLength), Schema.brand("RedirectUri"))
export type RedirectUri = typeof RedirectUri.Type

/**
 * Whether a requested URI matches a registered one. They are compared as strings (RFC 9700 §4.1.3), except that an http
 * loopback URI may have any port (RFC 8252 §7.3).
 */
export const matches: Equivalence.Equivalence<string> = (registered, requested) =>
  registered === requested || (withoutLoopbackPort(registered) ?? registered) === withoutLoopbackPort(requested)

const loopbackUri =
  /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9][0-9]{0,4}))?((?:[/?][\x21\x24-\x5B\x5D-\x7E]*)?)$/

/** Returns a loopback URI without its port; `undefined` for any other URI. */
const withoutLoopbackPort = (text: string): string | undefined => {
  const [, origin, port, rest] = loopbackUri.exec(text) ?? []
  if (origin === undefined || (port !== undefined && Number(port) > 65_535)) return undefined
  return `${origin}${rest ?? ""}`
}

/** Returns the URI that represents all ports of a loopback URI; any other URI unchanged. */
export const anyPort = (self: RedirectUri): RedirectUri => RedirectUri.make(withoutLoopbackPort(self) ?? self, true)

/** The target of a redirect, in a form that a user can judge: a host, this device, or an app. */
export type Target =
  | { readonly _tag: "Host"; readonly host: string }
  | { readonly _tag: "Loopback"; readonly host: string }
  | { readonly _tag: "App"; readonly scheme: string }

/** Returns where `self` sends the user's browser. */
export const target = (self: RedirectUri): Target => {
  const url = new URL(self)
  if (url.protocol !== "https:" && url.protocol !== "http:") return { _tag: "App", scheme: url.protocol.slice(0, -1) }
  return isLoopback(url) ? { _tag: "Loopback", host: url.host } : { _tag: "Host", host: url.host }
}

/** Returns the targets of several redirect URIs, each once, in the order of the sorted URIs. */
export const targets = (all: Iterable<RedirectUri>): ReadonlyArray<Target> => {
  const byText = new Map(
    Array.from(all)
      .sort()
      .map((uri) => [JSON.stringify(target(uri)), target(uri)])
  )
  return Array.from(byText.values())
}

/** Returns `self` with the parameters of an authorization response in its query (RFC 6749 §4.1.2). */
export const withParameters = (self: RedirectUri, parameters: Readonly<Record<string, string>>): string => {
  const query = new URLSearchParams(parameters).toString()
  if (!self.includes("?")) return `${self}?${query}`
  return self.endsWith("?") || self.endsWith("&") ? `${self}${query}` : `${self}&${query}`
}
