/**
 * The cookies of a user. The session cookie is new at each login. The device cookie says that this browser has logged in
 * before, and is no credential (see `services/accounts/KnownBrowsers`). Cookie names end in a hash of the issuer, so that two
 * servers on one host do not read each other's cookies. `BrowserIds` has the ids of a browser.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Issuer from "../../domain/Issuer.js"
import { valueLengths } from "../../services/accounts/KnownBrowsers.js"
import { digestOf } from "../../services/keys/Crypto.js"

/** The cookies of a user. */
export type Kind = "session" | "device"

/** 32 bytes in base64url. */
export const secretPattern = /^[A-Za-z0-9_-]{43}$/

/** The syntax of each cookie's value. A cookie with any other value is ignored. */
const patterns: Readonly<Record<Kind, RegExp>> = {
  session: secretPattern,
  device: new RegExp(`^[A-Za-z0-9_-]{${valueLengths.join(",")}}$`)
}

/** The full name of a cookie. `__Host-` binds it to this host and to https (RFC 6265bis §4.1.3.2); http on loopback has none. */
export const named = (issuer: Issuer.Issuer, name: string): string =>
  `${Issuer.isSecure(issuer) ? "__Host-" : ""}latchkey_${name}`

const name = (issuer: Issuer.Issuer, kind: Kind): string => named(issuer, `${kind}_${digestOf(issuer).slice(0, 8)}`)

/** The cookies of a request, by name. A name that occurs twice is left out: this server never sets two. */
export const all = (request: HttpServerRequest.HttpServerRequest): ReadonlyMap<string, string> => {
  const once = new Map<string, string>()
  const twice = new Set<string>()
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const [name = "", ...value] = pair.trim().split("=")
    if (once.has(name)) twice.add(name)
    once.set(name, value.join("="))
  }
  for (const name of twice) once.delete(name)
  return once
}

/** Returns the value of a cookie; `None` if it is missing, occurs twice, or has another syntax. */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  issuer: Issuer.Issuer,
  kind: Kind
): Option.Option<Redacted.Redacted> =>
  Option.fromNullable(all(request).get(name(issuer, kind))).pipe(
    Option.filter((value) => patterns[kind].test(value)),
    Option.map((value) => Redacted.make(value))
  )

const attributes = (issuer: Issuer.Issuer) => ({
  path: "/",
  httpOnly: true,
  secure: Issuer.isSecure(issuer),
  // The browser would not send a Strict cookie when a client redirects to /authorize.
  sameSite: "lax" as const
})

/** Sets a cookie by its full name. Without `maxAge` it ends with the browser; a `maxAge` of zero deletes it. */
export const write = (
  response: HttpServerResponse.HttpServerResponse,
  issuer: Issuer.Issuer,
  name: string,
  value: string,
  maxAge?: Duration.Duration
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeSetCookie(response, name, value, {
    ...attributes(issuer),
    ...(maxAge === undefined ? {} : { maxAge })
  })

/** Sets a cookie that expires after `maxAge`. */
export const set = (
  response: HttpServerResponse.HttpServerResponse,
  issuer: Issuer.Issuer,
  kind: Kind,
  value: Redacted.Redacted,
  maxAge: Duration.Duration
): HttpServerResponse.HttpServerResponse => write(response, issuer, name(issuer, kind), Redacted.value(value), maxAge)

/** Deletes a cookie. */
export const clear = (
  response: HttpServerResponse.HttpServerResponse,
  issuer: Issuer.Issuer,
  kind: Kind
): HttpServerResponse.HttpServerResponse => write(response, issuer, name(issuer, kind), "", Duration.zero)
