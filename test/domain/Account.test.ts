/** Names in one form, passwords as they are typed. */
import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { Password, Username } from "../../src/domain/Account.js"

const username = Schema.decodeEither(Username)
const password = Schema.decodeEither(Password)

describe("a username", () => {
  it("is the same in all spellings that mean the same", () => {
    for (const text of ["ada", "ADA", " Ada ", "\uff41\uff44\uff41", "ada\n"]) {
      expect(Either.getOrThrow(username(text)), text).toBe("ada")
    }
    expect(username("Zoe\u0308")).toEqual(username("zo\u00eb"))
  })

  it("is in the form that it is brought to", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        const name = username(text)
        fc.pre(Either.isRight(name))
        expect(username(name.right)).toEqual(name)
      }),
      { numRuns: 500 }
    )
  })

  it("has 1 to 64 characters, none of them a space or invisible", () => {
    const bad = ["", " ", "a da", "a\u00a0da", "a\tda", "ada\0", "a\u200bda", "\u202eada", "\ud800", "x".repeat(65)]
    for (const text of bad) expect(Either.isLeft(username(text)), JSON.stringify(text)).toBe(true)
    expect(Either.isRight(username("🔑".repeat(64)))).toBe(true)
  })
})

describe("a password", () => {
  it("has at least 8 characters, and at most 1024 bytes", () => {
    for (const text of ["", "1234567", "🔑".repeat(7), "x".repeat(1_025), "ä".repeat(513)]) {
      expect(Either.isLeft(password(text)), `${text.length}`).toBe(true)
    }
    for (const text of ["12345678", "🔑".repeat(8), "x".repeat(1_024), "ä".repeat(512), "        "]) {
      expect(Redacted.value(Either.getOrThrow(password(text)))).toBe(text)
    }
  })

  it("does not show in what is printed", () => {
    expect(`${Either.getOrThrow(password("correct horse"))}`).not.toContain("correct")
    expect(JSON.stringify(password("short")).includes("short")).toBe(false)
  })
})
