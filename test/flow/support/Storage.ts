/** The memory storage with some verbs of its stores replaced. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { AccountStore } from "../../../src/services/stores/AccountStore.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { ConsentStore } from "../../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { SessionStore } from "../../../src/services/stores/SessionStore.js"
import { Storage, type Stores } from "../../../src/services/stores/Storage.js"

type Change = (stores: Context.Context<Stores>) => Context.Context<Stores>

/** Storage whose stores are changed by functions. */
export const changed = (...changes: ReadonlyArray<Change>): Layer.Layer<Storage> =>
  Layer.effect(
    Storage,
    Effect.map(Storage, (storage) =>
      Storage.of({
        ...storage,
        stores: (issuer) => changes.reduce((stores, change) => change(stores), storage.stores(issuer))
      })
    )
  ).pipe(Layer.provide(Layer.fresh(MemoryStorage.layer)))

/** Replaces some verbs of one store; the function gets the original store. */
export const verbs =
  <I extends Stores, S extends object>(tag: Context.Tag<I, S>, replace: (store: S) => Partial<S>): Change =>
  (stores) => {
    const store = Context.unsafeGet(stores, tag)
    return Context.add(stores, tag, { ...store, ...replace(store) }) as Context.Context<Stores>
  }

type Answer = Effect.Effect<unknown, TemporarilyUnavailable>

/** Wraps some verbs of one store; the function gets the verb's name and its effect. */
export const around = <I extends Stores, S extends object>(
  tag: Context.Tag<I, S>,
  names: ReadonlyArray<keyof S & string>,
  wrap: (name: string, answer: Answer) => Answer
): Change =>
  verbs(tag, (store) => {
    const wrapped = names.map((name) => {
      const verb = store[name] as (...parameters: ReadonlyArray<unknown>) => Answer
      return [name, (...parameters: ReadonlyArray<unknown>) => wrap(name, verb(...parameters))]
    })
    return Object.fromEntries(wrapped) as Partial<S>
  })

/** Storage that records the name of each verb that writes. */
export const recorded = (written: Array<string>): Layer.Layer<Storage> => {
  const note = (name: string, answer: Answer) =>
    Effect.zipRight(
      Effect.sync(() => written.push(name)),
      answer
    )
  return changed(
    around(AccountStore, ["insert", "insertFirst", "advanceEpoch"], note),
    around(ClientStore, ["insert", "insertDynamic", "advanceEpoch"], note),
    around(ConsentStore, ["record", "withdraw", "withdrawAll"], note),
    around(GrantStore, ["approve", "redeem", "rotate", "revoke", "revokeAll"], note),
    around(SessionStore, ["insert", "end"], note)
  )
}
