/** Identifiers have one length, sort by time, and differ for different bytes. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Identifier from "../../src/domain/Identifier.js"

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const random = fc.uint8Array({ minLength: 10, maxLength: 10 })

describe("format", () => {
  it("an identifier has 26 characters of the alphabet of Crockford", () => {
    fc.assert(fc.property(time, random, (time, random) => Identifier.pattern.test(Identifier.format(time, random))))
  })

  it("an identifier keeps every bit of its time and of its random bytes", () => {
    const digits = "0123456789abcdefghjkmnpqrstvwxyz"
    fc.assert(
      fc.property(time, random, (time, random) => {
        const value = Array.from(Identifier.format(time, random)).reduce(
          (sum, digit) => sum * 32n + BigInt(digits.indexOf(digit)),
          0n
        )
        expect(value).toBe((BigInt(time) << 80n) | BigInt(`0x${Buffer.from(random).toString("hex")}`))
      })
    )
  })

  it("identifiers sort by time", () => {
    fc.assert(
      fc.property(time, time, random, random, (one, other, a, b) => {
        fc.pre(one < other)
        return Identifier.format(one, a) < Identifier.format(other, b)
      })
    )
  })
})
