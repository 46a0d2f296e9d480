/** Consents in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { Consent } from "../../domain/Consent.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import type { ConsentStore, Pair } from "../../services/ConsentStore.js"
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
      const looked = Array.from(consents.values())
        .filter((consent) => after === undefined || byPair(consent, after) > 0)
        .sort(byPair)
        .slice(0, limit)
      const gone = looked.filter(({ clientId }) => !clients.has(clientId))
      for (const { clientId, subject } of gone) consents.delete(Rows.pairOf(subject, clientId))
      const last = looked.length < limit ? Option.none() : Option.fromNullable(looked.at(-1))
      return { count: gone.length, next: Option.map(last, ({ clientId, subject }) => ({ clientId, subject })) }
    }),
  withdraw: (subject, clientId) =>
    Effect.sync(() => {
      const before = consents.get(Rows.pairOf(subject, clientId))
      if (before === undefined) return false
      takeBack(consents, before)
      return allowsSomething(before)
    }),
  withdrawAll: (whose) =>
    Effect.sync(() => {
      for (const consent of consents.values()) {
        const isMeant = "subject" in whose ? consent.subject === whose.subject : consent.clientId === whose.clientId
        if (isMeant) takeBack(consents, consent)
      }
    })
})
