/**
 * The issuer identifier of an authorization server (RFC 8414 §2). The operator sets it; it is never derived from a request.
 * Metadata, `iss` and protected resource metadata hold the same bytes.
 */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { isLoopback } from "./Loopback.js"
import * as Url from "./Url.js"

/** Returns why `text` cannot be an issuer; `undefined` if it can. */
const objection = (text: string): string | undefined => {
  const url = Url.parse(text)
  if (url === undefined) return "the issuer must be an absolute URL"
  if (url.protocol !== "https:" && url.protocol !== "http:") return "the issuer must be an https URL"
  if (url.protocol === "http:" && !isLoopback(url)) return "an http issuer is for loopback hosts only; use https"
  if (url.username !== "" || url.password !== "") return "the issuer must not name a user"
  if (text.includes("?")) return "the issuer must not have a query"
  if (text.includes("#")) return "the issuer must not have a fragment"
  const path = url.pathname === "/" ? "" : url.pathname
  if (text !== `${url.origin}${path}`)
    return `the issuer must be written as ${url.origin}${path.replace(/(?<!\/)\/+$/, "")}`
  if (text.endsWith("/") || path.includes("//"))
    return "the issuer must not end in a slash, nor have an empty path segment"
  if (!/^(\/[A-Za-z0-9._~-]+)*$/.test(path)) return "the path of the issuer may hold letters, digits, and . _ ~ - only"
  return undefined
}

/** A valid issuer: https (http on loopback), no user, query, fragment or trailing slash, already in normal form. */
export const Issuer = Schema.String.pipe(
  Schema.filter((text, _, ast) => {
    const reason = objection(text)
    return reason === undefined ? undefined : new ParseResult.Type(ast, text, reason)
  }),
  Schema.brand("Issuer")
)
export type Issuer = typeof Issuer.Type

/** Returns the path of the issuer, without a trailing slash; `""` for an issuer that is only an origin. */
export const path = (self: Issuer): "" | `/${string}` => {
  const { pathname } = new URL(self)
  return pathname === "/" ? "" : (pathname as `/${string}`)
}

/** Returns the origin of the issuer: scheme, host and port. */
export const origin = (self: Issuer): string => new URL(self).origin

/** Whether the server runs on a loopback host. */
export const isLoopbackIssuer = (self: Issuer): boolean => isLoopback(new URL(self))

/** Whether pages and cookies are sent over https. */
export const isSecure = (self: Issuer): boolean => self.startsWith("https:")
