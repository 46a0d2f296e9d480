/**
 * The ids of a browser, to which login forms are bound (RFC 6749 §10.12; ADR 32). An id is random, is no credential, and
 * ends with the browser. Each is a cookie of its own, named after its value: of two pages that come at once, neither
 * replaces the other's id.
 */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import type * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Digest } from "../../domain/Digest.js"
import type * as Issuer from "../../domain/Issuer.js"
import { digest, digestOf, digestsEqual, randomSecret } from "../../services/keys/Crypto.js"
import * as Cookies from "./Cookies.js"

/**
 * Maximum number of ids that a browser keeps, of about 75 bytes each in every request. Only pages that are asked for at
 * the same time have different ids, so this is the number of tabs that may open at once.
 */
const maxIds = 16

const prefix = (issuer: Issuer.Issuer): string => Cookies.named(issuer, `browser_${digestOf(issuer).slice(0, 4)}`)

const name = (issuer: Issuer.Issuer, id: Redacted.Redacted): string => prefix(issuer) + digest(id).slice(0, 4)

/** The ids that a request brings, as the browser sorts them: the oldest first (RFC 6265 §5.4). */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  issuer: Issuer.Issuer
): ReadonlyArray<Redacted.Redacted> =>
  Array.from(Cookies.all(request)).flatMap(([cookie, value]) => {
    if (!cookie.startsWith(prefix(issuer)) || !Cookies.secretPattern.test(value)) return []
    const id = Redacted.make(value)
    return cookie === name(issuer, id) ? [id] : []
  })

/** Whether one of the ids has this digest. */
export const include = (ids: ReadonlyArray<Redacted.Redacted>, expected: Digest): boolean =>
  ids.some((id) => digestsEqual(digest(id), expected))

/** The id for a new form: the newest that the browser has, or a new one. */
export const choose = (ids: ReadonlyArray<Redacted.Redacted>): Effect.Effect<Redacted.Redacted> => {
  const last = ids.at(-1)
  return last === undefined ? randomSecret() : Effect.succeed(last)
}

/** Sets the cookie of a chosen id, if it is new, and deletes the oldest of too many. */
export const keep = (
  response: HttpServerResponse.HttpServerResponse,
  issuer: Issuer.Issuer,
  ids: ReadonlyArray<Redacted.Redacted>,
  chosen: Redacted.Redacted
): HttpServerResponse.HttpServerResponse =>
  ids.length === 0
    ? Cookies.write(response, issuer, name(issuer, chosen), Redacted.value(chosen))
    : ids
        .slice(0, -maxIds)
        .reduce((answer, id) => Cookies.write(answer, issuer, name(issuer, id), "", Duration.zero), response)
