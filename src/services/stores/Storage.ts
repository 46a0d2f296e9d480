/**
 * The whole storage of a server: an app swaps this service to change the database. It provides the stores of each issuer,
 * which read and write only the rows of that issuer, and the master key, which is not stored in the database.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { Issuer } from "../../domain/Issuer.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { AccountStore } from "./AccountStore.js"
import type { ClientStore } from "./ClientStore.js"
import type { ConsentStore } from "./ConsentStore.js"
import type { EventLog } from "./EventLog.js"
import type { GrantStore } from "./GrantStore.js"
import type { HighWaterMark } from "./HighWaterMark.js"
import type { InitialAccessTokenStore } from "./InitialAccessTokenStore.js"
import type { KeyStore } from "./KeyStore.js"
import type { LeaseStore } from "./LeaseStore.js"
import type { LoginCounters } from "./LoginCounters.js"
import type { ResourceStore } from "./ResourceStore.js"
import type { RevokedTokenStore } from "./RevokedTokenStore.js"
import type { SessionStore } from "./SessionStore.js"
import type { SpentAssertionStore } from "./SpentAssertionStore.js"

/** All stores of one issuer. */
export type Stores =
  | AccountStore
  | ClientStore
  | ConsentStore
  | EventLog
  | GrantStore
  | HighWaterMark
  | InitialAccessTokenStore
  | KeyStore
  | LeaseStore
  | LoginCounters
  | ResourceStore
  | RevokedTokenStore
  | SessionStore
  | SpentAssertionStore

/** Why writes fail, for the operator. */
export interface Outage {
  /** The error code of the database, such as `SQLITE_FULL`. */
  readonly code: string
  /** The error message of the database. */
  readonly message: string
  /** The action that the operator should take. */
  readonly remedy: string
  /** The event that ends the outage: a successful write, or a restart where no write can prove that the database works. */
  readonly lastsUntil: "Write" | "Restart"
}

export class Storage extends Context.Tag("latchkey/Storage")<
  Storage,
  {
    /**
     * The stores of an issuer. Two issuers never see each other's rows, whether they share a database or not. Two calls for
     * one issuer return stores of the same rows.
     */
    readonly stores: (issuer: Issuer) => Context.Context<Stores>
    /** The issuers that have keys in the storage. Empty if the storage does not know them. */
    readonly issuers: Effect.Effect<ReadonlyArray<string>, TemporarilyUnavailable>
    /**
     * The time of the clock that all nodes share, in milliseconds since 1970. A node whose own clock differs too much is not
     * ready. A storage for one machine returns the clock of the process.
     */
    readonly clock: Effect.Effect<number, TemporarilyUnavailable>
    /** Fails while writes are not durable; probes whether the storage has recovered. */
    readonly check: Effect.Effect<void, TemporarilyUnavailable>
    /** Waits until writes stop being durable, and returns the reason. From then on `check` fails until the outage is over. */
    readonly outage: Effect.Effect<Outage>
    /**
     * Maximum number of rows that one maintenance statement may delete without delaying other writes. Maintenance uses it
     * where it is larger than its own batch size.
     */
    readonly batchSize: number
    /**
     * Returns a number that changes with every change, of any node, that may revoke access: a revocation, a new
     * epoch, a deleted row, another resource. `undefined` if the storage does not know it at once. While the number stays the
     * same, a guard may use what it has read before. It runs on every guarded request.
     */
    readonly revision: () => number | undefined
    /** 32 bytes that decrypt the root keys. */
    readonly masterKey: Redacted.Redacted<Uint8Array>
  }
>() {}

/**
 * The members of a storage on one machine that cannot tell whether its writes are durable. An implementation spreads them and
 * replaces those that it can do better.
 *
 * @example
 * import * as Storage from "latchkey/Storage"
 *
 * declare const own: Pick<Storage.Storage["Type"], "stores" | "masterKey">
 * const storage = Storage.Storage.of({ ...Storage.standalone, ...own })
 */
export const standalone = {
  issuers: Effect.succeed([]),
  clock: Clock.currentTimeMillis,
  check: Effect.void,
  outage: Effect.never,
  batchSize: 1,
  revision: () => undefined
} satisfies Partial<Storage["Type"]>

/** The stores of one issuer as a layer. */
export const layerStores = (issuer: Issuer): Layer.Layer<Stores, never, Storage> =>
  Layer.effectContext(Effect.map(Storage, (storage) => storage.stores(issuer)))
