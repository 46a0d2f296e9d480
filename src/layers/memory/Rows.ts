/** The rows of one issuer in memory, and functions that the stores share. */
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { TokenId } from "../../domain/AccessToken.js"
import type { Account, Subject } from "../../domain/Account.js"
import type { Client, ClientId } from "../../domain/Client.js"
import type { Consent } from "../../domain/Consent.js"
import type { Digest } from "../../domain/Digest.js"
import type { Event } from "../../domain/Event.js"
import type { Counter } from "../../domain/FailureCounter.js"
import type * as Grant from "../../domain/Grant.js"
import type { InitialAccessToken, InitialAccessTokenId } from "../../domain/InitialAccessToken.js"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { ResourceIndicator } from "../../domain/Resource.js"
import type { Session } from "../../domain/Session.js"
import type { Mark } from "../../services/stores/HighWaterMark.js"
import type { KeyId, StoredKey } from "../../services/stores/KeyStore.js"
import type { Page } from "../../services/stores/Paging.js"
import type { StoredResource } from "../../services/stores/ResourceStore.js"

/** The rows of one issuer. */
export const make = () => ({
  clients: new Map<ClientId, Client>(),
  accounts: new Map<Subject, Account>(),
  sessions: new Map<Digest, Session>(),
  consents: new Map<string, Consent>(),
  grants: new Map<Grant.GrantId, Grant.Grant>(),
  keys: new Map<KeyId, StoredKey>(),
  resources: new Map<ResourceIndicator, StoredResource>(),
  initialAccessTokens: new Map<InitialAccessTokenId, { readonly token: InitialAccessToken; readonly digest: Digest }>(),
  revokedTokens: new Map<TokenId, DateTime.Utc>(),
  spentAssertions: new Map<Digest, DateTime.Utc>(),
  events: new Map<string, Event>(),
  loginCounters: new Map<number, Counter>(),
  leases: new Map<string, { readonly holder: string; readonly until: number }>(),
  highWaterMark: Option.none<Mark>()
})
export type Rows = ReturnType<typeof make>

/** The key of the consent of a pair. */
export const pairOf = (subject: Subject, clientId: ClientId): string => JSON.stringify([subject, clientId])

/**
 * The current epoch of a subject. A subject without an account here has epoch 0. A disabled account has no epoch, so nothing
 * of it is valid.
 */
export const subjectEpoch = ({ accounts }: Rows, subject: Subject): number | undefined => {
  const account = accounts.get(subject)
  if (account === undefined) return 0
  return account.state === "Enabled" ? account.epoch : undefined
}

/** The current epoch of a client. A client that is deleted or disabled has no epoch. */
export const clientEpoch = ({ clients }: Rows, id: ClientId): number | undefined => {
  const client = clients.get(id)
  return client?.state === "Enabled" ? client.epoch : undefined
}

/** The error of an insert whose key exists already, as a database would return it. */
export const taken = (what: string): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: "StoreFailed",
    description: "try again later",
    cause: `the ${what} exists already`
  })

/** Orders values by their times and, where the times are equal, by their ids. */
export const byTime = <A>(at: (value: A) => DateTime.Utc, id: (value: A) => string): Order.Order<A> =>
  Order.combine(
    Order.mapInput(Order.number, (value: A) => at(value).epochMillis),
    Order.mapInput(Order.string, id)
  )

/** Returns the values of a page, in order. */
export const page = <Cursor, A extends Cursor>(
  values: Iterable<A>,
  order: Order.Order<Cursor>,
  { after, limit }: Page<Cursor>
): ReadonlyArray<A> =>
  Array.from(values)
    .filter((value) => after === undefined || order(value, after) > 0)
    .sort(order)
    .slice(0, limit)

/**
 * Deletes at most `limit` rows that ended before an instant, those that ended first. Returns their number. A row without an
 * end stays.
 */
export const prune = <K extends string, A>(
  rows: Map<K, A>,
  endOf: (row: A) => DateTime.Utc | undefined,
  before: DateTime.Utc,
  limit: number
): number => {
  const ended = Array.from(rows).flatMap(([key, row]) => {
    const end = endOf(row)
    return end !== undefined && end.epochMillis < before.epochMillis ? [{ key, end }] : []
  })
  const order = byTime<(typeof ended)[number]>(
    ({ end }) => end,
    ({ key }) => key
  )
  const chosen = page(ended, order, { limit })
  for (const { key } of chosen) rows.delete(key)
  return chosen.length
}
