/**
 * How upkeep goes through many rows: a batch at a time, with a rest in between, and never without end. A batch is small,
 * because on SQLite it holds the one writer, and the event loop with it; the rest is for requests.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** How large batches are, and how many are done at a time. */
export class BatchPace extends Context.Reference<BatchPace>()("latchkey/Batches/BatchPace", {
  defaultValue: () => ({
    /** Rows of a batch. */
    size: 10,
    /** Batches of a run, before others get their turn. */
    most: 1_000,
    /** From one batch to the next: with this SQLite answers the slowest of a hundred writes a tenth later (ADR 24). */
    rest: Duration.millis(100)
  })
}) {}

/** What was done in all; `next` is where to go on, if there is more to do. */
export interface Done<Cursor> {
  readonly count: number
  readonly next: Option.Option<Cursor>
}

/** Repeats a step, which does so many rows at most from a cursor on, until there is no more, or for `most` batches. */
export const run = <Cursor, E, R>(
  first: Cursor,
  step: (size: number, cursor: Cursor) => Effect.Effect<Done<Cursor>, E, R>
): Effect.Effect<Done<Cursor>, E, R> =>
  Effect.gen(function* () {
    const { most, rest, size } = yield* BatchPace
    let done: Done<Cursor> = { count: 0, next: Option.some(first) }
    for (let batch = 0; batch < most && Option.isSome(done.next); batch++) {
      // Requests pass in real time, whatever clock is provided.
      if (batch > 0) yield* Effect.withClock(Effect.sleep(rest), Clock.make())
      const { count, next } = yield* step(size, done.next.value)
      done = { count: done.count + count, next }
    }
    return done
  })

/** Repeats a verb that does so many rows at most until it does fewer, or for `most` batches. */
export const drain = <E, R>(verb: (size: number) => Effect.Effect<number, E, R>): Effect.Effect<Done<void>, E, R> =>
  run<void, E, R>(undefined, (size) =>
    Effect.map(verb(size), (count) => ({ count, next: count < size ? Option.none() : Option.some(undefined) }))
  )
