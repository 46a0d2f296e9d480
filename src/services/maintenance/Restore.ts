/**
 * After the database was put back to an earlier time: everything that was given out until then ends, so that nothing
 * which was taken away since lives again (ADR 23). People, clients, resources and events stay.
 *
 * The storage has a new master key. The keys in it are of the old one, and are replaced first and removed last: in
 * between, and should this stop halfway, neither master key opens them all, and no server starts.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Events from "../events/Events.js"
import * as BulkRevocation from "../grants/BulkRevocation.js"
import * as RootKeys from "../keys/RootKeys.js"
import { AccountStore } from "../stores/AccountStore.js"
import { KeyState, KeyStore } from "../stores/KeyStore.js"
import { layerStores, Storage } from "../stores/Storage.js"

/** Number of accounts whose epochs are raised at the same time; not more than a pool has connections. */
const concurrency = 8

const end = Effect.gen(function* () {
  const accounts = yield* AccountStore
  const bulk = yield* BulkRevocation.make
  // Sessions end with the epochs of their accounts, and remembered consents with their own.
  yield* Effect.forEach(yield* accounts.list, ({ id }) => BulkRevocation.again(accounts.advanceEpoch(id)), {
    concurrency,
    discard: true
  })
  yield* bulk.withdraw({ everybody: true })
  // All of them are dead by now; the rows are to say why.
  return (yield* bulk.grants({ everybody: true }, "Restored")).count
})

const ofIssuer = (issuer: Issuer) =>
  Effect.gen(function* () {
    const keys = yield* KeyStore
    const { masterKey } = yield* Storage
    const key = yield* RootKeys.create({ issuer, masterKey }, KeyState.Current())
    yield* keys.replace(key, yield* DateTime.now)
    const grants = yield* end
    yield* (yield* Events.Events).publish({ _tag: "Restored", grants })
    // Also what a server published that was not stopped.
    const others = (yield* keys.list).filter(({ id }) => id !== key.id)
    yield* Effect.forEach(others, ({ id }) => keys.remove(id), { discard: true })
    return grants
  }).pipe(Effect.provide(Layer.provideMerge(Events.layer, layerStores(issuer))))

/**
 * Ends everything that was given out for these issuers: grants, sessions, remembered consents, and whatever was sealed.
 * Answers with how many grants it were. It may be repeated.
 */
export const run = (issuers: ReadonlyArray<Issuer>): Effect.Effect<number, TemporarilyUnavailable, Storage> =>
  Effect.map(Effect.forEach(issuers, ofIssuer), (counts) => counts.reduce((sum, count) => sum + count, 0)).pipe(
    Effect.withSpan("Restore.run")
  )

/** Whether the storage's master key opens all keys of an issuer: then it is no new one. */
export const isKnown = (issuer: Issuer): Effect.Effect<boolean, TemporarilyUnavailable, Storage> =>
  Effect.gen(function* () {
    const { masterKey } = yield* Storage
    return (yield* (yield* KeyStore).list).every((key) => Option.isSome(RootKeys.open({ issuer, masterKey }, key)))
  }).pipe(Effect.provide(layerStores(issuer)))
