/** Encrypted root keys in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { KeyState, type KeyStore, type StoredKey } from "../../services/stores/KeyStore.js"
import * as Rows from "./Rows.js"

const byCreation = Rows.byTime<StoredKey>(
  ({ createdAt }) => createdAt,
  ({ id }) => id
)

export const make = ({ keys }: Rows.Rows): Context.Tag.Service<KeyStore> => {
  const store = (key: StoredKey, state: KeyState) => keys.set(key.id, { ...key, state })
  const inState = (state: KeyState["_tag"]) => Array.from(keys.values()).filter((key) => key.state._tag === state)

  return {
    list: Effect.sync(() => Array.from(keys.values()).sort(byCreation)),
    insertFirst: (key) =>
      Effect.sync(() => {
        if (keys.size === 0) store(key, KeyState.Current())
      }),
    insertNext: (key) =>
      Effect.sync(() => {
        if (keys.has(key.id) || inState("Next").length > 0) return false
        store(key, KeyState.Next())
        return true
      }),
    promote: (id, now) =>
      Effect.sync(() => {
        const next = keys.get(id)
        if (next?.state._tag !== "Next") return false
        for (const current of inState("Current")) store(current, KeyState.Retired({ at: now }))
        store(next, KeyState.Current())
        return true
      }),
    replace: (key, now) =>
      Effect.sync(() => {
        for (const other of keys.values()) store(other, KeyState.Replaced({ at: now }))
        store(key, KeyState.Current())
      }),
    remove: (id) => Effect.sync(() => keys.get(id)?.state._tag !== "Current" && keys.delete(id))
  }
}
