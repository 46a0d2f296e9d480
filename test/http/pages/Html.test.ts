import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Html, href, html } from "../../../src/http/pages/Html.js"
import { text } from "./markup.js"

describe("html", () => {
  it("an interpolated text is escaped", () => {
    expect(html`<a title="${`&<>"'`}">${"<b>"}</a>`.text).toBe(`<a title="&amp;&lt;&gt;&quot;&#39;">&lt;b&gt;</a>`)
  })

  it("any interpolated text is shown unchanged", () => {
    const words = fc.string().map((string) => string.replace(/\s+/g, " ").trim())
    fc.assert(fc.property(words, (string) => text(html`<p>${string}</p>`.text) === string))
  })

  it("interpolated markup stays markup, and nothing is escaped twice", () => {
    const row = (name: string) => html`<li>${name}</li>`
    expect(html`<ul>${[row("a"), row("&")]}${row("c")}</ul>`.text).toBe("<ul><li>a</li><li>&amp;</li><li>c</li></ul>")
    expect(html`${new Html("<hr>")}`.text).toBe("<hr>")
  })

  it("an object that only looks like markup is escaped", () => {
    const forged = JSON.parse(`{"text":"<script>"}`)
    expect(html`${forged}`.text).not.toContain("<script>")
  })

  it("false, undefined and null render nothing, and numbers render", () => {
    expect(html`[${false}${undefined}${null}${0}]`.text).toBe("[0]")
  })
})

describe("href", () => {
  it.each(["/login?a=1&b=2", "https://example.com/", "com.example.app:/callback", "http://127.0.0.1:1234/"])(
    "the URL %s becomes a link",
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
  ])("the URL %j becomes no link", (url) => {
    expect(href(url).text).toBe("")
  })
})
