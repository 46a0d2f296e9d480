/** What a storage promises that remembers the greatest time seen. */
import { expect } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { describe } from "vitest"
import { HighWaterMark } from "../../services/stores/HighWaterMark.js"
import { freshIssuer, Nodes, type StoreTest } from "../Nodes.js"
import { at, day, second } from "./fixtures.js"

/** The mark of an issuer that no other test uses, as each node has it. */
const fresh = Effect.zipWith(Nodes, freshIssuer, (nodes, issuer) => {
  const marks = nodes.map((storage) => Context.get(storage.stores(issuer), HighWaterMark))
  return { nodes: marks, first: marks[0] as (typeof marks)[number], last: marks.at(-1) as (typeof marks)[number] }
})

const leap = Duration.seconds(10)

export const highWaterMarkContract = (it: StoreTest, isLacking: boolean) =>
  describe.skipIf(isLacking)(
    isLacking ? "the high-water mark (left out: there is none)" : "the high-water mark",
    () => {
      it.effect("is the greatest time that any node noted, and never goes back", () =>
        Effect.gen(function* () {
          const { first, last } = yield* fresh
          expect(yield* first.note(at(5), leap)).toEqual({ seenAt: at(5), jumpedAt: Option.none() })
          expect(yield* last.note(at(3), leap)).toEqual({ seenAt: at(5), jumpedAt: Option.none() })
          expect(yield* last.note(at(7), leap)).toEqual({ seenAt: at(7), jumpedAt: Option.none() })
          expect(yield* first.note(at(-day), leap)).toEqual({ seenAt: at(7), jumpedAt: Option.none() })
        })
      )

      it.effect("remembers the last time that was further after it than a leap", () =>
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

      it.effect("is what the operator accepts, earlier or later, and no jump is known from then on", () =>
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

      it.effect("is another for another issuer", () =>
        Effect.gen(function* () {
          yield* (yield* fresh).first.note(at(day), leap)
          const { first } = yield* fresh
          expect((yield* first.note(at(0), leap)).seenAt).toEqual(at(0))
          yield* (yield* fresh).first.accept(at(2 * day))
          expect((yield* first.note(at(0), leap)).seenAt).toEqual(at(0))
        })
      )

      it.effect("is the greatest of many times that are noted at once", () =>
        Effect.gen(function* () {
          const { first, nodes } = yield* fresh
          const callers = Array.from({ length: 16 }, (_, i) => nodes[i % nodes.length] as (typeof nodes)[number])
          yield* Effect.forEach(callers, (node, i) => node.note(at((i * 7) % 16), leap), { concurrency: "unbounded" })
          expect((yield* first.note(at(0), leap)).seenAt).toEqual(at(15))
        })
      )
    }
  )
