/** User names and passwords have one form. */
import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import {
  AccountName,
  ExternalSubject,
  externalName,
  externalSubject,
  isExternal,
  NewUsername,
  Password,
  Subject,
  Username
} from "../../src/domain/Account.js"

const username = Schema.decodeEither(Username)
const password = Schema.decodeEither(Password)

describe("a username", () => {
  it("a username has one form for all equivalent spellings", () => {
    for (const text of ["ada", "ADA", " Ada ", "\uff41\uff44\uff41", "ada\n"]) {
      expect(Either.getOrThrow(username(text)), text).toBe("ada")
    }
    expect(username("Zoe\u0308")).toEqual(username("zo\u00eb"))
  })

  it("the form of a username does not change when it is read again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        const name = username(text)
        fc.pre(Either.isRight(name))
        expect(username(name.right)).toEqual(name)
      }),
      { numRuns: 500 }
    )
  })

  it("a username has 1 to 64 characters, without spaces and invisible characters", () => {
    const bad = ["", " ", "a da", "a\u00a0da", "a\tda", "ada\0", "a\u200bda", "\u202eada", "\ud800", "x".repeat(65)]
    for (const text of bad) expect(Either.isLeft(username(text)), JSON.stringify(text)).toBe(true)
    expect(Either.isRight(username("🔑".repeat(64)))).toBe(true)
  })
})

describe("the name of a new account", () => {
  it("the name of a new account has no invisible character and no stack of marks", () => {
    for (const text of [
      "a\u034fda",
      "ada\u3164",
      "ada\ufe0f",
      "\u2800",
      "ada\ue000",
      "a\u0378da",
      `a${"\u0336".repeat(5)}da`
    ]) {
      expect(Either.isLeft(Schema.decodeEither(NewUsername)(text)), JSON.stringify(text)).toBe(true)
      // A user whose account an earlier version created still logs in with such a name.
      expect(Either.isRight(username(text)), JSON.stringify(text)).toBe(true)
    }
    for (const text of ["ada", "zo\u00eb", "мария", "ada@example.com", "山田", "🔑"]) {
      expect(Schema.decodeEither(NewUsername)(text)).toEqual(username(text))
    }
  })
})

describe("the account name of an app's user", () => {
  const accountName = Schema.decodeEither(AccountName)

  it("a username that begins with external: is refused in every spelling", () => {
    for (const text of ["external:ada", " External:ada", "EXTERNAL:", "\uff45xternal:ada", "external\uff1aada"]) {
      expect(Either.isLeft(username(text)), text).toBe(true)
    }
  })

  it("the account name of an app's user is external: and the exact subject", () => {
    const name = externalName(Subject.make("Ada L."))
    expect(accountName("external:Ada L.")).toEqual(Either.right(name))
    expect(externalSubject(name)).toEqual(Option.some("Ada L."))
    expect(accountName("ADA")).toEqual(Either.right("ada"))
    expect(externalSubject(Either.getOrThrow(accountName("ADA")))).toEqual(Option.none())
    for (const text of ["external:", "a da", ""]) expect(Either.isLeft(accountName(text)), text).toBe(true)
  })

  it("an account is external only if its name matches its subject", () => {
    const name = externalName(Subject.make("ada"))
    expect(isExternal({ id: Subject.make("ada"), username: name })).toBe(true)
    expect(isExternal({ id: Subject.make("01"), username: name })).toBe(false)
  })

  it("an app's subject has no line break and no control character", () => {
    for (const text of ["", "a\nb", "a\0", "\u202eada", "a\u2028b", "x".repeat(256)]) {
      expect(Schema.is(ExternalSubject)(text), JSON.stringify(text)).toBe(false)
    }
    expect(Schema.is(ExternalSubject)("auth0|Ada Lovelace@example.com")).toBe(true)
  })
})

describe("a password", () => {
  it("a password has at least 8 characters and at most 1024 bytes", () => {
    for (const text of ["", "1234567", "🔑".repeat(7), "x".repeat(1_025), "ä".repeat(513)]) {
      expect(Either.isLeft(password(text)), `${text.length}`).toBe(true)
    }
    for (const text of ["12345678", "🔑".repeat(8), "x".repeat(1_024), "ä".repeat(512), "        "]) {
      expect(Redacted.value(Either.getOrThrow(password(text)))).toBe(text)
    }
  })

  it("a password has one form from every keyboard (RFC 8265 §4.2, OpaqueString)", () => {
    const prepared = (text: string) => Redacted.value(Either.getOrThrow(password(text)))
    for (const [typed, same] of [
      ["Cafe\u0301-au-lait", "Caf\u00e9-au-lait"],
      ["two\u00a0three\u3000four\u2003", "two three four "],
      ["\u1112\u1161\u11ab\u1100\u1173\u11af-pass-2024", "\ud55c\uae00-pass-2024"]
    ] as const) {
      expect(prepared(typed)).toBe(same)
      expect(prepared(same)).toBe(same)
    }
    for (const text of [
      "Of\ufb01ce-hours",
      "\uff21bcdefgh",
      "tabs\tstay\tas",
      "zero\u200bwidth",
      "Gro\u00dfe-\u017ftadt"
    ]) {
      expect(prepared(text)).toBe(text)
    }
  })

  it("the length of a password is that of its prepared form", () => {
    expect(Either.isLeft(password("e\u0301".repeat(4)))).toBe(true)
    expect(Either.isRight(password("e\u0301".repeat(8)))).toBe(true)
  })

  it("a password is not in its printed form or in the error of its schema", () => {
    expect(`${Either.getOrThrow(password("correct horse"))}`).not.toContain("correct")
    expect(JSON.stringify(password("short")).includes("short")).toBe(false)
  })
})
