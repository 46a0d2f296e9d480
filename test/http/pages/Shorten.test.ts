import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Shorten from "../../../src/http/pages/Shorten.js"

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })
const count = (text: string) => Array.from(segmenter.segment(text)).length

describe("a shortened name", () => {
  it("a shortened name has at most 48 characters, and begins like the name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 120 }), (text) => {
        const short = Shorten.name(text)
        expect(count(short)).toBeLessThanOrEqual(Shorten.maxName)
        expect(text.startsWith(short === text ? short : short.slice(0, -1))).toBe(true)
      })
    )
  })

  it("a name of up to 48 characters stays; a longer one ends in an ellipsis", () => {
    expect(Shorten.name("x".repeat(48))).toBe("x".repeat(48))
    expect(Shorten.name("x".repeat(49))).toBe(`${"x".repeat(47)}…`)
    // A letter with a vowel and a tone: three code points, one character.
    expect(Shorten.name("ที่".repeat(60))).toBe(`${"ที่".repeat(47)}…`)
  })

  it("a stack of letters that no font joins counts by its letters", () => {
    expect(Shorten.name(`${"\u1100".repeat(200)}`)).toBe(`${"\u1100".repeat(47)}…`)
  })
})

describe("a shortened host", () => {
  const label = fc.stringMatching(/^[a-z0-9]{1,63}$/)

  it("a shortened host has at most 128 characters, and ends with the last two labels of the host", () => {
    fc.assert(
      fc.property(fc.array(label, { minLength: 2, maxLength: 12 }), (labels) => {
        const host = labels.join(".")
        const short = Shorten.host(host)
        expect(short.length).toBeLessThanOrEqual(Shorten.maxHost)
        expect(host.endsWith(short.replace("…", ""))).toBe(true)
        const end = labels.slice(-2).join(".")
        if (end.length < 127) expect(short.endsWith(short === host ? end : `.${end}`)).toBe(true)
        expect(short.startsWith("…")).toBe(host.length > Shorten.maxHost)
      })
    )
  })

  it("a host is cut within a label only if the label is longer than DNS allows", () => {
    expect(Shorten.host(`${"a".repeat(300)}.example`)).toBe(`…${"a".repeat(119)}.example`)
    expect(Shorten.host("a".repeat(300))).toBe(`…${"a".repeat(127)}`)
  })
})

describe("a shortened scheme", () => {
  it("a shortened scheme has at most 128 characters, and begins with whole labels of the scheme", () => {
    expect(Shorten.scheme("com.example.app")).toBe("com.example.app")
    expect(Shorten.scheme(`com.example.${"part.".repeat(60)}app`)).toBe(`com.example.${"part.".repeat(23)}…`)
    expect(Shorten.scheme("x".repeat(300))).toBe(`${"x".repeat(127)}…`)
  })
})
