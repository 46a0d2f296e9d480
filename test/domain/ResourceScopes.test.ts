import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { ResourceIndicator } from "../../src/domain/Resource.js"
import * as ResourceScopes from "../../src/domain/ResourceScopes.js"
import * as Scope from "../../src/domain/Scope.js"

const notes = ResourceIndicator.make("https://notes.example.com/")
const files = ResourceIndicator.make("https://files.example.com/")
const bare = ResourceIndicator.make("https://bare.example.com/")

const granted = ResourceScopes.make([notes, Scope.make("read", "write")], [bare, Scope.empty])

describe("scopes with their resources", () => {
  it("scopes of resources name each scope once, and each resource in its order", () => {
    const both = ResourceScopes.union(granted, ResourceScopes.make([files, Scope.make("read", "list")]))
    expect(Scope.format(ResourceScopes.scope(both))).toBe("read write list")
    expect(ResourceScopes.resources(both)).toEqual([notes, bare, files])
  })

  it("the union adds the scopes of each resource separately", () => {
    const more = ResourceScopes.make([notes, Scope.make("list")], [files, Scope.make("write")])
    expect(ResourceScopes.union(granted, more)).toEqual(
      ResourceScopes.make(
        [notes, Scope.make("read", "write", "list")],
        [bare, Scope.empty],
        [files, Scope.make("write")]
      )
    )
  })

  it("two sets share a scope only at the same resource", () => {
    const elsewhere = ResourceScopes.make([files, Scope.make("read", "write")], [notes, Scope.make("read")])
    expect(ResourceScopes.intersection(elsewhere, granted)).toEqual(
      ResourceScopes.make([files, Scope.empty], [notes, Scope.make("read")])
    )
    expect(ResourceScopes.difference(elsewhere, granted)).toEqual(
      ResourceScopes.make([files, Scope.make("read", "write")], [notes, Scope.empty])
    )
  })

  it.each([
    ["less of a resource", [[notes, Scope.make("read")]], true],
    ["the same scope at another resource", [[files, Scope.make("read")]], false],
    ["a resource without scopes", [[bare, Scope.empty]], true],
    ["another resource without scopes", [[files, Scope.empty]], false],
    ["more of a resource", [[bare, Scope.make("read")]], false]
  ] as const)("the subset check is right for %s", (_, pairs, expected) => {
    expect(ResourceScopes.isSubset(ResourceScopes.make(...pairs), granted)).toBe(expected)
  })

  it("scopes of resources survive a round trip through JSON", () => {
    const json = ResourceScopes.toRecord(granted)
    expect(json).toEqual({ [notes]: "read write", [bare]: "" })
    expect(Schema.decodeSync(ResourceScopes.FromRecord)(json)).toEqual(granted)
    expect(Schema.encodeSync(ResourceScopes.FromRecord)(granted)).toEqual(json)
  })
})
