/** Whole lists as streams, which read page by page. */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Account } from "../../domain/Account.js"
import type { Client } from "../../domain/Client.js"
import type { Event } from "../../domain/Event.js"
import type { Grant } from "../../domain/Grant.js"
import type { InitialAccessToken } from "../../domain/InitialAccessToken.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { type AccountCursor, AccountStore } from "./AccountStore.js"
import { type ClientCursor, ClientStore } from "./ClientStore.js"
import { type EventFilter, EventLog } from "./EventLog.js"
import { type GrantFilter, GrantStore } from "./GrantStore.js"
import { InitialAccessTokenStore } from "./InitialAccessTokenStore.js"
import * as Paging from "./Paging.js"

/** All rows of a list after a position. */
const all = <A, Cursor, R>(
  first: Cursor | undefined,
  read: (page: Paging.Page<Cursor>) => Effect.Effect<ReadonlyArray<A>, TemporarilyUnavailable, R>,
  cursorOf: (row: A) => Cursor
): Stream.Stream<A, TemporarilyUnavailable, R> =>
  Stream.paginateChunkEffect(first, (after) =>
    Effect.map(
      read({ after, limit: Paging.size }),
      (rows) => [Chunk.fromIterable(rows), Option.map(Paging.next(rows, Paging.size), cursorOf)] as const
    )
  )

/** All accounts, the oldest first. */
export const accounts: Stream.Stream<Account, TemporarilyUnavailable, AccountStore> = all<
  Account,
  AccountCursor,
  AccountStore
>(
  undefined,
  (page) => Effect.flatMap(AccountStore, (store) => store.list(page)),
  (account) => account
)

/** All clients, the oldest first. */
export const clients: Stream.Stream<Client, TemporarilyUnavailable, ClientStore> = all<
  Client,
  ClientCursor,
  ClientStore
>(
  undefined,
  (page) => Effect.flatMap(ClientStore, (store) => store.list(page)),
  (client) => client
)

/** All initial access tokens, the oldest first. */
export const initialAccessTokens: Stream.Stream<InitialAccessToken, TemporarilyUnavailable, InitialAccessTokenStore> =
  all<InitialAccessToken, InitialAccessToken["id"], InitialAccessTokenStore>(
    undefined,
    (page) => Effect.flatMap(InitialAccessTokenStore, (store) => store.list(page)),
    ({ id }) => id
  )

/** The grants that a filter selects, the oldest first. */
export const grants = (filter: GrantFilter): Stream.Stream<Grant, TemporarilyUnavailable, GrantStore> =>
  all<Grant, Grant["terms"]["id"], GrantStore>(
    undefined,
    (page) => Effect.flatMap(GrantStore, (store) => store.list(filter, page)),
    ({ terms }) => terms.id
  )

/** The events that a filter selects, the oldest first. */
export const events = ({
  after,
  ...filter
}: Omit<EventFilter, "limit">): Stream.Stream<Event, TemporarilyUnavailable, EventLog> =>
  all<Event, string, EventLog>(
    after,
    (page) => Effect.flatMap(EventLog, (log) => log.read({ ...filter, ...page })),
    ({ id }) => id
  )
