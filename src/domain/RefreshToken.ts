/**
 * The refresh token (RFC 6749 §1.5), a link of a hash chain (ADR 6): `lk_rt_`, the id of its grant, its number, a 256-bit
 * secret, and a 128-bit tag by which the grant recognises all its tokens.
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "./Base64Url.js"
import { GrantId } from "./Grant.js"

export const prefix = "lk_rt_"

/** A well-formed refresh token. The chain key of its grant decides whether it is authentic. */
export interface RefreshToken {
  readonly grantId: GrantId
  /** Number of the token in its chain; the first is 1. */
  readonly generation: number
  readonly secret: Redacted.Redacted<Uint8Array>
  readonly tag: Uint8Array
}

/** Returns the text that the client gets. */
export const format = (self: RefreshToken): Redacted.Redacted =>
  Redacted.make(
    `${prefix}${self.grantId}.${self.generation}.${Base64Url.encode(Redacted.value(self.secret))}${Base64Url.encode(self.tag)}`
  )

const pattern = /^lk_rt_([0-7][0-9a-hjkmnp-tv-z]{25})\.([1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{22})$/

/** Reads a refresh token; `None` for a text that is none, also for a token in a non-canonical spelling. */
export const parse = (text: string): Option.Option<RefreshToken> => {
  const [, id = "", generation = "", secret = "", tag = ""] = pattern.exec(text) ?? []
  return id === ""
    ? Option.none()
    : Option.map(Option.all([Base64Url.decode(secret), Base64Url.decode(tag)]), ([secretBytes, tagBytes]) => ({
        grantId: GrantId.make(id, true),
        generation: Number(generation),
        secret: Redacted.make(secretBytes),
        tag: tagBytes
      }))
}
