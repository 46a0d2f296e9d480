/** XAES-256-GCM agrees with its published vectors (https://c2sp.org/XAES-256-GCM), and opens only sealed messages. */
import * as NodeCrypto from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import * as Xaes256Gcm from "../../../src/services/keys/Xaes256Gcm.js"

const text = (value: string) => new TextEncoder().encode(value)

/** Ciphertext and tag, as in the vectors. */
const sealed = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array) =>
  Xaes256Gcm.seal(Xaes256Gcm.importKey(key), nonce, plaintext, additionalData).subarray(Xaes256Gcm.nonceLength)

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

describe("the published vectors", () => {
  const nonce = text("ABCDEFGHIJKLMNOPQRSTUVWX")
  const plaintext = text("XAES-256-GCM")

  it("the vector of a key without carry and without additional data is reproduced", () => {
    expect(hex(sealed(new Uint8Array(32).fill(1), nonce, plaintext, text("")))).toBe(
      "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
    )
  })

  it("the vector of a key with carry and with additional data is reproduced", () => {
    expect(hex(sealed(new Uint8Array(32).fill(3), nonce, plaintext, text("c2sp.org/XAES-256-GCM")))).toBe(
      "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"
    )
  })

  it("the accumulated vector of 10,000 messages from SHAKE-128 is reproduced", () => {
    const iterations = 10_000
    const longest = iterations * (32 + 24 + 1 + 255 + 1 + 255)
    const source = NodeCrypto.createHash("shake128", { outputLength: longest }).digest()
    let offset = 0
    const read = (length: number) => {
      offset += length
      return source.subarray(offset - length, offset)
    }
    const accumulated = NodeCrypto.createHash("shake128", { outputLength: 32 })
    for (let i = 0; i < iterations; i++) {
      const [key, nonce] = [read(32), read(24)]
      const plaintext = read(read(1)[0]!)
      const additionalData = read(read(1)[0]!)
      accumulated.update(sealed(key, nonce, plaintext, additionalData))
    }
    expect(accumulated.digest("hex")).toBe("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939")
  })
})

describe("open", () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const message = fc.record({
    key: bytes(Xaes256Gcm.keyLength).map(Xaes256Gcm.importKey),
    nonce: bytes(Xaes256Gcm.nonceLength),
    plaintext: fc.uint8Array({ maxLength: 64 }),
    additionalData: fc.uint8Array({ maxLength: 64 })
  })

  it("a sealed message opens", () => {
    fc.assert(
      fc.property(message, ({ additionalData, key, nonce, plaintext }) => {
        const opened = Xaes256Gcm.open(key, Xaes256Gcm.seal(key, nonce, plaintext, additionalData), additionalData)
        expect(hex(Option.getOrThrow(opened))).toBe(hex(plaintext))
      })
    )
  })

  it("a message does not open if any bit of the message, the additional data or the key is changed", () => {
    fc.assert(
      fc.property(message, fc.nat(), ({ additionalData, key, nonce, plaintext }, position) => {
        const flipped = (bytes: Uint8Array) => {
          const bit = position % (bytes.length * 8)
          return bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
        }
        const sealed = Xaes256Gcm.seal(key, nonce, plaintext, additionalData)
        const data = new Uint8Array([0, ...additionalData])
        const opened = [
          Xaes256Gcm.open(key, flipped(sealed), additionalData),
          Xaes256Gcm.open(key, sealed, data),
          Xaes256Gcm.open(key, Xaes256Gcm.seal(key, nonce, plaintext, data), flipped(data)),
          Xaes256Gcm.open(Xaes256Gcm.importKey(flipped(key.bytes)), sealed, additionalData)
        ]
        expect(opened.every(Option.isNone)).toBe(true)
      })
    )
  })

  it("a message that is too short or too long does not open", () => {
    const key = Xaes256Gcm.importKey(new Uint8Array(32))
    const sealed = Xaes256Gcm.seal(key, new Uint8Array(24), text("message"), text("data"))
    for (let length = 0; length < sealed.length; length++) {
      expect(Option.isNone(Xaes256Gcm.open(key, sealed.subarray(0, length), text("data"))), `${length}`).toBe(true)
    }
    expect(Option.isNone(Xaes256Gcm.open(key, new Uint8Array([...sealed, 0]), text("data")))).toBe(true)
  })
})

describe("importKey", () => {
  it("a key of any length other than 32 bytes is refused", () => {
    for (const length of [0, 16, 31, 33, 64]) {
      expect(() => Xaes256Gcm.importKey(new Uint8Array(length)), `${length}`).toThrow(RangeError)
    }
  })
})
