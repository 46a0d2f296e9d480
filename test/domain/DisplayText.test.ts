/** Names that pages show: refused characters, and the cleaned form of old names. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as DisplayText from "../../src/domain/DisplayText.js"

describe("a name that pages show", () => {
  it("a name may hold no ignorable, control or unassigned code point", () => {
    const hidden = /[\p{Default_Ignorable_Code_Point}\p{C}\p{Zl}\p{Zp}]/u
    for (let code = 0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code)
      if (!hidden.test(character)) continue
      const text = `a${character}b`
      const name = code.toString(16).toUpperCase().padStart(4, "0")
      if (!DisplayText.objection(text)?.startsWith(`holds U+${name}, `)) expect.fail(`U+${name} is accepted`)
      if (DisplayText.clean(text).replace(" ", "") !== "ab") expect.fail(`U+${name} is shown`)
    }
  })

  it("a cleaned name has no objection, and does not change when it is cleaned again", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 20 }), (text) => {
        const clean = DisplayText.clean(text)
        if (clean !== "") expect(DisplayText.objection(clean)).toBe(undefined)
        expect(DisplayText.clean(clean)).toBe(clean)
      }),
      { numRuns: 2000 }
    )
  })

  it("an objection is printable ASCII, so that an error description can hold it (RFC 6749 §5.2)", () => {
    for (const text of ["", "\u202e", "\u0336".repeat(9), "é\ud800", "\u{e0001}"]) {
      expect(DisplayText.objection(text)).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/)
    }
  })
})
