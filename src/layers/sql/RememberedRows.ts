/**
 * Rows that are read again only after something may have changed them: a commit that may revoke access, of this process or
 * another one (`Storage.revision`), or a change by the store itself. PostgreSQL has no such number, and each row is read.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { BoundedMap } from "../../services/BoundedMap.js"
import * as Spans from "../../services/Spans.js"
import type { Observed } from "./SqlStatement.js"

export interface RememberedRows<K, A, E> {
  /** Returns the row of a key. Where a tracer is installed, it is read each time, so that its statement has a span. */
  readonly find: (key: K) => Effect.Effect<Option.Option<A>, E>
  /** Runs an effect that changes rows by a harmless statement, which does not change the revision. */
  readonly changing: <B, F>(change: Effect.Effect<B, F>) => Effect.Effect<B, F>
}

/** `read` reads the row of a key, and `capacity` is the maximum number of rows that are remembered. */
export const make = <K, A, E>(
  { revision }: Observed,
  read: (key: K) => Effect.Effect<Option.Option<A>, E>,
  capacity: number
): RememberedRows<K, A, E> => {
  let known = new BoundedMap<K, { readonly revision: number; readonly row: Option.Option<A> }>(capacity)
  const remembering = (key: K): Effect.Effect<Option.Option<A>, E> => {
    const now = revision?.()
    if (now === undefined) return read(key)
    const last = known.get(key)
    if (last?.revision === now) return Effect.succeed(last.row)
    const before = known
    return Effect.map(read(key), (row) => {
      if (Option.isSome(row)) before.remember(key, { revision: now, row })
      return row
    })
  }
  return {
    find: (key) =>
      Spans.whereTraced(
        () => read(key),
        () => remembering(key)
      ),
    changing: (change) =>
      Effect.ensuring(
        change,
        Effect.sync(() => {
          known = new BoundedMap(capacity)
        })
      )
  }
}
