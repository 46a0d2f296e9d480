/** Resources: the resource of an indicator, and the path of its metadata. */
import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Resource from "../../src/domain/Resource.js"

const uri = (text: string) => Resource.ResourceIndicator.make(text)
const origin: Resource.Resource = { uri: uri("https://api.example"), scopes: { all: "All" } }
const notes: Resource.Resource = { uri: uri("https://api.example/notes"), scopes: { read: "Read", write: "Write" } }

describe("a resource", () => {
  it("a resource is found by its indicator in every form of URL parsers (RFC 8707 §2)", () => {
    const found: Readonly<Record<string, Resource.Resource | undefined>> = {
      "https://api.example": origin,
      "https://api.example/": origin,
      "HTTPS://API.EXAMPLE": origin,
      "https://api.example:443/": origin,
      "https://api.example/notes": notes,
      "https://API.example/notes": notes,
      "https://api.example/notes/": undefined,
      "https://api.example/NOTES": undefined,
      "https://api.example/notes?x": undefined,
      "https://api.example/notes#": undefined,
      "https://api.example/notes#x": undefined,
      "http://api.example/notes": undefined,
      "https://api.example:8443/notes": undefined,
      "https://api.example.evil.example/notes": undefined,
      "https://user@api.example/notes": undefined,
      "/notes": undefined,
      notes: undefined,
      "": undefined
    }
    for (const [indicator, resource] of Object.entries(found)) {
      expect(Resource.find([origin, notes], indicator), indicator).toBe(resource)
    }
  })

  it("an indicator is an http URL in its normal form, without a fragment (RFC 8707 §2)", () => {
    const isIndicator = (text: string) => Either.isRight(Schema.decodeEither(Resource.ResourceIndicator)(text))
    for (const text of ["https://api.example", "https://api.example/mcp?x=1", "http://api.internal/"]) {
      expect(isIndicator(text), text).toBe(true)
    }
    const spelt = ["HTTPS://api.example", "https://API.example", "https://api.example:443", " https://api.example"]
    const other = [
      "https://api.example/a b",
      'https://api.example/"',
      "https://api.example/a/../b",
      "https://api.example\\b"
    ]
    for (const text of [...spelt, ...other]) expect(isIndicator(text), text).toBe(false)
    const bad = ["", "api", "/api", "urn:api", "javascript:x", "https://api.example#", "https://api.example/#x"]
    for (const text of [...bad, `https://api.example/${"x".repeat(2_048)}`]) expect(isIndicator(text), text).toBe(false)
  })

  it("the path of a resource ends the path of its metadata (RFC 9728 §3.1)", () => {
    expect([origin, notes].map(Resource.path)).toEqual(["", "/notes"])
    expect(Resource.path({ uri: uri("https://api.example/mcp?x=1") })).toBe("/mcp?x=1")
  })

  it("resources offer the scopes of all of them", () => {
    expect(Resource.offered([origin, notes])).toEqual(new Set(["all", "read", "write"]))
  })
})
