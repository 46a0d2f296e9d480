/**
 * The cookies of a person: the session, which is new at each login, and the device cookie, which says that this browser has
 * logged in before and is no credential (see `services/KnownBrowsers`). Their names end in a hash of the issuer, so that two
 * servers on one host do not read each other's. The ids of a browser are in `BrowserIds`.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Issuer from "../../domain/Issuer.js"
import { valueLengths } from "../../services/accounts/KnownBrowsers.js"
import { digestOf } from "../../services/keys/Crypto.js"

/** Which cookie. */
export type Kind = "session" | "device"

/** 32 bytes in base64url. */
export const secretPattern = /^[A-Za-z0-9_-]{43}$/

/** The form of each cookie's value. A cookie with any other value counts as no cookie. */
const patterns: Readonly<Record<Kind, RegExp>> = {
  session: secretPattern,
  device: new RegExp(`^[A-Za-z0-9_-]{${valueLengths.join(",")}}$`)
}

/** The name of a cookie. `__Host-` keeps it to this host and to https (RFC 6265bis §4.1.3.2); http on loopback has none. */
export const named = (issuer: Issuer.Issuer, name: string): string =>
  `${Issuer.isSecure(issuer) ? "__Host-" : ""}latchkey_${name}`

const name = (issuer: Issuer.Issuer, kind: Kind): string => named(issuer, `${kind}_${digestOf(issuer).slice(0, 8)}`)

/** The cookies of a request, by name. A cookie whose name comes twice is left out: the server never sets two. */
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

/** The value of a cookie; `None` when there is none, when there are two, and when the value has another form. */
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
  // Strict would not be sent on the way from the client to /authorize.
  sameSite: "lax" as const
})

/** Sets a cookie by its full name; one without `maxAge` ends with the browser, and one with zero ends at once. */
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

/** Sets a cookie for a time. */
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
