/** Services over others: the map behaves as a copy that has both. */
import * as Context from "effect/Context"
import { expect, it } from "vitest"
import { Overlay } from "../../src/services/Overlay.js"

class One extends Context.Tag("test/One")<One, string>() {}
class Two extends Context.Tag("test/Two")<Two, string>() {}
class Three extends Context.Tag("test/Three")<Three, string>() {}

const below = Context.make(One, "one").pipe(Context.add(Two, "two below"))

const make = () => {
  const map = new Overlay(below.unsafeMap)
  map.set(Two.key, "two")
  map.set(Three.key, "three")
  return map
}

const all = { [One.key]: "one", [Two.key]: "two", [Three.key]: "three" }

it("a service is found in the overlay first, and then below it", () => {
  const context = Context.unsafeMake<One | Two | Three>(make())
  const found = [Context.get(context, One), Context.get(context, Two), Context.get(context, Three)]
  expect(found).toEqual(["one", "two", "three"])
  expect(make().has("test/Four")).toBe(false)
})

it("every way to read or copy an overlay has each service once", () => {
  const map = make()
  const each: Record<string, unknown> = {}
  map.forEach((service, key) => {
    each[key] = service
  })
  expect(each).toEqual(all)
  for (const copy of [map, map.entries(), new Map(map)]) expect(Object.fromEntries(copy)).toEqual(all)
  expect([...map.keys()]).toEqual(Object.keys(all))
  expect([...map.values()]).toEqual(Object.values(all))
  expect(map.size).toBe(3)
})

it("adding a service to a context of an overlay copies both, and leaves what is below as it was", () => {
  const context = Context.add(Context.unsafeMake<One | Two | Three>(make()), One, "another")
  expect(Object.fromEntries(context.unsafeMap)).toEqual({ ...all, [One.key]: "another" })
  expect(Context.get(below, Two)).toBe("two below")
})
