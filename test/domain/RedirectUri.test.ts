/** Two redirect URIs match if they are the same string, or differ only in a loopback port. */
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as RedirectUri from "../../src/domain/RedirectUri.js"

const { matches, objection, strictPolicy } = RedirectUri

const make = (text: string) => RedirectUri.RedirectUri.make(text)

const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined })
const rest = fc.constantFrom("", "/", "/cb", "/cb/", "/CB", "/cb?x=1", "/cb?x=2", "/a%20b", "/cb;x", "?x")
const origins = ["http://127.0.0.1", "http://[::1]", "http://localhost", "https://127.0.0.1", "https://client.example"]
const uri = fc
  .tuple(fc.constantFrom(...origins), port, rest)
  .map(([origin, port, rest]) => `${origin}${port === undefined ? "" : `:${port}`}${rest}`)
const anything = fc.oneof(uri, fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.string())

describe("matches", () => {
  it("the match of redirect URIs is an equivalence", () => {
    fc.assert(fc.property(anything, (a) => matches(a, a)))
    fc.assert(fc.property(anything, anything, (a, b) => matches(a, b) === matches(b, a)))
    fc.assert(fc.property(uri, uri, uri, (a, b, c) => !(matches(a, b) && matches(b, c)) || matches(a, c)))
  })

  it("an http loopback URI matches with another port (RFC 8252 §7.3)", () => {
    fc.assert(
      fc.property(fc.constantFrom(...origins.slice(0, 3)), rest, port, port, (origin, rest, one, other) => {
        const at = (port: number | undefined) => `${origin}${port === undefined ? "" : `:${port}`}${rest}`
        return matches(at(one), at(other))
      })
    )
  })

  it("redirect URIs that differ in anything else do not match (RFC 9700 §4.1.3)", () => {
    const port = /:\d+(?=[/?]|$)/
    fc.assert(
      fc.property(uri, anything, (registered, requested) => {
        if (registered === requested || !matches(registered, requested)) return
        const [one, other] = [new URL(registered), new URL(requested)]
        expect(one.protocol).toBe("http:")
        expect(["127.0.0.1", "[::1]", "localhost"]).toContain(other.hostname)
        expect(other.hostname).toBe(one.hostname)
        expect(requested.replace(port, "")).toBe(registered.replace(port, ""))
      }),
      { numRuns: 2_000 }
    )
  })

  it("a redirect URI does not match if a character outside the port is added, removed or changed", () => {
    const registered = "http://127.0.0.1:3000/cb?x=1"
    const isPort = (index: number) => index >= "http://127.0.0.1".length && index <= "http://127.0.0.1:3000".length
    for (let index = 0; index <= registered.length; index++) {
      if (isPort(index)) continue
      for (const character of ["a", "/", "@", ".", "#", "?", "%", "\\", " ", "\n"]) {
        const [before, after] = [registered.slice(0, index), registered.slice(index)]
        const changed = [before + character + after, before + after.slice(1), before + character + after.slice(1)]
        for (const requested of changed.filter((text) => text !== registered)) {
          expect(matches(registered, requested), requested).toBe(false)
        }
      }
    }
  })
})

describe("anyPort", () => {
  it("matching redirect URIs have the same form for any port", () => {
    fc.assert(
      fc.property(uri, uri, (a, b) => (RedirectUri.anyPort(make(a)) === RedirectUri.anyPort(make(b))) === matches(a, b))
    )
  })
})

describe("objection", () => {
  it("an accepted redirect URI is the address that it appears to be", () => {
    fc.assert(
      fc.property(anything, (text) => {
        fc.pre(objection(text, strictPolicy) === undefined)
        const url = new URL(text)
        expect(url.hash).toBe("")
        expect(`${url.username}${url.password}`).toBe("")
        if (url.protocol === "http:" || url.protocol === "https:") {
          expect(text.startsWith(`${url.protocol}//${url.hostname}`)).toBe(true)
        }
      })
    )
  })

  it("a dangerous scheme is refused even if the policy names it", () => {
    const privateUseSchemes = new Set(["javascript", "data", "cursor"])
    expect(objection("javascript:alert(1)", { privateUseSchemes })).toBeDefined()
    expect(objection("data:text/html,x", { privateUseSchemes })).toBeDefined()
    expect(objection("cursor://callback", { privateUseSchemes })).toBe(undefined)
    expect(objection("cursor://callback", strictPolicy)).toBeDefined()
  })
})

describe("withParameters", () => {
  it("response parameters are appended to the query of the URI (RFC 6749 §4.1.2)", () => {
    const parameters = fc.dictionary(fc.string({ minLength: 1, unit: "grapheme" }), fc.string({ unit: "grapheme" }), {
      maxKeys: 4
    })
    const uris = fc.constantFrom(
      "https://client.example/cb",
      "https://client.example/cb?x=1",
      "com.example.app:/cb",
      "https://client.example/cb?"
    )
    fc.assert(
      fc.property(uris, parameters, (uri, parameters) => {
        const sent = RedirectUri.withParameters(make(uri), parameters)
        expect(sent.startsWith(uri)).toBe(true)
        expect(sent).toMatch(/^[\x21-\x7E]+$/)
        const own = [...new URL(uri).searchParams]
        expect([...new URL(sent).searchParams]).toEqual([...own, ...Object.entries(parameters)])
      })
    )
  })
})

describe("target", () => {
  it("the target of a redirect URI is a host, this device or an app (RFC 8252 §7)", () => {
    expect(RedirectUri.target(make("https://client.example:8443/cb"))).toEqual({
      _tag: "Host",
      host: "client.example:8443"
    })
    expect(RedirectUri.target(make("http://localhost:3000/cb"))).toEqual({ _tag: "Loopback", host: "localhost:3000" })
    expect(RedirectUri.target(make("https://127.0.0.1/cb"))).toEqual({ _tag: "Loopback", host: "127.0.0.1" })
    expect(RedirectUri.target(make("com.example.app:/cb"))).toEqual({ _tag: "App", scheme: "com.example.app" })
  })
})
