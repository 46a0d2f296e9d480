import * as Option from "effect/Option"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Color from "../../src/domain/Color.js"

const color = (text: string): Color.Color => Option.getOrThrow(Color.parse(text))

describe("Color", () => {
  it.each([
    ["#fff", [255, 255, 255]],
    ["#1f4d40", [31, 77, 64]],
    ["#ABCDEF", [171, 205, 239]]
  ])("%s is read as a colour", (text, values) => {
    expect(color(text)).toEqual(values)
  })

  it.each(["", "#", "fff", "#ff", "#ffff", "#fffff", "#ggg", "#1f4d401", "red", "rgb(0,0,0)", " #fff", "#fff;"])(
    "%j is no colour",
    (text) => {
      expect(Option.isNone(Color.parse(text))).toBe(true)
    }
  )

  it.each([
    ["#000000", "#ffffff", 21],
    ["#ffffff", "#ffffff", 1],
    // Examples of the contrast checker of WebAIM.
    ["#777777", "#ffffff", 4.48],
    ["#0000ff", "#ffffff", 8.59]
  ])("%s and %s have the contrast of WCAG", (one, other, ratio) => {
    expect(Color.contrast(color(one), color(other))).toBeCloseTo(ratio, 2)
    expect(Color.contrast(color(other), color(one))).toBeCloseTo(ratio, 2)
  })

  it("a colour is moved no further than the contrast needs", () => {
    const channel = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(channel, channel, channel, (...given) => {
        const moved = Color.towards(given, Color.black, [Color.white], 4.5)
        expect(Color.contrast(moved, Color.white)).toBeGreaterThanOrEqual(4.5)
        if (Color.contrast(given, Color.white) >= 4.5) expect(moved).toEqual(given)
        else expect(Color.contrast(moved, Color.white)).toBeLessThan(5)
      })
    )
  })
})
