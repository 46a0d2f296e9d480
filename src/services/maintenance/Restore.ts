/**
 * Revokes everything that was issued before a database was restored from a backup, so that nothing that was revoked since the
 * backup becomes valid again (ADR 23). Accounts, clients, resources and events stay.
 *
 * The storage has a new master key, and the keys in it are sealed under the old one. They are replaced first and removed
 * last: in between, and after a run that stopped halfway, neither master key opens all of them, so no server starts.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Events from "../events/Events.js"
import * as BulkRevocation from "../grants/BulkRevocation.js"
import * as RootKeys from "../keys/RootKeys.js"
import { AccountStore } from "../stores/AccountStore.js"
import { KeyState, KeyStore } from "../stores/KeyStore.js"
import * as Lists from "../stores/Lists.js"
import { layerStores, Storage } from "../stores/Storage.js"

/** Maximum number of accounts whose epochs are raised at the same time: a pool has at least as many connections. */
const concurrency = 8

const revokeAll = Effect.gen(function* () {
  const accounts = yield* AccountStore
  const bulk = yield* BulkRevocation.make
  // Sessions end with the epochs of their accounts, and remembered consents with their own.
  yield* Lists.accounts.pipe(
    Stream.mapEffect(({ id }) => BulkRevocation.again(accounts.advanceEpoch(id)), { concurrency }),
    Stream.runDrain
  )
  yield* bulk.withdraw({ everybody: true })
  // All grants are invalid by now. Marking them stores the reason in their rows.
  return (yield* bulk.grants({ everybody: true }, "Restored")).count
})

const ofIssuer = (issuer: Issuer) =>
  Effect.gen(function* () {
    const keys = yield* KeyStore
    const { masterKey } = yield* Storage
    const key = yield* RootKeys.create({ issuer, masterKey }, KeyState.Current())
    yield* keys.replace(key, yield* DateTime.now)
    const grants = yield* revokeAll
    yield* (yield* Events.Events).publish({ _tag: "Restored", grants })
    // These include a key that a server published that was not stopped.
    const others = (yield* keys.list).filter(({ id }) => id !== key.id)
    yield* Effect.forEach(others, ({ id }) => keys.remove(id), { discard: true })
    return grants
  }).pipe(Effect.provide(Layer.provideMerge(Events.layer, layerStores(issuer))))

/**
 * Revokes everything that these issuers have issued: grants, sessions, remembered consents, and all sealed texts. Returns
 * the number of grants. A run that stopped may be repeated.
 */
export const run = (issuers: ReadonlyArray<Issuer>): Effect.Effect<number, TemporarilyUnavailable, Storage> =>
  Effect.map(Effect.forEach(issuers, ofIssuer), (counts) => counts.reduce((sum, count) => sum + count, 0)).pipe(
    Effect.withSpan("Restore.run")
  )

/** Returns whether the storage's master key opens all keys of an issuer; if so, it is not a new master key. */
export const opensAllKeys = (issuer: Issuer): Effect.Effect<boolean, TemporarilyUnavailable, Storage> =>
  Effect.gen(function* () {
    const { masterKey } = yield* Storage
    return (yield* (yield* KeyStore).list).every((key) => Option.isSome(RootKeys.open({ issuer, masterKey }, key)))
  }).pipe(Effect.provide(layerStores(issuer)))
