/** The promises of every `LeaseStore`. */
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import { Issuer } from "../../domain/Issuer.js"
import { LeaseStore } from "../../services/stores/LeaseStore.js"
import { at, day, second } from "./fixtures.js"
import { Nodes, type StoreTest } from "./Nodes.js"

let issuers = 0

/** The lease store of an issuer that no other test uses, for each node. */
const fresh = Effect.map(Nodes, (nodes) => {
  const issuer = Issuer.make(`https://leases-${++issuers}.example.com`)
  const leases = nodes.map((storage) => Context.get(storage.stores(issuer), LeaseStore))
  return { nodes: leases, first: leases[0] as (typeof leases)[number] }
})

const length = Duration.minutes(5)
const ends = 300 * second
const of = (holder: string, name = "maintenance") => ({ name, holder })

export const leaseContract = (it: StoreTest, isLacking: boolean) =>
  describe.skipIf(isLacking)(isLacking ? "a lease (left out: the storage has none)" : "a lease", () => {
    it.effect("one holder has a lease and may extend it until it expires", () =>
      Effect.gen(function* () {
        const { first, nodes } = yield* fresh
        expect(yield* first.take(of("a"), at(0), length)).toBe(true)
        for (const node of nodes) expect(yield* node.take(of("b"), at(ends - 1), length)).toBe(false)
        expect(yield* first.take(of("a"), at(ends - 1), length)).toBe(true)
        for (const node of nodes) expect(yield* node.take(of("b"), at(ends), length)).toBe(false)
        expect(yield* first.take(of("b"), at(2 * ends - 1), length)).toBe(true)
        expect(yield* first.take(of("a"), at(2 * ends), length)).toBe(false)
        expect(yield* first.take(of("a", "other"), at(2 * ends), length)).toBe(true)
      })
    )

    it.effect("only the holder can release a lease", () =>
      Effect.gen(function* () {
        const { first, nodes } = yield* fresh
        yield* first.take(of("a"), at(0), length)
        for (const node of nodes) yield* node.release(of("b"), at(1))
        expect(yield* first.take(of("b"), at(2), length)).toBe(false)
        yield* first.release(of("a"), at(3))
        expect(yield* first.take(of("b"), at(3), length)).toBe(true)
      })
    )

    it.effect("a lease that was taken by a fast clock is ignored", () =>
      Effect.gen(function* () {
        const { first } = yield* fresh
        yield* first.take(of("a"), at(day), length)
        expect(yield* first.take(of("b"), at(0), length)).toBe(true)
      })
    )

    it.effect("each issuer has its own leases", () =>
      Effect.gen(function* () {
        const { first } = yield* fresh
        yield* first.take(of("a"), at(0), length)
        expect(yield* (yield* fresh).first.take(of("b"), at(0), length)).toBe(true)
      })
    )

    it.effect("one of many concurrent callers takes a lease", () =>
      Effect.gen(function* () {
        const { nodes } = yield* fresh
        const takers = Array.from({ length: 16 }, (_, i) => nodes[i % nodes.length] as (typeof nodes)[number])
        const taken = yield* Effect.forEach(takers, (node, i) => node.take(of(`holder-${i}`), at(0), length), {
          concurrency: "unbounded"
        })
        expect(taken.filter((isOurs) => isOurs)).toHaveLength(1)
      })
    )
  })
