/** The rules for the JWT by which a client authenticates (RFC 7523 §3, OpenID Connect Core §9), except its signature. */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import { decodeProtectedHeader } from "jose/decode/protected_header"
import { decodeJwt } from "jose/jwt/decode"
import type { ClientId } from "../../domain/Client.js"
import * as ClientKeySet from "../../domain/ClientKeySet.js"
import type { Issuer } from "../../domain/Issuer.js"
import type { InvalidClient } from "../../domain/OAuthError.js"
import { refuse } from "../AuthMethods.js"

/** The value of `client_assertion_type` (RFC 7523 §2.2). */
export const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/** Maximum length of an assertion in characters. */
const maxLength = 8 * 1024

/** Maximum time from a request to the expiry of its assertion, in milliseconds. */
const maxLifetime = Duration.toMillis(Duration.minutes(10))

/** Difference between the clocks of a client and of this server that is allowed for, in milliseconds. */
const skew = Duration.toMillis(Duration.seconds(30))

/** An assertion whose form is right. Nothing in it is verified. */
export interface ClientAssertion {
  readonly text: string
  readonly header: { readonly alg: ClientKeySet.Algorithm; readonly kid: string | undefined }
  readonly claims: Readonly<Record<string, unknown>>
  /** The client that it is said to be of: its issuer and its subject. */
  readonly clientId: string
}

/** The header types of a client assertion, in lower case (RFC 7519 §5.1). */
const types: ReadonlyArray<unknown> = [undefined, "jwt", "client-authentication+jwt"]

const typeOf = (typ: unknown): unknown =>
  typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : typ

const decode = (text: string) =>
  Either.try({
    try: () => ({ header: decodeProtectedHeader(text), claims: decodeJwt(text) as Record<string, unknown> }),
    catch: () => refuse("MalformedAssertion")
  })

/** Reads an assertion. `clientId` is the parameter of the request, which must name the same client if it is there. */
export const read = (text: string, clientId: string | undefined): Either.Either<ClientAssertion, InvalidClient> =>
  Either.gen(function* () {
    if (text.length > maxLength) return yield* Either.left(refuse("MalformedAssertion"))
    const { claims, header } = yield* decode(text)
    const { alg, crit, kid, typ } = header
    if (!ClientKeySet.isAlgorithm(alg)) return yield* Either.left(refuse("AssertionAlgorithm"))
    // No extension of the header is understood (RFC 7515 §4.1.11).
    if (crit !== undefined || !types.includes(typeOf(typ)) || (kid !== undefined && typeof kid !== "string")) {
      return yield* Either.left(refuse("MalformedAssertion"))
    }
    const { iss, sub } = claims
    if (typeof sub !== "string" || iss !== sub || (clientId !== undefined && clientId !== sub)) {
      return yield* Either.left(refuse("AssertionSubject"))
    }
    return { text, header: { alg, kid }, claims, clientId: sub }
  })

const isInstant = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value)

/** Whether a time that must be in the past is there and too far ahead, or is no time. */
const isAhead = (value: unknown, now: number): boolean =>
  value !== undefined && (!isInstant(value) || value * 1000 > now + skew)

/** The id of an assertion, and the time in milliseconds from which on it is refused. */
export interface Single {
  readonly jti: string
  readonly expiresAt: number
}

/**
 * Checks the audience, the times and the id. The audience is the issuer alone: an assertion for a URL of this server could be
 * one that another server asked for (draft-ietf-oauth-rfc7523bis §4). `now` is in milliseconds.
 */
export const check = (
  { claims }: ClientAssertion,
  { issuer, now }: { readonly issuer: Issuer; readonly now: number }
): Either.Either<Single, InvalidClient> => {
  const { aud, exp, iat, jti, nbf } = claims
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (audience !== issuer) return Either.left(refuse("AssertionAudience"))
  const expiresAt = isInstant(exp) ? exp * 1000 + skew : Number.NaN
  const isInTime = now < expiresAt && expiresAt <= now + maxLifetime + 2 * skew
  if (!isInTime || isAhead(iat, now) || isAhead(nbf, now)) return Either.left(refuse("AssertionTime"))
  return typeof jti === "string" && jti !== ""
    ? Either.right({ jti, expiresAt: Math.ceil(expiresAt) })
    : Either.left(refuse("MalformedAssertion"))
}

/** Returns the text whose digest names a spent assertion. */
export const spentAs = (clientId: ClientId, { jti }: Single): string => JSON.stringify([clientId, jti])
