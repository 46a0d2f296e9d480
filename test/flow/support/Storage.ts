/** The memory's storage with some verbs of its stores replaced: how a test swaps the edge. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as MemoryStore from "../../../src/layers/MemoryStore.js"
import { AccountStore } from "../../../src/services/AccountStore.js"
import { ClientStore } from "../../../src/services/ClientStore.js"
import { ConsentStore } from "../../../src/services/ConsentStore.js"
import { GrantStore } from "../../../src/services/GrantStore.js"
import { SessionStore } from "../../../src/services/SessionStore.js"
import { Storage, type Stores } from "../../../src/services/Storage.js"

type AnyStore = Context.Context<Stores>

/** Some verbs of one store replaced; the function is given the store as it was. */
export const verbs =
  <I extends Stores, S extends object>(tag: Context.Tag<I, S>, replace: (store: S) => Partial<S>) =>
  (stores: AnyStore): AnyStore => {
    const store = Context.unsafeGet(stores, tag)
    return Context.add(stores, tag, { ...store, ...replace(store) }) as AnyStore
  }

/** Storage whose stores are changed by functions. */
export const changed = (...changes: ReadonlyArray<(stores: AnyStore) => AnyStore>): Layer.Layer<Storage> =>
  Layer.effect(
    Storage,
    Effect.map(Storage, (storage) =>
      Storage.of({
        ...storage,
        stores: (issuer) => changes.reduce((stores, change) => change(stores), storage.stores(issuer))
      })
    )
  ).pipe(Layer.provide(Layer.fresh(MemoryStore.layer)))

/** Storage that notes the verb of whatever is kept, changed or taken away. */
export const recorded = (written: Array<string>): Layer.Layer<Storage> => {
  const note =
    <S extends object>(of: string, ...names: ReadonlyArray<keyof S & string>) =>
    (store: S): Partial<S> =>
      Object.fromEntries(
        names.map((name) => {
          const verb = store[name] as (...parameters: ReadonlyArray<unknown>) => Effect.Effect<unknown>
          return [
            name,
            (...parameters: ReadonlyArray<unknown>) =>
              Effect.zipRight(
                Effect.sync(() => written.push(`${of}.${name}`)),
                verb(...parameters)
              )
          ]
        })
      ) as Partial<S>
  return changed(
    verbs(AccountStore, note("AccountStore", "insert", "insertFirst", "advanceEpoch")),
    verbs(ClientStore, note("ClientStore", "insert", "advanceEpoch")),
    verbs(ConsentStore, note("ConsentStore", "record", "withdraw")),
    verbs(GrantStore, note("GrantStore", "approve", "redeem", "rotate", "revoke", "revokeAll")),
    verbs(SessionStore, note("SessionStore", "insert", "end"))
  )
}
