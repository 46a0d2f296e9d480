/** Consents in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { Consent } from "../../domain/Consent.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import type { ConsentFilter, ConsentStore, Pair } from "../../services/stores/ConsentStore.js"
import { emptyFilter, isEverybody } from "../../services/stores/GrantStore.js"
import * as Paging from "../../services/stores/Paging.js"
import * as Rows from "./Rows.js"

const byPair: Order.Order<Pair> = Order.combine(
  Order.mapInput(Order.string, ({ subject }: Pair) => subject),
  Order.mapInput(Order.string, ({ clientId }: Pair) => clientId)
)

/** Whether the consent is not withdrawn. */
export const allowsSomething = ({ granted, redirectUris }: Consent): boolean => granted.size + redirectUris.size > 0

const withdraw = (consents: Rows.Rows["consents"], consent: Consent): void => {
  const nothing = { granted: ResourceScopes.empty, redirectUris: new Set<never>() }
  consents.set(Rows.pairOf(consent.subject, consent.clientId), { ...consent, ...nothing, epoch: consent.epoch + 1 })
}

/** The pair after which the next page begins. */
const nextOf = (page: ReadonlyArray<Consent>, limit: number): Option.Option<Pair> =>
  Option.map(Paging.next(page, limit), ({ clientId, subject }) => ({ clientId, subject }))

/** Returns a predicate for the consents that a filter selects; `undefined` if the filter is empty. */
const predicateOf = (filter: ConsentFilter): ((consent: Consent) => boolean) | undefined => {
  if ("subject" in filter && filter.subject !== undefined) return ({ subject }) => subject === filter.subject
  if ("clientId" in filter && filter.clientId !== undefined) return ({ clientId }) => clientId === filter.clientId
  return isEverybody(filter) ? () => true : undefined
}

export const make = ({ clients, consents }: Rows.Rows): Context.Tag.Service<ConsentStore> => ({
  find: (subject, clientId) => Effect.sync(() => Option.fromNullable(consents.get(Rows.pairOf(subject, clientId)))),
  record: (added) =>
    Effect.sync(() => {
      const pair = Rows.pairOf(added.subject, added.clientId)
      const before = consents.get(pair)
      const merged: Consent =
        before === undefined
          ? { ...added, epoch: 1 }
          : {
              ...before,
              granted: ResourceScopes.union(before.granted, added.granted),
              redirectUris: new Set([...before.redirectUris, ...added.redirectUris]),
              updatedAt: DateTime.max(before.updatedAt, added.updatedAt)
            }
      consents.set(pair, merged)
      return merged
    }),
  list: (subject) =>
    Effect.sync(() =>
      Array.from(consents.values()).filter(
        (consent) => consent.subject === subject && clients.has(consent.clientId) && allowsSomething(consent)
      )
    ),
  prune: (limit, after) =>
    Effect.sync(() => {
      const page = Rows.page(consents.values(), byPair, { after, limit })
      const ofDeletedClients = page.filter(({ clientId }) => !clients.has(clientId))
      for (const { clientId, subject } of ofDeletedClients) consents.delete(Rows.pairOf(subject, clientId))
      return { count: ofDeletedClients.length, next: nextOf(page, limit) }
    }),
  withdraw: (subject, clientId) =>
    Effect.sync(() => {
      const before = consents.get(Rows.pairOf(subject, clientId))
      if (before === undefined) return false
      withdraw(consents, before)
      return allowsSomething(before)
    }),
  withdrawAll: (filter, limit, after) =>
    Effect.suspend(() => {
      const isSelected = predicateOf(filter)
      if (isSelected === undefined) return Effect.die(emptyFilter())
      const page = Rows.page(Array.from(consents.values()).filter(isSelected), byPair, { after, limit })
      for (const consent of page) withdraw(consents, consent)
      return Effect.succeed({ count: page.length, next: nextOf(page, limit) })
    })
})
