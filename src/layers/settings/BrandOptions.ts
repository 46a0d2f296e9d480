/** A brand as a user writes it, and its check. */
import * as Either from "effect/Either"
import * as Brand from "../../domain/Brand.js"
import * as BrandColors from "../../http/pages/BrandColors.js"

/** The name, the logo and the colours on the pages. What is not given stays Latchkey's. */
export interface BrandOptions {
  /** The name of the server as its people know it: 1 to 40 characters. It is on every page, and in its title. */
  readonly name?: string | undefined
  /**
   * The bytes of a PNG, SVG or WebP image, at most 64 KiB; every page holds it. Its `alt` text is made of the name, which
   * must be given with it and stands beside it.
   */
  readonly logo?: Uint8Array | undefined
  /** The colour of buttons and links, as `#rgb` or `#rrggbb`, with a contrast of 3:1 to the background or more. */
  readonly color?: string | undefined
  /** The same for the dark colour scheme; if not given, a shade of `color` that can be read there. */
  readonly colorDark?: string | undefined
  /** Where people get help: an https or mailto URL, to which every page links. */
  readonly supportUrl?: string | undefined
}

/** What to give instead of a member that cannot be used. */
const objections = (given: BrandOptions): ReadonlyArray<readonly [member: keyof BrandOptions, objection: string]> => {
  const checks: ReadonlyArray<readonly [keyof BrandOptions, string | undefined]> = [
    ["name", given.name === undefined ? undefined : Brand.nameObjection(given.name)],
    ["color", given.color === undefined ? undefined : BrandColors.objection(given.color, "light")],
    ["colorDark", given.colorDark === undefined ? undefined : BrandColors.objection(given.colorDark, "dark")],
    ["supportUrl", given.supportUrl === undefined ? undefined : Brand.supportUrlObjection(given.supportUrl)],
    [
      "logo",
      given.logo !== undefined && given.name === undefined ? "give a name, too: it says what the logo is" : undefined
    ]
  ]
  return checks.flatMap(([member, objection]) => (objection === undefined ? [] : [[member, objection]]))
}

/** Checks a brand. On the left is one line for the operator, which names the member. */
export const toBrand = (given: BrandOptions): Either.Either<Brand.Brand, string> => {
  const [found] = objections(given)
  if (found !== undefined) return Either.left(`brand.${found[0]}: ${found[1]}`)
  const { logo, ...others } = given
  if (logo === undefined) return Either.right(others)
  return Either.mapBoth(Brand.logoUri(logo), {
    onLeft: (objection) => `brand.logo: ${objection}`,
    onRight: (uri): Brand.Brand => ({ ...others, logo: uri })
  })
}
