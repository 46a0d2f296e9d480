/**
 * The ids of a browser, to which login forms are bound (RFC 6749 §10.12; ADR 32). An id is random, is not a credential, and
 * ends when the browser closes. Each id has its own cookie, named after its value: two pages that load at once do not replace
 * each other's id.
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
 * Maximum number of ids of a browser. Each takes about 75 bytes of every request. Only pages that load at the same time have
 * different ids, so this is the number of tabs that can open at once.
 */
const maxIds = 16

const prefix = (issuer: Issuer.Issuer): string => Cookies.named(issuer, `browser_${digestOf(issuer).slice(0, 4)}`)

const name = (issuer: Issuer.Issuer, id: Redacted.Redacted): string => prefix(issuer) + digest(id).slice(0, 4)

/** Returns the ids of a request in the browser's order: the oldest first (RFC 6265 §5.4). */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  issuer: Issuer.Issuer
): ReadonlyArray<Redacted.Redacted> =>
  Array.from(Cookies.all(request)).flatMap(([cookie, value]) => {
    if (!cookie.startsWith(prefix(issuer)) || !Cookies.secretPattern.test(value)) return []
    const id = Redacted.make(value)
    return cookie === name(issuer, id) ? [id] : []
  })

/** Returns whether one of the ids has this digest. */
export const include = (ids: ReadonlyArray<Redacted.Redacted>, expected: Digest): boolean =>
  ids.some((id) => digestsEqual(digest(id), expected))

/** Returns the id for a new form: the newest id of the browser, or a new one. */
export const choose = (ids: ReadonlyArray<Redacted.Redacted>): Effect.Effect<Redacted.Redacted> => {
  const last = ids.at(-1)
  return last === undefined ? randomSecret() : Effect.succeed(last)
}

/** Sets the cookie of the chosen id if it is new, and deletes the oldest ids beyond the maximum. */
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
