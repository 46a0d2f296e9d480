/** Resources: which one a client means, and where its metadata lies. */
import { describe, expect, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as Resource from "../../src/domain/Resource.js"

const uri = (text: string) => Resource.ResourceIndicator.make(text)
const origin: Resource.Resource = { uri: uri("https://api.example"), scopes: { all: "All" } }
const notes: Resource.Resource = { uri: uri("https://api.example/notes"), scopes: { read: "Read", write: "Write" } }

describe("a resource", () => {
  it("is found by its indicator, however a URL parser may write it (RFC 8707 §2)", () => {
    const meant: Readonly<Record<string, Resource.Resource | undefined>> = {
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
    for (const [indicator, resource] of Object.entries(meant)) {
      expect(Resource.find([origin, notes], indicator), indicator).toBe(resource)
    }
  })

  it("is named by an http URL in its normal form, without a fragment (RFC 8707 §2)", () => {
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

  it("has metadata behind its path (RFC 9728 §3.1)", () => {
    expect([origin, notes].map(Resource.path)).toEqual(["", "/notes"])
    expect(Resource.path({ uri: uri("https://api.example/mcp?x=1") })).toBe("/mcp?x=1")
  })

  it("offers its scopes", () => {
    expect(Resource.offered([origin, notes])).toEqual(new Set(["all", "read", "write"]))
  })
})
