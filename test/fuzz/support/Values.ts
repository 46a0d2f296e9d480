/** Values that a server should expect of an attacker, for fields of forms, queries, headers and JSON. */
import type { Dice } from "./Dice.js"

/** Markup that an HTML page must never repeat unescaped. */
export const markup = [
  "<script>alert(1)</script>",
  '"><script src=//evil.example></script>',
  "'><img src=x onerror=alert(1)>",
  "</title><script>1</script>",
  "javascript:alert(1)"
] as const

const unicode = [
  // A right-to-left override, and marks that nobody sees.
  "\u202egpj.exe",
  "a\u200bb\u2060c\ufeff",
  "\u{e0041}\u{e0042}",
  // One letter in its two normal forms.
  "\u00e9",
  "e\u0301",
  "\u{1f600}",
  "\ufffe\uffff",
  "ſcope",
  "İ",
  `a${"\u0301".repeat(200)}`
]

const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "length", "valueOf"]

const numbers = ["0", "-1", "1e309", "NaN", "9007199254740993", "0x10", "1_000", "-0", "Infinity"]

const injections = [
  "' or 1=1 --",
  '"; drop table grants; --',
  "../../../../etc/passwd",
  "%00",
  "%zz",
  "a\r\nset-cookie: injected=1",
  "{{7*7}}",
  "\0",
  "a\0b",
  "null",
  "undefined",
  "[object Object]",
  "http://127.0.0.1:1/",
  "//evil.example",
  "https://client.example@evil.example/callback",
  "urn:ietf:params:oauth:request_uri:x"
]

/** Texts that begin as our tokens do. */
const almostTokens = [
  "lk_at_",
  "lk_rt_",
  "lk_ac_",
  "lk_fm_",
  `lk_at_${"Qx7".repeat(27)}`,
  `lk_rt_${"0".repeat(26)}.1.${"Qx7".repeat(22)}`
]

/** Lengths around the limits that servers have, in characters. */
const lengths = [256, 1025, 4097, 9000]

const overlong = (dice: Dice): string => dice.pick(["a", "é", "%41", " ", "<"]).repeat(dice.pick(lengths))

/** A value for a field. */
export const text = (dice: Dice): string => {
  const kind = dice.int(9)
  if (kind === 0) return ""
  if (kind === 1) return overlong(dice)
  if (kind === 2) return dice.bytes(1 + dice.int(40)).toString("latin1")
  return dice.pick([markup, unicode, names, numbers, injections, almostTokens][kind % 6] ?? markup)
}

/** A name for a field. */
export const name = (dice: Dice): string => dice.pick([...names, "client_id", "scope", "", "a[]", "a[b]", dice.word(6)])

/** A value for a member of JSON. */
export const json = (dice: Dice, depth = 0): unknown => {
  switch (dice.int(depth > 3 ? 5 : 8)) {
    case 0:
      return null
    case 1:
      return dice.chance(50)
    case 2:
      return dice.pick([0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER])
    case 3:
      // A surrogate alone: JSON can write it, UTF-8 cannot.
      return dice.chance(30) ? "\ud800" : text(dice)
    case 4:
      return dice.pick<unknown>([[], {}, "", [[]], [null]])
    case 5:
      return Array.from({ length: dice.int(5) }, () => json(dice, depth + 1))
    case 6:
      return Array.from({ length: 500 }, () => dice.word(3))
    default:
      // Own members, whatever their names: a plain literal would set the prototype.
      return Object.fromEntries(Array.from({ length: dice.int(4) }, () => [name(dice), json(dice, depth + 1)]))
  }
}

/** A token, code, form or cookie that was altered. */
export const altered = (secret: string, dice: Dice): string => {
  const at = dice.int(Math.max(1, secret.length))
  switch (dice.int(8)) {
    case 0:
      return secret.slice(0, at)
    case 1:
      return secret + dice.pick(["A", "=", ".", " ", "\0", "%00"])
    case 2:
      return `${secret.slice(0, at)}${secret.slice(at + 1)}`
    case 3:
      return secret.toUpperCase()
    case 4:
      return `${secret.slice(0, at)}${dice.pick(["+", "/", "_", "\u0430"])}${secret.slice(at + 1)}`
    case 5:
      return secret + secret
    case 6:
      return ` ${secret}`
    default: {
      const bit = String.fromCharCode(secret.charCodeAt(at) ^ (1 << dice.int(7)))
      return `${secret.slice(0, at)}${bit}${secret.slice(at + 1)}`
    }
  }
}
