import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Url from "../../src/domain/Url.js"

describe("a URL", () => {
  it("a text that is no URL has no URL", () => {
    for (const text of ["", "/path", "example.com", "https://", "https://a b/", "http://[::1", "https://x:99999/"])
      expect(Url.parse(text), text).toBe(undefined)
  })

  it("a relative reference is resolved against a base", () => {
    expect(Url.parse("/b?c", "https://example.com/a")?.href).toBe("https://example.com/b?c")
  })

  it("a host with a Latin-1 character is parsed after ten thousand calls as after one", () => {
    // From JSON, as a client sends it: a text that is put together in the program is stored in another form.
    const text: string = JSON.parse('"https://m\\u00fcnchen.example/"')
    const hosts = new Set<string | undefined>()
    for (let i = 0; i < 10_000; i++) hosts.add(Url.parse(text)?.host)
    expect([...hosts]).toEqual(["xn--mnchen-3ya.example"])
  })

  it("no module calls URL.canParse", () => {
    const root = join(import.meta.dirname, "../../src")
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))
    expect(files.filter((file) => /URL\.canParse\(/.test(readFileSync(join(root, file), "utf8")))).toEqual([])
  })
})
