/**
 * Identifiers of rows: 48 bits of time and 80 random bits in Crockford's base 32 (a ULID in lower case), so that rows of the
 * same time are stored next to each other. Identifiers are names, not secrets.
 */
const digits = "0123456789abcdefghjkmnpqrstvwxyz"

/** The text form: 26 characters. */
export const pattern = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** Returns the identifier of a time, in milliseconds since 1970, and 10 random bytes. */
export const format = (millis: number, random: Uint8Array): string => {
  let time = ""
  for (let rest = millis, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) time = digits.charAt(rest % 32) + time
  let chance = ""
  let bits = 0
  let pending = 0
  for (const byte of random) {
    pending = (pending << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) chance += digits.charAt((pending >> (bits - 5)) & 31)
    pending &= 31
  }
  return time + chance
}
