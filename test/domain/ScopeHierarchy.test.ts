import { describe, expect, it } from "@effect/vitest"
import * as Scope from "../../src/domain/Scope.js"
import * as ScopeHierarchy from "../../src/domain/ScopeHierarchy.js"

const scopes = { "notes:read": "Read", "notes:write": "Write", "notes:admin": "Do all", calendar: "See your calendar" }
const implies = { "notes:write": ["notes:read"], "notes:admin": ["notes:write"] }
const hierarchy = ScopeHierarchy.make({ scopes, implies })

describe("a hierarchy of scopes", () => {
  it.each([
    ["notes:read", "notes:read"],
    ["notes:write", "notes:write notes:read"],
    ["notes:admin", "notes:admin notes:write notes:read"],
    ["calendar notes:write", "calendar notes:write notes:read"],
    ["other", ""]
  ])("the scope %j gives %j: implications are transitive, and only offered scopes count", (scope, expected) => {
    const expanded = ScopeHierarchy.expand(hierarchy, Scope.make(...scope.split(" ")))
    expect(expanded).toEqual(Scope.make(...expected.split(" ").filter(Boolean)))
  })

  it("a scope implies nothing in a resource without implications", () => {
    const flat = ScopeHierarchy.make({ scopes })
    expect(ScopeHierarchy.expand(flat, Scope.make("notes:write"))).toEqual(Scope.make("notes:write"))
  })

  it("a scope is permitted only together with everything that it implies", () => {
    const within = (...permitted: ReadonlyArray<string>) =>
      ScopeHierarchy.within(hierarchy, Scope.make("notes:write", "notes:read"), Scope.make(...permitted))
    expect(within("notes:write", "notes:read")).toEqual(Scope.make("notes:write", "notes:read"))
    expect(within("notes:write")).toEqual(Scope.empty)
    expect(within("notes:read")).toEqual(Scope.make("notes:read"))
  })
})

describe("the objection to a hierarchy", () => {
  const objection = (implies: ScopeHierarchy.Implies) => ScopeHierarchy.objection({ scopes, implies })

  it("there is no objection to implications between offered scopes", () => {
    expect(objection(implies)).toBeUndefined()
    expect(ScopeHierarchy.objection({ scopes })).toBeUndefined()
  })

  it.each<readonly [ScopeHierarchy.Implies, string]>([
    [{ "notes:wirte": ["notes:read"] }, '"notes:wirte" (did you mean "notes:write"?)'],
    [{ "notes:write": ["notes:raed"] }, '"notes:raed" (did you mean "notes:read"?)'],
    [{ "notes:write": ["mail"] }, '"mail", which the resource does not offer; it offers notes:read']
  ])("an implication of a scope that the resource does not offer is named with the nearest one: %j", (given, said) => {
    expect(objection(given)).toContain(said)
  })

  it.each<readonly [ScopeHierarchy.Implies, string]>([
    [{ "notes:write": ["notes:write"] }, '"notes:write" implies "notes:write"'],
    [
      { calendar: ["notes:read"], "notes:read": ["notes:write"], "notes:write": ["notes:admin", "notes:read"] },
      '"notes:read" implies "notes:write" implies "notes:read"'
    ]
  ])("a cycle is named: %j", (given, said) => {
    expect(objection(given)).toContain(`has a cycle: ${said}`)
  })
})
