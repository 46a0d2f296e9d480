/** Names that pages show: what is refused, and what is left of an old one. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as DisplayText from "../../src/domain/DisplayText.js"

describe("a name that pages show", () => {
  it("may hold no code point that Unicode calls ignorable, none of its controls and none that is not assigned", () => {
    const hidden = /[\p{Default_Ignorable_Code_Point}\p{C}\p{Zl}\p{Zp}]/u
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code)
      if (!hidden.test(character)) continue
      const text = `a${character}b`
      const name = code.toString(16).toUpperCase().padStart(4, "0")
      if (!DisplayText.objection(text)?.startsWith(`holds U+${name}, `)) expect.fail(`U+${name} is taken`)
      if (DisplayText.clean(text).replace(" ", "") !== "ab") expect.fail(`U+${name} is shown`)
    }
  })

  it("is nothing to object to once it is clean, and stays as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const clean = DisplayText.clean(text)
        if (clean !== "") expect(DisplayText.objection(clean)).toBe(undefined)
        expect(DisplayText.clean(clean)).toBe(clean)
      }),
      { numRuns: 2000 }
    )
  })

  it("is objected to in printable ASCII, as an error description is (RFC 6749 §5.2)", () => {
    for (const text of ["", "\u202e", "\u0336".repeat(9), "é\ud800", "\u{e0001}"]) {
      expect(DisplayText.objection(text)).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    }
  })
})
