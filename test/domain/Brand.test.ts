import * as Either from "effect/Either"
import { describe, expect, it } from "vitest"
import * as Brand from "../../src/domain/Brand.js"

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1")
const png = bytes("\x89PNG\r\n\x1a\n...")
const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'

describe("the name of a brand", () => {
  it.each(["Notes", "Ünïcode & Söhne", "メモ", "N", "x".repeat(40)])("the name of a brand may be %j", (name) => {
    expect(Brand.nameObjection(name)).toBeUndefined()
  })

  it.each(["", " ", "x".repeat(41), " Notes", "Notes\n", "No\u202etes", "No\u200btes", "No\0tes"])(
    "the name of a brand may not be %j, and the objection says what to give",
    (name) => {
      expect(Brand.nameObjection(name)).toMatch(/give/)
    }
  )
})

describe("the support URL of a brand", () => {
  it.each(["https://notes.example/help?a=b#c", "mailto:help@notes.example", "mailto:help@notes.example?subject=Login"])(
    "the support URL of a brand may be %s",
    (url) => {
      expect(Brand.supportUrlObjection(url)).toBeUndefined()
    }
  )

  it.each([
    "",
    "help",
    "/help",
    "http://notes.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "tel:123",
    "mailto:",
    "mailto:help",
    "help@notes.example",
    "https://ada:secret@notes.example"
  ])("the support URL of a brand may not be %j", (url) => {
    expect(Brand.supportUrlObjection(url)).toBe(
      'give an https URL, or "mailto:" and an address, such as mailto:help@example.com'
    )
  })
})

describe("the logo of a brand", () => {
  const uri = (image: Uint8Array) => Either.getOrThrow(Brand.logoUri(image))
  const refusal = (image: Uint8Array) => Either.getOrThrow(Either.flip(Brand.logoUri(image)))

  it.each([
    ["image/png", png],
    ["image/webp", bytes("RIFF\x10\0\0\0WEBPVP8 ")],
    ["image/svg+xml", bytes(svg)],
    ["image/svg+xml", bytes(`\xef\xbb\xbf\n<?xml version="1.0"?>\n<!-- of Notes -->\n<!DOCTYPE svg>\n${svg}`)],
    ["image/svg+xml", bytes(`<!DOCTYPE svg PUBLIC "x" "y" [ <!ENTITY a "b"> ]>${svg}`)]
  ])("a logo is recognised as %s by its first bytes, and pages get it unchanged", (type, image) => {
    expect(uri(image)).toBe(`data:${type};base64,${Buffer.from(image).toString("base64")}`)
  })

  it.each([
    ["a JPEG", bytes("\xff\xd8\xff\xe0")],
    ["a GIF", bytes("GIF89a")],
    ["another RIFF", bytes("RIFF\x10\0\0\0WAVEfmt ")],
    ["a page", bytes("<!doctype html><html><svg></svg></html>")],
    ["a page with an image", bytes(`<html>${svg}</html>`)],
    ["a compressed SVG", bytes("\x1f\x8b\x08")],
    ["an unfinished comment", bytes(`<!-- ${svg}`)],
    ["nothing", bytes("")]
  ])("a logo cannot be %s", (_, image) => {
    expect(refusal(image)).toBe("the image is no PNG, SVG or WebP: give one of these")
  })

  it("an SVG logo without its namespace is refused, because browsers do not show it", () => {
    expect(refusal(bytes("<svg></svg>"))).toContain('add xmlns="http://www.w3.org/2000/svg"')
  })

  it("a logo has at most 64 KiB", () => {
    const padded = (size: number) => Buffer.concat([png, Buffer.alloc(size - png.length)])
    expect(uri(padded(65_536))).toContain("data:image/png")
    expect(refusal(padded(65_537))).toBe("the image is larger than 65536 bytes: give a smaller one")
  })
})
