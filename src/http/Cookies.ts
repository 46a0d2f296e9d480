/**
 * The cookies: a browser's id, which is no credential and outlives logins; the session, new at each login; and the device
 * cookie, which says that this browser has logged in before, and is no credential either (see `services/KnownBrowsers`).
 * Their names end in a hash of the issuer, so that two servers on one host do not read each other's.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Issuer from "../domain/Issuer.js"
import { digestOf } from "../services/Crypto.js"
import { valueLengths } from "../services/KnownBrowsers.js"

/** Which cookie. */
export type Kind = "browser" | "session" | "device"

/** 32 bytes in base64url. */
const secretPattern = /^[A-Za-z0-9_-]{43}$/

/** The form of each cookie's value. A cookie with any other value counts as no cookie. */
const patterns: Readonly<Record<Kind, RegExp>> = {
  browser: secretPattern,
  session: secretPattern,
  device: new RegExp(`^[A-Za-z0-9_-]{${valueLengths.join(",")}}$`)
}

/** `__Host-` keeps a cookie to this host and to https (RFC 6265bis §4.1.3.2); loopback http has to do without. */
const name = (issuer: Issuer.Issuer, kind: Kind): string =>
  `${Issuer.isSecure(issuer) ? "__Host-" : ""}latchkey_${kind}_${digestOf(issuer).slice(0, 8)}`

/** The value of a cookie of ours; `None` when there is none, or anything else than we set. */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  issuer: Issuer.Issuer,
  kind: Kind
): Option.Option<Redacted.Redacted> => {
  // Two cookies of one name are somebody's doing: neither counts.
  const values = (request.headers.cookie ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name(issuer, kind)}=`))
    .map((pair) => pair.slice(pair.indexOf("=") + 1))
  const [value] = values
  return value !== undefined && values.length === 1 && patterns[kind].test(value)
    ? Option.some(Redacted.make(value))
    : Option.none()
}

const attributes = (issuer: Issuer.Issuer) => ({
  path: "/",
  httpOnly: true,
  secure: Issuer.isSecure(issuer),
  // Strict would not be sent on the way from the client to /authorize.
  sameSite: "lax" as const
})

/** Sets a cookie; one without `maxAge` ends with the browser. */
export const set = (
  response: HttpServerResponse.HttpServerResponse,
  issuer: Issuer.Issuer,
  kind: Kind,
  value: Redacted.Redacted,
  maxAge?: Duration.Duration
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeSetCookie(response, name(issuer, kind), Redacted.value(value), {
    ...attributes(issuer),
    ...(maxAge === undefined ? {} : { maxAge })
  })

/** Takes a cookie away. */
export const clear = (
  response: HttpServerResponse.HttpServerResponse,
  issuer: Issuer.Issuer,
  kind: Kind
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeSetCookie(response, name(issuer, kind), "", {
    ...attributes(issuer),
    maxAge: Duration.zero
  })
