/** Settings of the brand on the pages. */
import * as Schema from "effect/Schema"
import * as Brand from "../../domain/Brand.js"
import * as BrandColors from "../../http/pages/BrandColors.js"
import { optional } from "./Setting.js"

/** A text; `objection` returns the error message of an invalid one. */
const textWith = (objection: (text: string) => string | undefined) =>
  Schema.String.pipe(Schema.filter((text) => objection(text)))

export const BrandSettings = Schema.Struct({
  name: optional(textWith(Brand.nameObjection), {
    description: "Name on every page and in its title",
    defaultText: "Latchkey"
  }),
  logo: optional(Schema.NonEmptyString, {
    description: `Path of a PNG, SVG or WebP image of at most ${Brand.maxLogoSize / 1024} KiB, shown next to the name`,
    hint: "give the path of a file"
  }),
  color: optional(
    textWith((text) => BrandColors.objection(text, "light")),
    { description: "Colour of buttons and links, such as #1f4d40", defaultText: "Latchkey's green" }
  ),
  colorDark: optional(
    textWith((text) => BrandColors.objection(text, "dark")),
    { description: "Colour of buttons and links in the dark colour scheme", defaultText: "a lighter shade of color" }
  ),
  supportUrl: optional(textWith(Brand.supportUrlObjection), {
    description: "https or mailto URL where users get help. Every page links to it"
  })
})
