import { describe, expect, it } from "vitest"
import { html } from "../../../src/http/pages/Html.js"
import { styles } from "../../../src/http/pages/Styles.js"
import { find, skeleton, tags, text } from "./markup.js"
import { type Sample, samples } from "./samples.js"

const polyglot =
  `jaVasCript:/*-/*\`/*\\\`/*'/*"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>` +
  `<sVg/<sVg/oNloAd=alert()//><script>alert(1)</script><img src=x onerror=alert(1) style=color:red>&lt;&amp;'"\u202E`

/** Fields with a fixed set of values. */
const words = new Set(["_tag", "clientOrigin", "notice", "problem", "problems"])

/** Returns for each string in `data` a copy in which that string is changed. */
const variants = (data: unknown, change: (text: string) => string): Array<{ path: string; data: unknown }> => {
  if (typeof data !== "object" || data === null) return []
  return Object.entries(data).flatMap(([key, value]) => {
    if (words.has(key)) return []
    const inside = typeof value === "string" ? [{ path: "", data: change(value) }] : variants(value, change)
    return inside.map((variant) => ({
      path: `${key}${variant.path === "" ? "" : `.${variant.path}`}`,
      data: Array.isArray(data) ? Object.assign([...data], { [key]: variant.data }) : { ...data, [key]: variant.data }
    }))
  })
}

const render = (sample: Sample, data: unknown): string => sample.render(data as never)

/** Whether pages shorten this data. It gets the hostile string in pieces, so that all of it is shown somewhere. */
const isShortened = (path: string): boolean =>
  /(clientName|formerName|clientHost|browser|targets?(\.\d+)?\.(host|scheme))$/.test(path)

const pieces = polyglot.match(/.{1,34}/gu) ?? []

const hostile = samples.flatMap((sample) =>
  [polyglot, ...pieces].flatMap((words) =>
    variants(sample.data, (text) => text + words)
      .filter(({ path }) => isShortened(path) === (words !== polyglot))
      .map((variant) => ({ sample, name: sample.title, words, ...variant }))
  )
)

describe.each(samples)("the page: $title", (sample) => {
  const page = render(sample, sample.data)

  it("the page has no script, loads nothing, and has only the style of its policy", () => {
    expect(page.split("<style>")).toHaveLength(2)
    expect(page).toContain(`<style>${styles}</style>`)
    const names = tags(page).map(({ name }) => name)
    for (const name of ["script", "link", "img", "iframe", "object", "embed", "base", "use", "image"]) {
      expect(names).not.toContain(name)
    }
    const attributes = tags(page).flatMap((tag) => Object.keys(tag.attributes))
    expect(attributes.filter((name) => /^on/i.test(name) || name === "style" || name === "src")).toEqual([])
  })

  it("the page is a whole English document, fits a phone, supports both colour schemes, and is not indexed", () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">\n<head>\n {2}<meta charset="utf-8">/)
    expect(find(page, "meta", { name: "viewport", content: "width=device-width, initial-scale=1" })).toHaveLength(1)
    expect(find(page, "meta", { name: "color-scheme", content: "light dark" })).toHaveLength(1)
    expect(find(page, "meta", { name: "robots", content: "noindex" })).toHaveLength(1)
    expect(find(page, "main")).toHaveLength(1)
    expect(find(page, "h1")).toHaveLength(1)
  })

  it("each form of the page posts its sealed state", () => {
    expect(find(page, "form", { method: "post", action: "/login?request=r" })).toHaveLength(find(page, "form").length)
    expect(find(page, "input", { type: "hidden", name: "form", value: "sealed-form" })).toHaveLength(
      find(page, "form").length
    )
  })

  it("the browser corrects no input, and each input names its purpose", () => {
    for (const { attributes } of find(page, "input")) {
      if (!["text", "password"].includes(attributes.type ?? "") || "readonly" in attributes) continue
      expect(attributes).toMatchObject({ autocapitalize: "none", autocorrect: "off", spellcheck: "false" })
      expect(attributes.autocomplete).toMatch(/^(username|current-password|new-password)$/)
    }
  })

  it("the page gives a number for each waiting time", () => {
    expect(text(page)).not.toMatch(/\b(a while|a moment|a bit|a few|later|soon|shortly)\b/i)
    for (const [sentence] of text(page).matchAll(/(?:try again|wait) in [^.]*\./gi))
      expect(sentence).toMatch(/ in \d+ /)
  })

  it("each input has a label, and each id is unique", () => {
    const ids = tags(page).flatMap(({ attributes: { id } }) => id ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    for (const { attributes } of find(page, "input")) {
      if (attributes.type === "hidden" || attributes.type === "checkbox") continue
      expect(find(page, "label", { for: attributes.id! })).toHaveLength(1)
    }
    for (const reference of tags(page).flatMap(({ attributes }) => attributes["aria-describedby"]?.split(" ") ?? [])) {
      expect(ids).toContain(reference)
    }
  })
})

describe("a hostile string", () => {
  /** Data that a home page does not show to the user of the sample. */
  const unseenAtHome: Readonly<Record<string, ReadonlyArray<string>>> = {
    home: ["accountUrl", "logoutUrl"],
    "home, logged out": ["firstAccountHint", "logoutUrl"],
    "home, logged in": ["firstAccountHint"]
  }

  it.each(hostile)("a hostile string stays text: $name, $path, $words", ({ data, path, sample, words }) => {
    const page = render(sample, data)
    expect(skeleton(page)).toEqual(skeleton(render(sample, sample.data)))
    if (html`${words}`.text !== words) expect(page).not.toContain(words)
    // The session of this browser has a link in place of a form.
    const unseen =
      path === "clientUri" || /^sessions\.0\.form/.test(path) || unseenAtHome[sample.title]?.includes(path) === true
    expect(page.includes(html`${words}`.text)).toBe(!unseen)
    expect(page).toContain(`<style>${styles}</style>`)
  })

  const bare = samples.flatMap((sample) => variants(sample.data, () => polyglot).map((it) => ({ sample, ...it })))

  it.each(bare)("a hostile string is never a link: $sample.title, $path", ({ data, sample }) => {
    for (const { attributes } of tags(render(sample, data)))
      expect(attributes.href ?? "").not.toMatch(/^\s*javascript:/i)
  })
})

describe("the style sheet", () => {
  it("the style sheet has no end tag and no line break that a parser changes", () => {
    expect(styles).not.toMatch(/[<\r\0]/)
  })

  it("the style sheet fetches nothing", () => {
    expect(styles).not.toMatch(/url\(|@import|@font-face|image-set/i)
  })

  it("the style sheet leaves the browser's own controls in a password field alone", () => {
    expect(styles).not.toMatch(/::-ms-|caps-lock|credentials-auto-fill|autofill|text-security|appearance/i)
    // No element covers a field.
    expect(styles).not.toMatch(/\.field[^{]*(::|:not)[^{]*\{|\.field[^{]*\{[^}]*position/)
  })

  it("the style sheet animates nothing", () => {
    expect(styles).not.toMatch(/animation|transition|@keyframes/)
  })
})
