/**
 * Colours of screens, and the contrast between two of them (WCAG 2.2, *contrast ratio*).
 *
 * @example
 * import { Option } from "effect"
 * import * as Color from "./Color.js"
 *
 * const contrast = Option.map(Color.parse("#1f4d40"), (color) => Color.contrast(color, Color.white))
 * Option.map(contrast, Math.round) // Option.some(10)
 */
import * as Option from "effect/Option"

/** Red, green and blue, each from 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number]

export const black: Color = [0, 0, 0]
export const white: Color = [255, 255, 255]

/** Reads `#rgb` or `#rrggbb`; `None` for every other text. */
export const parse = (text: string): Option.Option<Color> => {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i
    .exec(text)
    ?.slice(1)
    .map((digit) => digit + digit)
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text)?.slice(1)
  const [red, green, blue] = (short ?? long ?? []).map((digits) => Number.parseInt(digits, 16))
  return red === undefined || green === undefined || blue === undefined
    ? Option.none()
    : Option.some([red, green, blue])
}

/** Returns `#rrggbb` in lower case. */
export const format = (self: Color): string =>
  `#${self.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`

/** Returns the brightness, from 0 for black to 1 for white (WCAG 2.2, *relative luminance*). */
const luminance = (self: Color): number => {
  const [red, green, blue] = self.map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0)
}

/** Returns the contrast, from 1 for none to 21 for black on white. */
export const contrast = (self: Color, that: Color): number => {
  const [one, other] = [luminance(self), luminance(that)]
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
}

/** Mixes two colours: `share`, from 0 to 1, of `that`, and the rest of `self`. `format` can write the result. */
export const mix = (self: Color, that: Color, share: number): Color => {
  const at = (index: 0 | 1 | 2) => Math.round(self[index] * (1 - share) + that[index] * share)
  return [at(0), at(1), at(2)]
}

/**
 * Returns the colour between `self` and `target` that is nearest to `self` and has at least the `minimum` contrast with each
 * background.
 */
export const towards = (self: Color, target: Color, backgrounds: ReadonlyArray<Color>, minimum: number): Color => {
  for (let percent = 0; percent < 100; percent++) {
    const mixed = mix(self, target, percent / 100)
    if (backgrounds.every((background) => contrast(mixed, background) >= minimum)) return mixed
  }
  return target
}
