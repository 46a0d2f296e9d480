/**
 * Identifiers of rows: 48 bits of time and 80 of chance in Crockford's base 32 (the ULID form, in lower case), so that
 * rows made together lie together. They are names, not secrets.
 */
const digits = "0123456789abcdefghjkmnpqrstvwxyz"

/** The text form: 26 characters. */
export const pattern = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** An identifier made at `millis` (milliseconds since 1970) of 10 random bytes. */
export const format = (millis: number, random: Uint8Array): string => {
  let value = BigInt(millis)
  for (const byte of random) value = (value << 8n) | BigInt(byte)
  let text = ""
  for (let i = 0; i < 26; i++) {
    text = digits[Number(value & 31n)] + text
    value >>= 5n
  }
  return text
}
