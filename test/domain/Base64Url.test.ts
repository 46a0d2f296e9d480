/** Base64url: each sequence of bytes has exactly one text. */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import * as Base64Url from "../../src/domain/Base64Url.js"

const bytes = fc.uint8Array({ maxLength: 64 })

describe("decode", () => {
  it("decode returns the bytes that were encoded (RFC 4648 §5)", () => {
    fc.assert(
      fc.property(bytes, (bytes) => {
        const text = Base64Url.encode(bytes)
        expect(text).toBe(Buffer.from(bytes).toString("base64url"))
        expect(Base64Url.decode(text)).toEqual(Option.some(bytes))
      })
    )
  })

  it("decode accepts only the canonical text of its bytes (RFC 4648 §3.5)", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ maxLength: 12, unit: fc.constantFrom(..."ABab09-_+/= \n") }),
      bytes.map((bytes) => Buffer.from(bytes).toString("base64"))
    )
    fc.assert(
      fc.property(text, (text) => {
        const canonical = Buffer.from(text, "base64url").toString("base64url") === text
        expect(Base64Url.isCanonical(text)).toBe(canonical)
        expect(Option.isSome(Base64Url.decode(text))).toBe(canonical)
      }),
      { numRuns: 1_000 }
    )
  })

  it("of the texts that differ only in unused bits of the last character, one is canonical", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for (const [length, accepted] of [
      [1, 0],
      [2, 4],
      [3, 16],
      [4, 64]
    ] as const) {
      const texts = Array.from(alphabet, (character) => "A".repeat(length - 1) + character)
      expect(texts.filter(Base64Url.isCanonical)).toHaveLength(accepted)
    }
  })
})
