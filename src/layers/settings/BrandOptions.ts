/** The brand as an app writes it, and its check. */
import * as Either from "effect/Either"
import * as Brand from "../../domain/Brand.js"
import * as BrandColors from "../../http/pages/BrandColors.js"

/** The name, the logo and the colours on the pages. Members that are not given stay Latchkey's. */
export interface BrandOptions {
  /** The name of the server for its users: 1 to 40 characters. Every page and its title have it. */
  readonly name?: string | undefined
  /**
   * The content of a PNG, SVG or WebP image, at most 64 KiB, which every page contains. It needs a `name`, which is its `alt`
   * text and is shown next to it.
   */
  readonly logo?: Uint8Array | undefined
  /** The colour of buttons and links, as `#rgb` or `#rrggbb`, with a contrast of at least 3:1 to the background. */
  readonly color?: string | undefined
  /** The colour in the dark scheme. If not given, a readable shade of `color`. */
  readonly colorDark?: string | undefined
  /** The address of your support: an https or mailto URL. Every page links to it. */
  readonly supportUrl?: string | undefined
}

/** The invalid members, each with the reason. */
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

/** Checks a brand. The left side is one line for the operator, which names the member. */
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
