import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Html, href, html } from "../../../src/http/pages/Html.js"
import { text } from "./markup.js"

describe("html", () => {
  it("escapes what is interpolated", () => {
    expect(html`<a title="${`&<>"'`}">${"<b>"}</a>`.text).toBe(`<a title="&amp;&lt;&gt;&quot;&#39;">&lt;b&gt;</a>`)
  })

  it("shows any text as it is", () => {
    const words = fc.string().map((string) => string.replace(/\s+/g, " ").trim())
    fc.assert(fc.property(words, (string) => text(html`<p>${string}</p>`.text) === string))
  })

  it("leaves markup alone, single or in a list, and escapes nothing twice", () => {
    const row = (name: string) => html`<li>${name}</li>`
    expect(html`<ul>${[row("a"), row("&")]}${row("c")}</ul>`.text).toBe("<ul><li>a</li><li>&amp;</li><li>c</li></ul>")
    expect(html`${new Html("<hr>")}`.text).toBe("<hr>")
  })

  it("takes no object for markup that only looks like it", () => {
    const forged = JSON.parse(`{"text":"<script>"}`)
    expect(html`${forged}`.text).not.toContain("<script>")
  })

  it("renders nothing for false, undefined and null, and numbers as they are", () => {
    expect(html`[${false}${undefined}${null}${0}]`.text).toBe("[0]")
  })
})

describe("href", () => {
  it.each(["/login?a=1&b=2", "https://example.com/", "com.example.app:/callback", "http://127.0.0.1:1234/"])(
    "links %s",
    (url) => {
      expect(href(url).text).toBe(html` href="${url}"`.text)
    }
  )

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " \u0001javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,<script>",
    "vbscript:msgbox",
    "blob:https://example.com/1",
    "http://["
  ])("links nothing for %j", (url) => {
    expect(href(url).text).toBe("")
  })
})
