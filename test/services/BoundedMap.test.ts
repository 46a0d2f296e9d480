/** A map with a maximum number of entries. */
import { expect, it } from "vitest"
import { BoundedMap } from "../../src/services/BoundedMap.js"

it("a full map forgets its oldest entry for a new key, and none for a known one", () => {
  const map = new BoundedMap<string, number>(2)
  map.remember("a", 1)
  map.remember("b", 2)
  expect(map.remember("b", 3)).toBe(3)
  expect([map.get("a"), map.get("b")]).toEqual([1, 3])
  map.remember("c", 4)
  expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([undefined, 3, 4])
})
