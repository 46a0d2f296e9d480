/** Grants and events, page by page: there may be more of them than memory holds. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Event } from "../../domain/Event.js"
import type { Grant, GrantId } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as EventLog from "./EventLog.js"
import * as GrantStore from "./GrantStore.js"

/** Number of rows of a page. */
export const size = 500

/** All rows of a list that is read from after an id on. */
const all = <A, Id, R>(
  first: Id | undefined,
  read: (after: Id | undefined) => Effect.Effect<ReadonlyArray<A>, TemporarilyUnavailable, R>,
  idOf: (row: A) => Id
): Stream.Stream<A, TemporarilyUnavailable, R> =>
  Stream.paginateChunkEffect(first, (after) =>
    Effect.map(read(after), (rows) => {
      const last = rows.length < size ? undefined : rows.at(-1)
      return [Chunk.fromIterable(rows), last === undefined ? Option.none() : Option.some(idOf(last))] as const
    })
  )

/** Grants, the oldest first. */
export const grants = (which: GrantStore.Which): Stream.Stream<Grant, TemporarilyUnavailable, GrantStore.GrantStore> =>
  all<Grant, GrantId, GrantStore.GrantStore>(
    undefined,
    (after) =>
      Effect.flatMap(GrantStore.GrantStore, (store) =>
        store.list(which, { limit: size, ...(after === undefined ? {} : { after }) })
      ),
    ({ terms }) => terms.id
  )

/** Events, the oldest first. */
export const events = ({
  after,
  ...which
}: Omit<EventLog.Which, "limit">): Stream.Stream<Event, TemporarilyUnavailable, EventLog.EventLog> =>
  all(
    after,
    (after) =>
      Effect.flatMap(EventLog.EventLog, (log) =>
        log.read({ ...which, limit: size, ...(after === undefined ? {} : { after }) })
      ),
    ({ id }) => id
  )
