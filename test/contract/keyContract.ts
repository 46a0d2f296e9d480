/** What every `KeyStore` promises. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { KeyId, type StoredKey } from "../../src/services/KeyStore.js"
import { at } from "./fixtures.js"
import { crowds, fresh, race, type StoreTest } from "./Nodes.js"

const key = (n: number): StoredKey => ({
  id: KeyId.make(`key-${n}`.padEnd(8, "-")),
  sealed: `sealed-${n}`,
  createdAt: at(n)
})

export const keyContract = (it: StoreTest) => {
  describe("keys", () => {
    it.effect("keep the first, and no second", () =>
      Effect.gen(function* () {
        const { keys, nodes } = yield* fresh
        expect(yield* keys.list).toEqual([])
        yield* keys.insertFirst(key(1))
        yield* keys.insertFirst(key(2))
        yield* keys.insertFirst(key(1))
        for (const node of nodes) expect(yield* node.keys.list).toEqual([key(1)])
      })
    )

    it.effect("see nothing of another issuer", () =>
      Effect.gen(function* () {
        const { keys } = yield* fresh
        yield* keys.insertFirst(key(1))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.keys.list).toEqual([])
        yield* elsewhere.keys.insertFirst(key(1))
        expect(yield* elsewhere.keys.list).toEqual([key(1)])
      })
    )
  })

  it.effect.each(crowds)("of %i callers one keeps its key, and all see that one", (count) =>
    Effect.gen(function* () {
      const { keys, nodes } = yield* fresh
      const seen = yield* race(nodes, count, ({ keys }, i) => Effect.zipRight(keys.insertFirst(key(i)), keys.list))
      const kept = yield* keys.list
      expect(kept).toHaveLength(1)
      for (const list of seen) expect(list).toEqual(kept)
    })
  )
}
