/** The promises of every `KeyStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { KeyState, type StoredKey } from "../../services/stores/KeyStore.js"
import { at, key } from "./fixtures.js"
import { crowds, fresh, race, type Stores, type StoreTest } from "./Nodes.js"

const next = (n: number) => key(n, KeyState.Next())
const replaced = (n: number, when: number) => key(n, KeyState.Replaced({ at: at(when) }))
const retired = (n: number, when: number) => key(n, KeyState.Retired({ at: at(when) }))

/** An issuer with a current key and a next one. */
const rotating = Effect.gen(function* () {
  const stores = yield* fresh
  yield* stores.keys.insertFirst(key(1))
  yield* stores.keys.insertNext(next(2))
  return stores
})

const currentIn = (list: ReadonlyArray<StoredKey>) => list.filter(({ state }) => state._tag === "Current")

export const keyContract = (it: StoreTest) => {
  describe("keys", () => {
    it.effect("insertFirst stores one current key and no second", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* fresh
        expect(yield* keys.list).toEqual([])
        yield* keys.insertFirst(key(1))
        yield* keys.insertFirst(key(2))
        yield* keys.insertFirst(key(1))
        for (const node of nodes) expect(yield* node.keys.list).toEqual([key(1)])
      })
    )

    it.effect("insertNext stores one next key, which changes nothing until it is promoted", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* fresh
        yield* keys.insertFirst(key(1))
        expect(yield* keys.insertNext(key(1))).toBe(false)
        expect(yield* keys.insertNext(next(2))).toBe(true)
        expect(yield* keys.insertNext(next(2))).toBe(false)
        expect(yield* keys.insertNext(next(3))).toBe(false)
        for (const node of nodes) expect(yield* node.keys.list).toEqual([key(1), next(2)])
      })
    )

    it.effect("promote makes the next key current once and retires the current key", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* rotating
        expect(yield* keys.promote(key(3).id, at(9))).toBe(false)
        expect(yield* keys.promote(key(1).id, at(9))).toBe(false)
        expect(yield* keys.promote(key(2).id, at(10))).toBe(true)
        expect(yield* keys.promote(key(2).id, at(11))).toBe(false)
        expect(yield* keys.promote(key(1).id, at(11))).toBe(false)
        for (const node of nodes) expect(yield* node.keys.list).toEqual([retired(1, 10), key(2)])
      })
    )

    it.effect("keys follow one another, whatever the clock says", () =>
      Effect.gen(function* () {
        const { keys } = yield* rotating
        yield* keys.promote(key(2).id, at(20))
        expect(yield* keys.insertNext(next(3))).toBe(true)
        expect(yield* keys.promote(key(3).id, at(10))).toBe(true)
        expect(yield* keys.list).toEqual([retired(1, 20), retired(2, 10), key(3)])
        expect(yield* keys.insertNext(next(4))).toBe(true)
        expect(yield* keys.list).toEqual([retired(1, 20), retired(2, 10), key(3), next(4)])
      })
    )

    it.effect("remove deletes every key but the current one", () =>
      Effect.gen(function* () {
        const { keys } = yield* rotating
        expect(yield* keys.remove(key(1).id)).toBe(false)
        expect(yield* keys.remove(key(3).id)).toBe(false)
        expect(yield* keys.remove(next(2).id)).toBe(true)
        expect(yield* keys.remove(next(2).id)).toBe(false)
        expect(yield* keys.promote(next(2).id, at(9))).toBe(false)
        expect(yield* keys.list).toEqual([key(1)])
        expect(yield* keys.insertNext(next(3))).toBe(true)
        yield* keys.promote(next(3).id, at(10))
        expect(yield* keys.remove(key(3).id)).toBe(false)
        expect(yield* keys.remove(key(1).id)).toBe(true)
        expect(yield* keys.list).toEqual([key(3)])
        yield* keys.insertFirst(key(4))
        expect(yield* keys.list).toEqual([key(3)])
      })
    )

    it.effect("replace replaces all keys in any state, and the new key has successors", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* rotating
        yield* keys.promote(key(2).id, at(10))
        yield* keys.insertNext(next(3))
        yield* keys.replace(key(4), at(20))
        const past = [replaced(1, 20), replaced(2, 20), replaced(3, 20)]
        for (const node of nodes) expect(yield* node.keys.list).toEqual([...past, key(4)])

        expect(yield* keys.promote(key(3).id, at(21))).toBe(false)
        expect(yield* keys.remove(key(4).id)).toBe(false)
        expect(yield* keys.insertNext(next(5))).toBe(true)
        expect(yield* keys.insertNext(next(6))).toBe(false)
        expect(yield* keys.promote(key(5).id, at(30))).toBe(true)
        expect(yield* keys.list).toEqual([...past, retired(4, 30), key(5)])
        expect(yield* keys.remove(key(4).id)).toBe(true)
        expect((yield* keys.list).map(({ state }) => state._tag)).toEqual([
          "Replaced",
          "Replaced",
          "Replaced",
          "Current"
        ])
        for (const n of [1, 2, 3]) expect(yield* keys.remove(key(n).id)).toBe(true)
        expect(yield* keys.list).toEqual([key(5)])
      })
    )

    it.effect("keys can be replaced again and again", () =>
      Effect.gen(function* () {
        const { keys } = yield* fresh
        yield* keys.insertFirst(key(1))
        yield* keys.replace(key(2), at(10))
        yield* keys.replace(key(3), at(20))
        expect(yield* keys.list).toEqual([replaced(1, 20), replaced(2, 20), key(3)])
      })
    )

    it.effect("a key store sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { keys } = yield* rotating
        const elsewhere = yield* fresh
        expect(yield* elsewhere.keys.list).toEqual([])
        expect(yield* elsewhere.keys.promote(key(2).id, at(9))).toBe(false)
        expect(yield* elsewhere.keys.remove(key(2).id)).toBe(false)
        yield* elsewhere.keys.insertFirst(key(9))
        yield* elsewhere.keys.replace(key(1), at(9))
        expect(yield* elsewhere.keys.insertNext(next(2))).toBe(true)
        expect(yield* elsewhere.keys.promote(key(2).id, at(9))).toBe(true)
        expect(yield* keys.list).toEqual([key(1), next(2)])
      })
    )
  })

  describe.each(crowds)("of %i callers", (count) => {
    it.effect("one of many callers stores the first key, and all see that key", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* fresh
        const seen = yield* race(nodes, count, ({ keys }, i) => Effect.zipRight(keys.insertFirst(key(i)), keys.list))
        const kept = yield* keys.list
        expect(kept).toHaveLength(1)
        for (const list of seen) expect(list).toEqual(kept)
      })
    )

    it.effect("one of many callers stores the next key, and one promotes it", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* fresh
        yield* keys.insertFirst(key(100))
        const made = yield* race(nodes, count, ({ keys }, i) => keys.insertNext(next(i)))
        expect(made.filter((answer) => answer)).toHaveLength(1)
        const winner = made.indexOf(true)
        expect(yield* keys.list).toEqual([next(winner), key(100)])
        const promoted = yield* race(nodes, count, ({ keys }, i) => keys.promote(next(winner).id, at(1000 + i)))
        expect(promoted.filter((answer) => answer)).toHaveLength(1)
        expect(yield* keys.list).toEqual([key(winner), retired(100, 1000 + promoted.indexOf(true))])
      })
    )

    it.effect("each of many callers replaces all keys, and the last key is current", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* rotating
        yield* race(nodes, count, ({ keys }, i) => keys.replace(key(100 + i), at(100)))
        const kept = yield* keys.list
        expect(kept).toHaveLength(count + 2)
        expect(currentIn(kept)).toHaveLength(1)
        expect(kept.filter(({ state }) => state._tag === "Replaced")).toHaveLength(count + 1)
      })
    )

    it.effect("a replacement while others publish or promote keys does not replace the new key", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* rotating
        yield* race(nodes, count, ({ keys }, i): Effect.Effect<unknown, TemporarilyUnavailable> => {
          if (i === count >> 1) return keys.replace(key(100), at(100))
          return i % 2 === 0 ? keys.promote(key(2).id, at(100)) : keys.insertNext(next(3 + i))
        })
        const kept = yield* keys.list
        expect(currentIn(kept)).toHaveLength(1)
        expect(kept.find(({ id }) => id === key(1).id)?.state._tag).toBe("Replaced")
        expect(kept.find(({ id }) => id === key(2).id)?.state._tag).toBe("Replaced")
        expect(kept.find(({ id }) => id === key(100).id)?.state._tag).toBe("Current")
        expect(kept.filter(({ state }) => state._tag === "Next").length).toBeLessThanOrEqual(1)
      })
    )

    it.effect("there is one current key at every moment while callers add, promote, replace and delete keys", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* rotating
        const turn = (stores: Stores, i: number): Effect.Effect<unknown, TemporarilyUnavailable> => {
          const id = key(2 + (i % 3)).id
          if (i % 5 === 4) return stores.keys.replace(key(100 + i), at(100))
          if (i % 4 === 0) return stores.keys.insertNext(next(2 + (i % 3)))
          return i % 4 === 3 ? stores.keys.remove(id) : stores.keys.promote(id, at(100))
        }
        const seen = yield* race(nodes, count, (stores, i) => Effect.zipRight(turn(stores, i), stores.keys.list))
        for (const list of [...seen, yield* keys.list]) expect(currentIn(list)).toHaveLength(1)
      })
    )
  })
}
