/**
 * The variables of a brand's colour in the style sheet, for each colour scheme. Text on the colour is black or white, and
 * links have a readable shade of it. A colour that makes buttons invisible is refused (WCAG 2.2).
 */
import * as Option from "effect/Option"
import * as Color from "../../domain/Color.js"

/** The colour schemes of a browser. */
export type Scheme = "light" | "dark"

const read = (text: string): Color.Color => Option.getOrElse(Color.parse(text), () => Color.black)

/** The backgrounds of buttons and links, `--card` and `--panel` of `styles`; and the colour that increases the contrast. */
const schemes: Readonly<
  Record<Scheme, { readonly backgrounds: ReadonlyArray<Color.Color>; readonly end: Color.Color }>
> = {
  light: { backgrounds: [read("#ffffff"), read("#f7f5f0")], end: Color.black },
  dark: { backgrounds: [read("#171e1b"), read("#1e2723")], end: Color.white }
}

/** Minimum contrast of text (WCAG 2.2 §1.4.3). */
const minText = 4.5

/** Minimum contrast of a control with its surroundings (WCAG 2.2 §1.4.11). */
const minControl = 3

/** Returns why `text` cannot be the colour of a scheme, and what to give; `undefined` if it can. */
export const objection = (text: string, scheme: Scheme): string | undefined => {
  const color = Option.getOrUndefined(Color.parse(text))
  if (color === undefined) return "give a colour such as #1f4d40"
  const { backgrounds, end } = schemes[scheme]
  const least = Math.min(...backgrounds.map((background) => Color.contrast(color, background)))
  if (least >= minControl) return undefined
  const [shade, nearest] = [
    scheme === "light" ? "darker" : "lighter",
    Color.format(Color.towards(color, end, backgrounds, minControl))
  ]
  return `buttons of ${text} cannot be seen on the ${scheme} pages, its contrast is ${least.toFixed(1)}:1 and has to be ${minControl}:1: give a ${shade} colour, such as ${nearest}`
}

/** Returns a shade of a colour that is readable as text on the pages of a scheme. */
const readable = (color: Color.Color, scheme: Scheme): Color.Color => {
  const { backgrounds, end } = schemes[scheme]
  return Color.towards(color, end, backgrounds, minText)
}

/** The variables of a scheme. Under the pointer a button's colour moves away from its text, which stays readable. */
const variables = (color: Color.Color, scheme: Scheme): string => {
  const [text, over] =
    Color.contrast(color, Color.white) >= minText ? [Color.white, Color.black] : [Color.black, Color.white]
  const values = {
    door: color,
    "door-over": Color.mix(color, over, 0.25),
    "on-door": text,
    link: readable(color, scheme)
  }
  return Object.entries(values)
    .map(([name, value]) => `--${name}: ${Color.format(value)};`)
    .join(" ")
}

/**
 * Returns the rules that follow `styles`; an empty text without a colour. The caller has checked both colours with
 * `objection`. Dark pages get a lighter shade of `color` if `colorDark` is missing.
 */
export const rules = (color: string | undefined, colorDark: string | undefined): string => {
  const light = Option.flatMap(Option.fromNullable(color), Color.parse)
  const dark = Option.orElse(Option.flatMap(Option.fromNullable(colorDark), Color.parse), () =>
    Option.map(light, (color) => readable(color, "dark"))
  )
  const inScheme = (scheme: Scheme) =>
    Option.match(scheme === "light" ? light : dark, {
      onNone: () => "",
      onSome: (color) => `@media (prefers-color-scheme: ${scheme}) {\n  :root { ${variables(color, scheme)} }\n}\n`
    })
  return `${inScheme("light")}${inScheme("dark")}`
}
