/** Digests and keys agree with the examples of the RFCs, and different messages have different codes. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"
import { CodeVerifier } from "../../../src/domain/CodeChallenge.js"
import * as Crypto from "../../../src/services/keys/Crypto.js"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

describe("challengeOf", () => {
  it("the challenge of a verifier is its S256 (RFC 7636 Appendix B)", () => {
    const verifier = CodeVerifier.make("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    expect(Crypto.challengeOf(verifier)).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
  })
})

describe("deriveKey", () => {
  it("a derived key is HKDF with SHA-256 (RFC 5869 Appendix A.3)", () => {
    expect(hex(Crypto.deriveKey(new Uint8Array(22).fill(0x0b), ""))).toBe(
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    )
  })

  it("each use has a different derived key", () => {
    const root = new Uint8Array(32)
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const same = hex(Crypto.deriveKey(root, one)) === hex(Crypto.deriveKey(root, other))
        return same === (one === other)
      })
    )
  })
})

describe("digest", () => {
  it("a digest is the SHA-256 of the UTF-8 of a text, in base64url", () => {
    expect(Crypto.digestOf("abc")).toBe(
      Buffer.from("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "hex").toString("base64url")
    )
    expect(Crypto.digest(Redacted.make("ä"))).toBe(Crypto.digestOf("ä"))
    expect(Crypto.digestsEqual(Crypto.digestOf("a"), Crypto.digestOf("a"))).toBe(true)
    expect(Crypto.digestsEqual(Crypto.digestOf("a"), Crypto.digestOf("b"))).toBe(false)
  })
})

describe("hmac", () => {
  it("two different lists of parts have different HMACs", () => {
    const key = new Uint8Array(32).fill(7)
    const parts = fc.array(fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "\0", "\u0001") }), {
      maxLength: 4
    })
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = hex(Crypto.hmac(key, ...one)) === hex(Crypto.hmac(key, ...other))
        return same === (JSON.stringify(one) === JSON.stringify(other))
      }),
      { numRuns: 1_000 }
    )
    expect(hex(Crypto.hmac(key, "ab", "c"))).not.toBe(hex(Crypto.hmac(key, "a", "bc")))
    expect(hex(Crypto.hmac(key, "ab"))).not.toBe(hex(Crypto.hmac(key, "ab", "")))
  })
})

describe("equals", () => {
  it("secrets of any length are compared correctly", () => {
    const secret = fc.uint8Array({ maxLength: 4, max: 2 })
    fc.assert(fc.property(secret, secret, (one, other) => Crypto.equals(one, other) === (hex(one) === hex(other))))
  })
})

// AUTHZ-49
describe("randomBytes", () => {
  it.effect("random bytes have the requested length and do not repeat", () =>
    Effect.gen(function* () {
      const drawn = yield* Effect.all(Array.from({ length: 1_000 }, () => Crypto.randomBytes(16)))
      expect(new Set(drawn.map(hex)).size).toBe(1_000)
      expect(drawn.every(({ length }) => length === 16)).toBe(true)
    })
  )
})
