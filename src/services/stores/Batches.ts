/**
 * Goes through many rows in small batches, with a pause between two batches and a maximum number of batches. A batch is
 * small, because on SQLite it occupies the only writer, and with it the event loop. Requests are answered in the pauses.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Size, number and pace of batches. A test whose clock does not move sets `pause` to zero. */
export class BatchPace extends Context.Reference<BatchPace>()("latchkey/Batches/BatchPace", {
  defaultValue: () => ({
    /** Maximum number of rows in one batch. */
    size: 10,
    /** Maximum number of batches in one run, so that other work gets its turn. */
    maxBatches: 1_000,
    /** Time between two batches. With this value the slowest hundredth of SQLite writes takes a tenth longer (ADR 24). */
    pause: Duration.millis(100)
  })
}) {}

/** The number of rows that were changed so far, and the cursor to continue from if there is more to do. */
export interface Done<Cursor> {
  readonly count: number
  readonly next: Option.Option<Cursor>
}

/**
 * Repeats a step, which does at most `size` rows from a cursor on, until there is nothing left or the maximum number of
 * batches is reached.
 */
export const run = <Cursor, E, R>(
  first: Cursor,
  step: (size: number, cursor: Cursor) => Effect.Effect<Done<Cursor>, E, R>
): Effect.Effect<Done<Cursor>, E, R> =>
  Effect.gen(function* () {
    const { maxBatches, pause, size } = yield* BatchPace
    let done: Done<Cursor> = { count: 0, next: Option.some(first) }
    for (let batch = 0; batch < maxBatches && Option.isSome(done.next); batch++) {
      if (batch > 0) yield* Effect.sleep(pause)
      const { count, next } = yield* step(size, done.next.value)
      done = { count: done.count + count, next }
    }
    return done
  })

/** Repeats a verb, which does at most `size` rows, until it does fewer or the maximum number of batches is reached. */
export const drain = <E, R>(verb: (size: number) => Effect.Effect<number, E, R>): Effect.Effect<Done<void>, E, R> =>
  run<void, E, R>(undefined, (size) =>
    Effect.map(verb(size), (count) => ({ count, next: count < size ? Option.none() : Option.some(undefined) }))
  )
