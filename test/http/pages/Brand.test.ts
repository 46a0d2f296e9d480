/** The brand on the pages: it is on every page, in readable colours, and replaces only Latchkey's own brand. */
import * as Option from "effect/Option"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Color from "../../../src/domain/Color.js"
import * as Brand from "../../../src/http/pages/Brand.js"
import * as BrandColors from "../../../src/http/pages/BrandColors.js"
import * as Pages from "../../../src/http/pages/Pages.js"
import { styles } from "../../../src/http/pages/Styles.js"
import { find, skeleton, tags, text } from "./markup.js"
import { type Sample, samples } from "./samples.js"

const logo = "data:image/png;base64,iVBORw0KGgo="
const brand = Brand.make({
  name: "Notes & Co",
  logo,
  color: "#6d28d9",
  supportUrl: "https://notes.example/help?a=1&b=2"
})

const render = (sample: Sample, given?: Brand.Brand): string => sample.render(sample.data as never, given)

const titleOf = (page: string) => /<title>(.*)<\/title>/.exec(page)?.[1]

it("the samples include every page", () => {
  const { styles: _, ...documents } = Pages.standard
  expect(new Set(samples.map(({ render }) => render))).toEqual(new Set(Object.values(documents)))
})

describe.each(samples)("a brand on the page: $title", (sample) => {
  const page = render(sample, brand)

  it("the page shows the brand's name, in the title too, its logo and its support link", () => {
    expect(text(page)).toMatch(/^Notes & Co /)
    expect(titleOf(page)).toMatch(sample.title.startsWith("home") ? /^Notes &amp; Co$/ : /\S – Notes &amp; Co$/)
    expect(find(page, "img")).toEqual([
      { name: "img", attributes: { class: "logo", src: logo, alt: "Notes & Co logo" } }
    ])
    expect(text(page)).toMatch(/Get help \(opens in a new tab\)$/)
    expect(find(page, "a", { href: "https://notes.example/help?a=1&b=2" })[0]?.attributes).toMatchObject({
      target: "_blank",
      rel: "noopener noreferrer"
    })
    expect(page).not.toContain("Latchkey")
    expect(find(page, "svg", { class: "mark" })).toEqual([])
  })

  it("the brand's styles are the one style sheet of the page", () => {
    expect(page.split("<style>")).toHaveLength(2)
    expect(page).toContain(`<style>${brand.styles}</style>`)
    expect(tags(page).flatMap(({ attributes }) => Object.keys(attributes))).not.toContain("style")
  })

  it("the brand changes nothing else on the page", () => {
    const inside = (page: string) => /<h1>.*(?=<footer)|<h1>.*(?=<\/main>)/s.exec(page)?.[0].trim()
    expect(inside(page)).toBe(inside(render(sample)))
  })

  it("the page without a brand has Latchkey's", () => {
    const page = render(sample)
    expect(page).toBe(render(sample, Brand.standard))
    expect(text(page)).toMatch(/^Latchkey /)
    expect(page).toContain(`<style>${styles}</style>`)
    expect(find(page, "svg", { class: "mark" })).toHaveLength(1)
    expect(find(page, "footer")).toEqual([])
    expect(titleOf(page)).not.toContain("–")
  })

  it("the brand's name stays text", () => {
    const name = `</title></style><script>"'&`
    const page = render(sample, Brand.make({ name, logo, supportUrl: "mailto:help@notes.example" }))
    expect(skeleton(page)).toEqual(
      skeleton(render(sample, Brand.make({ name: "Notes", logo, supportUrl: "mailto:help@notes.example" })))
    )
    expect(text(page)).toContain(name)
  })
})

describe("the parts of a brand", () => {
  const page = (given: Parameters<typeof Brand.make>[0]) => Pages.standard.loggedOutPage({}, Brand.make(given))

  it("a name without a logo has no mark, and colours alone keep the name and the mark", () => {
    expect(find(page({ name: "Notes" }), "svg", { class: "mark" })).toEqual([])
    expect(find(page({ name: "Notes" }), "img")).toEqual([])
    const coloured = page({ color: "#6d28d9" })
    expect(text(coloured)).toMatch(/^Latchkey /)
    expect(titleOf(coloured)).toBe("Logged out")
    expect(find(coloured, "svg", { class: "mark" })).toHaveLength(1)
  })

  it("a support address for mail opens no tab", () => {
    const mail = page({ supportUrl: "mailto:help@notes.example" })
    expect(find(mail, "a")).toEqual([{ name: "a", attributes: { class: "tap", href: "mailto:help@notes.example" } }])
    expect(text(mail)).toMatch(/Get help$/)
  })
})

describe("the colours of a brand", () => {
  const channel = fc.integer({ min: 0, max: 255 })
  const colors = fc.tuple(channel, channel, channel).map((color) => Color.format(color))
  const parse = (text: string) => Option.getOrThrow(Color.parse(text))

  /** The value of a variable of the style sheet in a scheme. */
  const standard = (name: string, scheme: BrandColors.Scheme) => {
    const values = Array.from(styles.matchAll(new RegExp(`--${name}: (#[0-9a-f]{6});`, "g")), ([, value = ""]) => value)
    return parse(values[scheme === "light" ? 0 : 1] ?? "")
  }

  /** The variables that a brand sets in a scheme. */
  const variables = (rules: string, scheme: BrandColors.Scheme) => {
    const block = new RegExp(`prefers-color-scheme: ${scheme}\\) \\{\\n  :root \\{(.*)\\}`).exec(rules)?.[1] ?? ""
    const value = (name: string) => parse(new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(block)?.[1] ?? "")
    return { door: value("door"), over: value("door-over"), onDoor: value("on-door"), link: value("link") }
  }

  const expectReadable = (rules: string, scheme: BrandColors.Scheme) => {
    const { door, link, onDoor, over } = variables(rules, scheme)
    expect([Color.black, Color.white]).toContainEqual(onDoor)
    expect(Color.contrast(onDoor, door)).toBeGreaterThanOrEqual(4.5)
    expect(Color.contrast(onDoor, over)).toBeGreaterThanOrEqual(4.5)
    for (const background of ["card", "panel"]) {
      expect(Color.contrast(link, standard(background, scheme))).toBeGreaterThanOrEqual(4.5)
      expect(Color.contrast(door, standard(background, scheme))).toBeGreaterThanOrEqual(3)
    }
  }

  it("accepted colours are readable in each scheme, with or without a dark colour", () => {
    fc.assert(
      fc.property(colors, colors, (color, colorDark) => {
        fc.pre(BrandColors.objection(color, "light") === undefined)
        expectReadable(BrandColors.rules(color, undefined), "light")
        expectReadable(BrandColors.rules(color, undefined), "dark")
        fc.pre(BrandColors.objection(colorDark, "dark") === undefined)
        const rules = BrandColors.rules(color, colorDark)
        expectReadable(rules, "dark")
        expect(Color.format(variables(rules, "light").door)).toBe(color)
        expect(Color.format(variables(rules, "dark").door)).toBe(colorDark)
      })
    )
  })

  it("the refusal of a colour suggests one that is accepted", () => {
    fc.assert(
      fc.property(colors, fc.constantFrom("light" as const, "dark" as const), (color, scheme) => {
        const objection = BrandColors.objection(color, scheme)
        fc.pre(objection !== undefined)
        const [, suggested = ""] = /such as (#[0-9a-f]{6})$/.exec(objection) ?? []
        expect(BrandColors.objection(suggested, scheme)).toBeUndefined()
      })
    )
  })

  it.each([
    ["#ffffff", "light", "buttons of #ffffff cannot be seen on the light pages, its contrast is 1.0:1"],
    ["#ffd400", "light", "give a darker colour, such as #"],
    ["#1f4d40", "dark", "give a lighter colour, such as #"],
    ["teal", "light", "give a colour such as #1f4d40"],
    ["#12345", "dark", "give a colour such as #1f4d40"]
  ] as const)("the colour %s is refused on %s pages with a suggestion", (color, scheme, words) => {
    expect(BrandColors.objection(color, scheme)).toContain(words)
  })

  it("a dark colour alone leaves the light scheme unchanged", () => {
    const rules = BrandColors.rules(undefined, "#c4b5fd")
    expect(rules).not.toContain("prefers-color-scheme: light")
    expectReadable(rules, "dark")
  })

  it("the brand's styles fetch nothing, and have no end tag", () => {
    expect(brand.styles).not.toMatch(/[<\r\0]|url\(|@import/)
  })
})
