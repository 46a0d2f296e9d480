/**
 * Storage in the memory of the process, for tests and trials. It keeps every promise of the ports while the process lives.
 *
 * Each verb is one synchronous step, so no other verb runs between its condition and its change.
 *
 * @example
 * import { Layer } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as MemoryStorage from "latchkey/MemoryStorage"
 *
 * const Auth = AuthLayer.layer({ issuer: "http://localhost:3000", resources: [] }).pipe(
 *   Layer.provide(MemoryStorage.layer)
 * )
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Issuer } from "../domain/Issuer.js"
import { randomBytes } from "../services/keys/Crypto.js"
import { AccountStore } from "../services/stores/AccountStore.js"
import { ClientStore } from "../services/stores/ClientStore.js"
import { ConsentStore } from "../services/stores/ConsentStore.js"
import { EventLog } from "../services/stores/EventLog.js"
import { GrantStore } from "../services/stores/GrantStore.js"
import { HighWaterMark } from "../services/stores/HighWaterMark.js"
import { InitialAccessTokenStore } from "../services/stores/InitialAccessTokenStore.js"
import { KeyStore } from "../services/stores/KeyStore.js"
import { LeaseStore } from "../services/stores/LeaseStore.js"
import { LoginCounters } from "../services/stores/LoginCounters.js"
import { ResourceStore } from "../services/stores/ResourceStore.js"
import { RevokedTokenStore } from "../services/stores/RevokedTokenStore.js"
import { SessionStore } from "../services/stores/SessionStore.js"
import { SpentAssertionStore } from "../services/stores/SpentAssertionStore.js"
import { Storage, type Stores, standalone } from "../services/stores/Storage.js"
import * as MemoryAccountStore from "./memory/MemoryAccountStore.js"
import * as MemoryClientStore from "./memory/MemoryClientStore.js"
import * as MemoryConsentStore from "./memory/MemoryConsentStore.js"
import * as MemoryEventLog from "./memory/MemoryEventLog.js"
import * as MemoryGrantStore from "./memory/MemoryGrantStore.js"
import * as MemoryHighWaterMark from "./memory/MemoryHighWaterMark.js"
import * as MemoryInitialAccessTokenStore from "./memory/MemoryInitialAccessTokenStore.js"
import * as MemoryKeyStore from "./memory/MemoryKeyStore.js"
import * as MemoryLeaseStore from "./memory/MemoryLeaseStore.js"
import * as MemoryLoginCounters from "./memory/MemoryLoginCounters.js"
import * as MemoryResourceStore from "./memory/MemoryResourceStore.js"
import * as MemoryRevokedTokenStore from "./memory/MemoryRevokedTokenStore.js"
import * as MemorySessionStore from "./memory/MemorySessionStore.js"
import * as MemorySpentAssertionStore from "./memory/MemorySpentAssertionStore.js"
import * as Rows from "./memory/Rows.js"

const storesOf = (rows: Rows.Rows): Context.Context<Stores> =>
  Context.make(GrantStore, MemoryGrantStore.make(rows)).pipe(
    Context.add(ClientStore, MemoryClientStore.make(rows)),
    Context.add(AccountStore, MemoryAccountStore.make(rows)),
    Context.add(SessionStore, MemorySessionStore.make(rows)),
    Context.add(ConsentStore, MemoryConsentStore.make(rows)),
    Context.add(KeyStore, MemoryKeyStore.make(rows)),
    Context.add(ResourceStore, MemoryResourceStore.make(rows)),
    Context.add(InitialAccessTokenStore, MemoryInitialAccessTokenStore.make(rows)),
    Context.add(RevokedTokenStore, MemoryRevokedTokenStore.make(rows)),
    Context.add(SpentAssertionStore, MemorySpentAssertionStore.make(rows)),
    Context.add(EventLog, MemoryEventLog.make(rows)),
    Context.add(LoginCounters, MemoryLoginCounters.make(rows)),
    Context.add(LeaseStore, MemoryLeaseStore.make(rows)),
    Context.add(HighWaterMark, MemoryHighWaterMark.make(rows))
  )

const make = Effect.map(randomBytes(32), (masterKey) => {
  const issuers = new Map<Issuer, Context.Context<Stores>>()
  const stores = (issuer: Issuer): Context.Context<Stores> => {
    const known = issuers.get(issuer)
    if (known !== undefined) return known
    const made = storesOf(Rows.make())
    issuers.set(issuer, made)
    return made
  }
  return Storage.of({ ...standalone, stores, masterKey: Redacted.make(masterKey) })
})

/** Storage that is empty at first and is lost with the process. */
export const layer: Layer.Layer<Storage> = Layer.effect(Storage, make)
