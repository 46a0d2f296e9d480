/** Finds the name that is most similar to a misspelt one. */
import { describe, expect, it } from "vitest"
import * as Scope from "../../src/domain/Scope.js"
import * as SimilarName from "../../src/domain/SimilarName.js"
import * as UnknownScope from "../../src/domain/UnknownScope.js"

describe("the distance of two texts", () => {
  it.each([
    ["", "", 0],
    ["read", "read", 0],
    ["", "read", 4],
    ["read", "reads", 1],
    ["read", "rad", 1],
    ["read", "road", 1],
    ["read", "raed", 1],
    ["raed", "read", 1],
    ["read", "write", 4],
    ["ca", "abc", 3],
    ["é🙂", "é", 1]
  ])("the distance between %j and %j is %i", (one, other, expected) => {
    expect(SimilarName.distance(one, other)).toBe(expected)
    expect(SimilarName.distance(other, one)).toBe(expected)
  })
})

describe("the nearest scope", () => {
  const offered = ["notes:read", "notes:write", "files:read", "v1", "org1:admin", "latchkey:admin"]

  it.each([
    ["notes:raed", "notes:read"],
    ["notes:reads", "notes:read"],
    ["note:read", "notes:read"],
    ["note:raed", "notes:read"],
    ["notes.read", "notes:read"],
    ["NOTES:READ", "notes:read"],
    ["notes:wirte", "notes:write"],
    ["file:read", "files:read"],
    ["org:admin", "org1:admin"],
    ["lathckey:admin", "latchkey:admin"]
  ])("the nearest scope to %j is %j", (name, expected) => {
    expect(SimilarName.nearest(name, offered)).toBe(expected)
  })

  it.each(["read", "notes:delete", "v2", "org2:admin", "x", "", "calendar"])("no scope is near %j", (name) => {
    expect(SimilarName.nearest(name, offered)).toBeUndefined()
  })

  it("the nearest scope has the smallest distance", () => {
    expect(SimilarName.nearest("notes:red", ["notes:rid", "notes:bed", "notes:read"])).toBe("notes:rid")
    expect(SimilarName.nearest("notes:reaf", ["notes:xeaf2", "notes:read"])).toBe("notes:read")
  })
})

describe("unknown scopes", () => {
  it("unknown scopes are reported with their nearest offered scope", () => {
    const unknown = UnknownScope.find(["notes:read", "notes:raed", "admin"], Scope.make("notes:read"))
    expect(unknown).toEqual([
      { token: "notes:raed", nearest: "notes:read" },
      { token: "admin", nearest: undefined }
    ])
    expect(unknown.map(UnknownScope.format)).toEqual(['"notes:raed" (did you mean "notes:read"?)', '"admin"'])
  })
})
