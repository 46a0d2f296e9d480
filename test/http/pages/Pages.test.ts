import { describe, expect, it } from "vitest"
import { html } from "../../../src/http/pages/Html.js"
import { styles } from "../../../src/http/pages/index.js"
import { find, skeleton, tags, text } from "./markup.js"
import { type Sample, samples } from "./samples.js"

const polyglot =
  `jaVasCript:/*-/*\`/*\\\`/*'/*"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>` +
  `<sVg/<sVg/oNloAd=alert()//><script>alert(1)</script><img src=x onerror=alert(1) style=color:red>&lt;&amp;'"\u202E`

/** Fields that hold one of a few words of ours. */
const words = new Set(["_tag", "clientOrigin", "notice", "problem", "problems"])

/** `data` with one string changed, for each string that it holds. */
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

/** The data that pages shorten. They get the hostile string in pieces, so that all of it is shown somewhere. */
const isShortened = (path: string): boolean => /(clientName|browser|targets?(\.\d+)?\.(host|scheme))$/.test(path)

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

  it("runs nothing and has no style but the one that its policy names", () => {
    expect(page.split("<style>")).toHaveLength(2)
    expect(page).toContain(`<style>${styles}</style>`)
    const names = tags(page).map(({ name }) => name)
    for (const name of ["script", "link", "img", "iframe", "object", "embed", "base", "use", "image"]) {
      expect(names).not.toContain(name)
    }
    const attributes = tags(page).flatMap((tag) => Object.keys(tag.attributes))
    expect(attributes.filter((name) => /^on/i.test(name) || name === "style" || name === "src")).toEqual([])
  })

  it("is a whole document in English that scales on a phone, knows both schemes, and is not indexed", () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">\n<head>\n {2}<meta charset="utf-8">/)
    expect(find(page, "meta", { name: "viewport", content: "width=device-width, initial-scale=1" })).toHaveLength(1)
    expect(find(page, "meta", { name: "color-scheme", content: "light dark" })).toHaveLength(1)
    expect(find(page, "meta", { name: "robots", content: "noindex" })).toHaveLength(1)
    expect(find(page, "main")).toHaveLength(1)
    expect(find(page, "h1")).toHaveLength(1)
  })

  it("posts its forms, each with its sealed state", () => {
    expect(find(page, "form", { method: "post", action: "/login?request=r" })).toHaveLength(find(page, "form").length)
    expect(find(page, "input", { type: "hidden", name: "form", value: "sealed-form" })).toHaveLength(
      find(page, "form").length
    )
  })

  it("asks the browser to change nothing that is typed, and tells it what each field is for", () => {
    for (const { attributes } of find(page, "input")) {
      if (!["text", "password"].includes(attributes.type ?? "") || "readonly" in attributes) continue
      expect(attributes).toMatchObject({ autocapitalize: "none", autocorrect: "off", spellcheck: "false" })
      expect(attributes.autocomplete).toMatch(/^(username|current-password|new-password)$/)
    }
  })

  it("gives a number with every wait", () => {
    expect(text(page)).not.toMatch(/\b(a while|a moment|a bit|a few|later|soon|shortly)\b/i)
    for (const [sentence] of text(page).matchAll(/(?:try again|wait) in [^.]*\./gi))
      expect(sentence).toMatch(/ in \d+ /)
  })

  it("has a label for every input, and no id twice", () => {
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
  /** Data that a home page does not show to the person of the sample. */
  const unseenAtHome: Readonly<Record<string, ReadonlyArray<string>>> = {
    home: ["accountUrl", "logoutUrl"],
    "home, for somebody who may log in": ["firstAccountHint", "logoutUrl"],
    "home, for somebody who is logged in": ["firstAccountHint"]
  }

  it.each(hostile)("stays text: $name, $path, $words", ({ data, path, sample, words }) => {
    const page = render(sample, data)
    expect(skeleton(page)).toEqual(skeleton(render(sample, sample.data)))
    if (html`${words}`.text !== words) expect(page).not.toContain(words)
    // A session that the browser itself is in has a link in place of its form.
    const unseen =
      path === "clientUri" || /^sessions\.0\.form/.test(path) || unseenAtHome[sample.title]?.includes(path) === true
    expect(page.includes(html`${words}`.text)).toBe(!unseen)
    expect(page).toContain(`<style>${styles}</style>`)
  })

  const bare = samples.flatMap((sample) => variants(sample.data, () => polyglot).map((it) => ({ sample, ...it })))

  it.each(bare)("is no address to go to: $sample.title, $path", ({ data, sample }) => {
    for (const { attributes } of tags(render(sample, data)))
      expect(attributes.href ?? "").not.toMatch(/^\s*javascript:/i)
  })
})

describe("the style sheet", () => {
  it("can stand in a style element as it is: no end tag, and no line break that a parser would change", () => {
    expect(styles).not.toMatch(/[<\r\0]/)
  })

  it("fetches nothing", () => {
    expect(styles).not.toMatch(/url\(|@import|@font-face|image-set/i)
  })

  it("leaves the browser's own controls in a password field alone: its eye, its keys, and its Caps Lock sign", () => {
    expect(styles).not.toMatch(/::-ms-|caps-lock|credentials-auto-fill|autofill|text-security|appearance/i)
    // Nothing is laid over a field.
    expect(styles).not.toMatch(/\.field[^{]*(::|:not)[^{]*\{|\.field[^{]*\{[^}]*position/)
  })

  it("moves nothing", () => {
    expect(styles).not.toMatch(/animation|transition|@keyframes/)
  })
})
