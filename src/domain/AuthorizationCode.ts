/**
 * The authorization code (RFC 6749 §4.1.2): `lk_ac_`, the id of its grant, and 256 random bits. The row is found by
 * the id; only a digest of the whole code is stored.
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "./Base64Url.js"
import { GrantId } from "./Grant.js"

export const prefix = "lk_ac_"

/** A well-formed code. Only the store knows whether it was issued. */
export interface AuthorizationCode {
  readonly grantId: GrantId
  readonly text: Redacted.Redacted
}

/** Returns the code of a grant, made from 32 random bytes. */
export const make = (grantId: GrantId, secret: Uint8Array): AuthorizationCode => ({
  grantId,
  text: Redacted.make(prefix + grantId + Base64Url.encode(secret))
})

const pattern = /^lk_ac_([0-7][0-9a-hjkmnp-tv-z]{25})([A-Za-z0-9_-]{43})$/

/** Reads a code; `None` for a text that is no code, also for a code in a non-canonical spelling. */
export const parse = (text: string): Option.Option<AuthorizationCode> => {
  const [, id, secret] = pattern.exec(text) ?? []
  return id !== undefined && secret !== undefined && Base64Url.isCanonical(secret)
    ? Option.some({ grantId: GrantId.make(id, true), text: Redacted.make(text) })
    : Option.none()
}
