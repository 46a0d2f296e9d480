/** Consents in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { Consent } from "../../domain/Consent.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import type { ConsentStore, Pair, Whose } from "../../services/stores/ConsentStore.js"
import { isEverybody, namesNobody } from "../../services/stores/GrantStore.js"
import * as Rows from "./Rows.js"

const byPair: Order.Order<Pair> = Order.combine(
  Order.mapInput(Order.string, ({ subject }: Pair) => subject),
  Order.mapInput(Order.string, ({ clientId }: Pair) => clientId)
)

/** Whether the consent is not withdrawn. */
export const allowsSomething = ({ granted, redirectUris }: Consent): boolean => granted.size + redirectUris.size > 0

const takeBack = (consents: Rows.Rows["consents"], consent: Consent): void => {
  const nothing = { granted: ResourceScopes.empty, redirectUris: new Set<never>() }
  consents.set(Rows.pairOf(consent.subject, consent.clientId), { ...consent, ...nothing, epoch: consent.epoch + 1 })
}

/** The next consents after a pair, in order. */
const nextPairs = (consents: Iterable<Consent>, limit: number, after: Pair | undefined): ReadonlyArray<Consent> =>
  Array.from(consents)
    .filter((consent) => after === undefined || byPair(consent, after) > 0)
    .sort(byPair)
    .slice(0, limit)

/** The pair after which others follow. */
const lastOf = (page: ReadonlyArray<Consent>, limit: number): Option.Option<Pair> =>
  page.length < limit
    ? Option.none()
    : Option.map(Option.fromNullable(page.at(-1)), ({ clientId, subject }) => ({ clientId, subject }))

/** Which consents are meant; `undefined` where the filter names nobody. */
const filterOf = (whose: Whose): ((consent: Consent) => boolean) | undefined => {
  if ("subject" in whose && whose.subject !== undefined) return ({ subject }) => subject === whose.subject
  if ("clientId" in whose && whose.clientId !== undefined) return ({ clientId }) => clientId === whose.clientId
  return isEverybody(whose) ? () => true : undefined
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
      const looked = nextPairs(consents.values(), limit, after)
      const gone = looked.filter(({ clientId }) => !clients.has(clientId))
      for (const { clientId, subject } of gone) consents.delete(Rows.pairOf(subject, clientId))
      return { count: gone.length, next: lastOf(looked, limit) }
    }),
  withdraw: (subject, clientId) =>
    Effect.sync(() => {
      const before = consents.get(Rows.pairOf(subject, clientId))
      if (before === undefined) return false
      takeBack(consents, before)
      return allowsSomething(before)
    }),
  withdrawAll: (whose, limit, after) =>
    Effect.suspend(() => {
      const isMeant = filterOf(whose)
      if (isMeant === undefined) return Effect.die(namesNobody())
      const looked = nextPairs(Array.from(consents.values()).filter(isMeant), limit, after)
      for (const consent of looked) takeBack(consents, consent)
      return Effect.succeed({ count: looked.length, next: lastOf(looked, limit) })
    })
})
