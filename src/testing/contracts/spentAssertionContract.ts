/** The promises of every `SpentAssertionStore`. */
import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { Digest } from "../../domain/Digest.js"
import { at, day, second } from "./fixtures.js"
import { fresh, race, type StoreTest } from "./Nodes.js"

const idOf = (letter: string) => Digest.make(letter.repeat(43))
const one = idOf("a")

export const spentAssertionContract = (it: StoreTest) =>
  describe("spent assertions", () => {
    it.effect("an assertion is spent once, on whichever node it comes again", () =>
      Effect.gen(function* () {
        const { nodes, spentAssertions } = yield* fresh
        expect(yield* spentAssertions.spend(one, at(day))).toBe(true)
        for (const node of nodes) expect(yield* node.spentAssertions.spend(one, at(2 * day))).toBe(false)
        expect(yield* spentAssertions.spend(idOf("A"), at(day))).toBe(true)
      })
    )

    it.effect("exactly one of 50 concurrent callers spends an assertion", () =>
      Effect.gen(function* () {
        const { nodes } = yield* fresh
        const answers = yield* race(nodes, 50, ({ spentAssertions }) => spentAssertions.spend(one, at(day)))
        expect(answers.filter((isSpent) => isSpent)).toHaveLength(1)
      })
    )

    it.effect("an assertion stays spent until it is pruned, expired or not", () =>
      Effect.gen(function* () {
        const { spentAssertions } = yield* fresh
        expect(yield* spentAssertions.spend(one, at(second))).toBe(true)
        expect(yield* spentAssertions.prune(at(second), 10)).toBe(0)
        expect(yield* spentAssertions.spend(one, at(day))).toBe(false)
        expect(yield* spentAssertions.prune(at(second + 1), 10)).toBe(1)
        expect(yield* spentAssertions.spend(one, at(day))).toBe(true)
      })
    )

    it.effect("prune deletes at most `limit` expired assertions, the first to expire first", () =>
      Effect.gen(function* () {
        const { spentAssertions } = yield* fresh
        const ids = ["x", "y", "z"].map(idOf)
        for (const [i, id] of ids.entries()) yield* spentAssertions.spend(id, at(i * second))
        expect(yield* spentAssertions.prune(at(2 * second), 1)).toBe(1)
        expect(yield* spentAssertions.prune(at(2 * second), 10)).toBe(1)
        const again = yield* Effect.forEach(ids, (id) => spentAssertions.spend(id, at(day)))
        expect(again).toEqual([true, true, false])
      })
    )

    it.effect("a store of spent assertions sees nothing of another issuer", () =>
      Effect.gen(function* () {
        const { spentAssertions } = yield* fresh
        yield* spentAssertions.spend(one, at(0))
        const elsewhere = yield* fresh
        expect(yield* elsewhere.spentAssertions.prune(at(day), 10)).toBe(0)
        expect(yield* elsewhere.spentAssertions.spend(one, at(0))).toBe(true)
        expect(yield* spentAssertions.spend(one, at(0))).toBe(false)
      })
    )
  })
