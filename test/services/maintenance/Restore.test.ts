/** `latchkey db restored` revokes everything on any storage, also after it stopped halfway. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { Issuer } from "../../../src/domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as Keyring from "../../../src/services/keys/Keyring.js"
import * as Restore from "../../../src/services/maintenance/Restore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import {
  alice,
  app,
  at,
  digest,
  grant,
  introduce,
  redemption,
  session
} from "../../../src/testing/contracts/fixtures.js"
import { storesOf } from "../../../src/testing/contracts/Nodes.js"
import { settings } from "../settings.js"

const issuer = Issuer.make("https://auth.example.com")
const other = Issuer.make("https://other.example.com")

type StorageService = Storage["Type"]

const under = (storage: StorageService, masterKey: Redacted.Redacted<Uint8Array>): StorageService => ({
  ...storage,
  masterKey
})
const newKey = Redacted.make(new Uint8Array(32).fill(9))

/** Starts the keys of a node on a storage. */
const start = (storage: StorageService, as = issuer) =>
  Effect.gen(function* () {
    const keyring = yield* Keyring.Keyring
    return yield* keyring.current
  }).pipe(
    Effect.provide(
      Keyring.layer.pipe(
        Layer.provide(Layer.succeedContext(storage.stores(as))),
        Layer.provide(Layer.succeed(Storage, storage)),
        Layer.provide(settings(as))
      )
    )
  )

const run = (storage: StorageService, ...issuers: ReadonlyArray<Issuer>) =>
  Effect.provideService(Restore.run(issuers), Storage, storage)

/** A storage with an active grant and a session of each issuer. */
const inUse = Effect.gen(function* () {
  const storage = yield* Storage
  for (const one of [issuer, other]) {
    const stores = storesOf(storage, one)
    yield* introduce(stores)
    yield* stores.grants.approve(grant())
    yield* stores.grants.redeem(redemption(grant()))
    yield* stores.sessions.insert(session(1))
    yield* start(storage, one)
  }
  return storage
}).pipe(Effect.provide(MemoryStorage.layer))

describe("a restore", () => {
  it.effect("a restore revokes grants, codes, sessions and remembered consents, and keeps accounts and clients", () =>
    Effect.gen(function* () {
      const storage = yield* inUse
      const stores = storesOf(storage, issuer)
      expect(yield* run(under(storage, newKey), issuer)).toBe(1)
      expect(yield* stores.grants.find(grant().terms.id)).toMatchObject({ value: { reason: "Restored" } })
      expect(yield* stores.sessions.find(digest("session-1"), at(2))).toEqual(Option.none())
      expect(yield* stores.consents.list(alice)).toEqual([])
      expect(Option.isSome(yield* stores.accounts.find(alice))).toBe(true)
      expect(Option.isSome(yield* stores.clients.find(app))).toBe(true)
      expect(yield* stores.events.read({ limit: 9 })).toMatchObject([{ kind: { _tag: "Restored", grants: 1 } }])
      // The grants and sessions of the other issuer stay.
      const otherStores = storesOf(storage, other)
      expect(yield* otherStores.grants.find(grant().terms.id)).toMatchObject({ value: { _tag: "Active" } })
      expect(Option.isSome(yield* otherStores.sessions.find(digest("session-1"), at(2)))).toBe(true)
    })
  )

  it.effect("after a restore only the new master key opens the database", () =>
    Effect.gen(function* () {
      const storage = yield* inUse
      const before = yield* start(storage)
      yield* run(under(storage, newKey), issuer)
      const after = yield* start(under(storage, newKey))
      expect(after.id).not.toBe(before.id)
      expect((yield* Effect.flip(start(storage)))._tag).toBe("WrongMasterKey")
      expect(yield* storesOf(storage, issuer).keys.list).toMatchObject([{ id: after.id }])
    })
  )

  it.live("after a restore that stopped halfway no server starts, and a second restore completes it", () =>
    Effect.gen(function* () {
      const storage = yield* inUse
      const unavailable = new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
      const failing: StorageService = {
        ...under(storage, newKey),
        stores: (one) => {
          const stores = storage.stores(one)
          return Context.add(stores, GrantStore, {
            ...Context.get(stores, GrantStore),
            revokeAll: () => Effect.fail(unavailable)
          })
        }
      }
      expect(yield* Effect.exit(run(failing, issuer))).toEqual(Exit.fail(unavailable))
      for (const storageOf of [storage, under(storage, newKey)]) {
        expect((yield* Effect.flip(start(storageOf)))._tag).toBe("WrongMasterKey")
      }
      expect(yield* Effect.provideService(Restore.opensAllKeys(issuer), Storage, under(storage, newKey))).toBe(false)
      expect(yield* run(under(storage, newKey), issuer)).toBe(1)
      expect(yield* Effect.provideService(Restore.opensAllKeys(issuer), Storage, under(storage, newKey))).toBe(true)
      yield* start(under(storage, newKey))
    })
  )
})
