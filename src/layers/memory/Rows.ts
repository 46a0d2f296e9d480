/** What the memory keeps of one issuer, and what its stores share. */
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
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { ResourceIndicator } from "../../domain/Resource.js"
import type { Session } from "../../domain/Session.js"
import type { Mark } from "../../services/stores/HighWaterMark.js"
import type { KeyId, StoredKey } from "../../services/stores/KeyStore.js"
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
  revokedTokens: new Map<TokenId, DateTime.Utc>(),
  events: new Map<string, Event>(),
  loginCounters: new Map<number, Counter>(),
  leases: new Map<string, { readonly holder: string; readonly until: number }>(),
  highWaterMark: Option.none<Mark>()
})
export type Rows = ReturnType<typeof make>

/** The key of a pair's consent. */
export const pairOf = (subject: Subject, clientId: ClientId): string => JSON.stringify([subject, clientId])

/** The epoch that what is good of a person was made under. One that has no account here has 0; a disabled one none. */
export const subjectEpoch = ({ accounts }: Rows, subject: Subject): number | undefined => {
  const account = accounts.get(subject)
  if (account === undefined) return 0
  return account.state === "Enabled" ? account.epoch : undefined
}

/** The same of a client; one that is not there, or disabled, has none. */
export const clientEpoch = ({ clients }: Rows, id: ClientId): number | undefined => {
  const client = clients.get(id)
  return client?.state === "Enabled" ? client.epoch : undefined
}

/** What a database says when a row is to be made whose key there is. */
export const taken = (what: string): TemporarilyUnavailable =>
  new TemporarilyUnavailable({
    reason: "StoreFailed",
    description: "try again later",
    cause: `the ${what} exists already`
  })

/** The values by their time, and those of one time by their ids. */
export const oldestFirst = <A>(
  values: Iterable<A>,
  at: (value: A) => DateTime.Utc,
  id: (value: A) => string
): Array<A> =>
  Array.from(values).sort(
    Order.combine(
      Order.mapInput(Order.number, (value: A) => at(value).epochMillis),
      Order.mapInput(Order.string, id)
    )
  )

/**
 * Deletes at most `limit` of the rows that ended before an instant, the first to end first; how many it were. A row
 * without an end stays.
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
  const chosen = oldestFirst(
    ended,
    ({ end }) => end,
    ({ key }) => key
  ).slice(0, limit)
  for (const { key } of chosen) rows.delete(key)
  return chosen.length
}
