import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { describe } from "vitest"
import * as RememberedRows from "../../../src/layers/sql/RememberedRows.js"
import type { Observed } from "../../../src/layers/sql/SqlStatement.js"

/** Rows of a table that a test changes, with the revision of the storage, and the number of reads. */
const table = (revision: () => number | undefined, capacity = 10) => {
  const stored = new Map<string, string>()
  const counted = { reads: 0 }
  const read = (key: string) =>
    Effect.sync(() => {
      counted.reads++
      return Option.fromNullable(stored.get(key))
    })
  return { stored, counted, rows: RememberedRows.make({ revision } as Observed, read, capacity) }
}

describe("remembered rows", () => {
  it.effect("a row is read once while the revision stays the same", () =>
    Effect.gen(function* () {
      let revision = 1
      const { counted, rows, stored } = table(() => revision)
      stored.set("a", "first")
      expect(yield* rows.find("a")).toEqual(Option.some("first"))
      expect(yield* rows.find("a")).toEqual(Option.some("first"))
      expect(counted.reads).toBe(1)
      stored.set("a", "second")
      revision = 2
      expect(yield* rows.find("a")).toEqual(Option.some("second"))
    })
  )

  it.effect("a row is read again after a change by the store itself, also one that fails", () =>
    Effect.gen(function* () {
      const { rows, stored } = table(() => 1)
      stored.set("a", "first")
      yield* rows.find("a")
      yield* rows.changing(Effect.sync(() => stored.set("a", "second")))
      expect(yield* rows.find("a")).toEqual(Option.some("second"))
      yield* Effect.ignore(
        rows.changing(
          Effect.zipRight(
            Effect.sync(() => stored.delete("a")),
            Effect.fail("late")
          )
        )
      )
      expect(yield* rows.find("a")).toEqual(Option.none())
    })
  )

  it.effect("a read that a change overtakes is not remembered", () =>
    Effect.gen(function* () {
      let answer = "old"
      const read = () => Effect.delay(Effect.succeed(Option.some(answer)), "1 second")
      const rows = RememberedRows.make({ revision: () => 1 } as Observed, read, 10)
      const reading = yield* Effect.fork(rows.find("a"))
      yield* Effect.yieldNow()
      answer = "new"
      yield* rows.changing(Effect.void)
      yield* TestClock.adjust("1 second")
      expect(yield* reading).toEqual(Option.some("old"))
      const again = yield* Effect.fork(rows.find("a"))
      yield* TestClock.adjust("1 second")
      expect(yield* again).toEqual(Option.some("new"))
    })
  )

  it.effect("a missing row is read each time", () =>
    Effect.gen(function* () {
      const { rows, stored } = table(() => 1)
      expect(yield* rows.find("a")).toEqual(Option.none())
      stored.set("a", "first")
      expect(yield* rows.find("a")).toEqual(Option.some("first"))
    })
  )

  it.effect("each row is read each time if the storage has no revision", () =>
    Effect.gen(function* () {
      const { counted, rows } = table(() => undefined)
      yield* rows.find("a")
      yield* rows.find("a")
      expect(counted.reads).toBe(2)
    })
  )
})
