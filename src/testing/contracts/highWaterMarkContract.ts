/** The promises of every `HighWaterMark`. */
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { HighWaterMark } from "../../services/stores/HighWaterMark.js"
import { at, day, second } from "./fixtures.js"
import { freshIssuer, Nodes, type StoreTest } from "./Nodes.js"

/** The mark of an issuer that no other test uses, for each node. */
const fresh = Effect.zipWith(Nodes, freshIssuer, (nodes, issuer) => {
  const marks = nodes.map((storage) => Context.get(storage.stores(issuer), HighWaterMark))
  return { nodes: marks, first: marks[0] as (typeof marks)[number], last: marks.at(-1) as (typeof marks)[number] }
})

const leap = Duration.seconds(10)

export const highWaterMarkContract = (it: StoreTest, isLacking: boolean) =>
  describe.skipIf(isLacking)(
    isLacking ? "the high-water mark (left out: the storage has none)" : "the high-water mark",
    () => {
      it.effect("the mark is the latest time that any node recorded and never goes back", () =>
        Effect.gen(function* () {
          const { first, last } = yield* fresh
          expect(yield* first.note(at(5), leap)).toEqual({ seenAt: at(5), jumpedAt: Option.none() })
          expect(yield* last.note(at(3), leap)).toEqual({ seenAt: at(5), jumpedAt: Option.none() })
          expect(yield* last.note(at(7), leap)).toEqual({ seenAt: at(7), jumpedAt: Option.none() })
          expect(yield* first.note(at(-day), leap)).toEqual({ seenAt: at(7), jumpedAt: Option.none() })
        })
      )

      it.effect("a time that is more than `leap` after the mark is stored as the last jump", () =>
        Effect.gen(function* () {
          const { first, last } = yield* fresh
          yield* first.note(at(0), leap)
          expect((yield* first.note(at(10 * second), leap)).jumpedAt).toEqual(Option.none())
          const jumped = at(20 * second + 1)
          expect(yield* first.note(jumped, leap)).toEqual({ seenAt: jumped, jumpedAt: Option.some(jumped) })
          expect((yield* last.note(at(21 * second), leap)).jumpedAt).toEqual(Option.some(jumped))
          expect((yield* last.note(at(day), leap)).jumpedAt).toEqual(Option.some(at(day)))
        })
      )

      it.effect("accept stores an earlier or later time and forgets the last jump", () =>
        Effect.gen(function* () {
          const { first, last } = yield* fresh
          yield* first.note(at(0), leap)
          yield* first.note(at(day), leap)
          yield* last.accept(at(second))
          expect(yield* first.note(at(0), leap)).toEqual({ seenAt: at(second), jumpedAt: Option.none() })
          yield* first.accept(at(2 * day))
          expect(yield* last.note(at(day), leap)).toEqual({ seenAt: at(2 * day), jumpedAt: Option.none() })
        })
      )

      it.effect("each issuer has its own mark", () =>
        Effect.gen(function* () {
          yield* (yield* fresh).first.note(at(day), leap)
          const { first } = yield* fresh
          expect((yield* first.note(at(0), leap)).seenAt).toEqual(at(0))
          yield* (yield* fresh).first.accept(at(2 * day))
          expect((yield* first.note(at(0), leap)).seenAt).toEqual(at(0))
        })
      )

      it.effect("the mark is the latest of many times that are recorded at once", () =>
        Effect.gen(function* () {
          const { first, nodes } = yield* fresh
          const callers = Array.from({ length: 16 }, (_, i) => nodes[i % nodes.length] as (typeof nodes)[number])
          yield* Effect.forEach(callers, (node, i) => node.note(at((i * 7) % 16), leap), { concurrency: "unbounded" })
          expect((yield* first.note(at(0), leap)).seenAt).toEqual(at(15))
        })
      )
    }
  )
