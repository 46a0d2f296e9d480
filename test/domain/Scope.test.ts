/** A scope is a set of tokens that are compared byte for byte. */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import * as Scope from "../../src/domain/Scope.js"

const token = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom(..."aAb:/~!#[]") })
const scopes = fc.array(token, { maxLength: 6 }).map(Scope.fromIterable)

const holds = <const A extends ReadonlyArray<Scope.Scope>>(count: A["length"], law: (...scopes: A) => boolean) =>
  fc.assert(fc.property(fc.tuple(...Array.from({ length: count }, () => scopes)), (all) => law(...(all as never as A))))

describe("the text of a scope", () => {
  it("the text of a scope reads as the scope that was written (RFC 6749 §3.3)", () => {
    holds(1, (scope) => Scope.equals(Option.getOrThrow(Scope.parse(Scope.format(scope))), scope))
  })

  it("the order and repetition of tokens do not change a scope", () => {
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 6 }), (tokens) => {
        const again = [...tokens, ...tokens].reverse().join(" ")
        expect(Scope.equals(Option.getOrThrow(Scope.parse(again)), Scope.fromIterable(tokens))).toBe(true)
      })
    )
  })

  it("the text of a scope has visible ASCII without quote and backslash, and single spaces (RFC 6749 §3.3)", () => {
    const bad = [" ", "a ", " a", "a  b", "a\tb", "a\nb", 'a"', "a\\", "é", "a\u00a0b", "\0", "\u007f", "x".repeat(129)]
    for (const text of bad) expect(Option.isNone(Scope.parse(text)), JSON.stringify(text)).toBe(true)
    for (let code = 0x21; code <= 0x7e; code++) {
      const character = String.fromCharCode(code)
      expect(Option.isSome(Scope.parse(character)), character).toBe(character !== '"' && character !== "\\")
    }
  })

  it("a requested scope has at most 64 tokens", () => {
    const text = (count: number) => Array.from({ length: count }, (_, index) => `s${index}`).join(" ")
    expect(Option.isSome(Scope.parse(text(64)))).toBe(true)
    expect(Option.isNone(Scope.parse(text(65)))).toBe(true)
  })
})

describe("scopes", () => {
  it("scopes are ordered by inclusion", () => {
    holds(1, (a) => Scope.isSubset(a, a) && Scope.isSubset(Scope.empty, a))
    holds(2, (a, b) => (Scope.isSubset(a, b) && Scope.isSubset(b, a)) === Scope.equals(a, b))
    holds(3, (a, b, c) => !(Scope.isSubset(a, b) && Scope.isSubset(b, c)) || Scope.isSubset(a, c))
  })

  it("an intersection is a subset of both scopes, and a union contains both", () => {
    holds(2, (a, b) => Scope.isSubset(Scope.intersection(a, b), a) && Scope.isSubset(Scope.intersection(a, b), b))
    holds(2, (a, b) => Scope.isSubset(a, Scope.union(a, b)) && Scope.isSubset(b, Scope.union(a, b)))
    holds(2, (a, b) => Scope.isSubset(a, b) === Scope.equals(Scope.intersection(a, b), a))
  })

  it("a scope consists of its intersection with another and its difference from it", () => {
    holds(2, (a, b) => Scope.equals(Scope.union(Scope.intersection(a, b), Scope.difference(a, b)), a))
    holds(2, (a, b) => Scope.isEmpty(Scope.intersection(Scope.difference(a, b), b)))
  })
})
