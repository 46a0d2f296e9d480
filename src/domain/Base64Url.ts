/**
 * Base64url without padding (RFC 4648 §5), canonical only: the text form of bytes in Latchkey.
 *
 * A string that decodes to the same bytes but is not canonical (padding, white space, unused low bits in the last
 * character) is refused, so two different strings are never the same credential.
 */
import * as Option from "effect/Option"

const alphabet = /^[A-Za-z0-9_-]*$/

/** The last characters whose unused low bits are zero, for a text of length 2 or 3 mod 4. */
const lastOfTwo = /[AQgw]$/
const lastOfThree = /[AEIMQUYcgkosw048]$/

/** Encodes bytes as canonical base64url. */
export const encode = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url")

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

/** Decodes canonical base64url; `None` for any other text. */
export const decode = (text: string): Option.Option<Uint8Array> =>
  isCanonical(text) ? Option.some(new Uint8Array(Buffer.from(text, "base64url"))) : Option.none()
