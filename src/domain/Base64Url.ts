/**
 * The one text form of bytes in Latchkey: base64url without padding (RFC 4648 §5), canonical only.
 *
 * A string that decodes to the same bytes but is not the canonical one (padding, white space, stray low bits in
 * the last character) is refused, so no two strings are ever the same credential.
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"

const alphabet = /^[A-Za-z0-9_-]*$/

/** For a text of length 2 or 3 mod 4, the characters whose unused low bits are zero. */
const lastOfTwo = /[AQgw]$/
const lastOfThree = /[AEIMQUYcgkosw048]$/

/** Bytes to canonical base64url. */
export const encode = (bytes: Uint8Array): string => Encoding.encodeBase64Url(bytes)

/** Whether `text` is the canonical base64url of some bytes. */
export const isCanonical = (text: string): boolean => {
  if (!alphabet.test(text)) return false
  switch (text.length % 4) {
    case 0:
      return true
    case 2:
      return lastOfTwo.test(text)
    case 3:
      return lastOfThree.test(text)
    default:
      return false
  }
}

/** Canonical base64url to bytes; `None` for anything else. */
export const decode = (text: string): Option.Option<Uint8Array> =>
  isCanonical(text) ? Either.getRight(Encoding.decodeBase64Url(text)) : Option.none()
