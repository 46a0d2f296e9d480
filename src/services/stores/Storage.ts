/**
 * A place where everything is kept: what a user swaps to change the storage. It gives the stores of one issuer, whose
 * rows are its own, and the master key, which does not lie in the database.
 */
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
import type { KeyStore } from "./KeyStore.js"
import type { LeaseStore } from "./LeaseStore.js"
import type { LoginCounters } from "./LoginCounters.js"
import type { ResourceStore } from "./ResourceStore.js"
import type { RevokedTokenStore } from "./RevokedTokenStore.js"
import type { SessionStore } from "./SessionStore.js"

/** All stores of one issuer. */
export type Stores =
  | AccountStore
  | ClientStore
  | ConsentStore
  | EventLog
  | GrantStore
  | KeyStore
  | LoginCounters
  | ResourceStore
  | RevokedTokenStore
  | SessionStore

/** Why writes fail, for the operator. */
export interface Outage {
  /** The database's code, such as `SQLITE_FULL`. */
  readonly code: string
  /** The database's words. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
  /** What ends it: a write that succeeds, or a restart, where no write can show that all is well. */
  readonly lastsUntil: "Write" | "Restart"
}

export class Storage extends Context.Tag("latchkey/Storage")<
  Storage,
  {
    /** The stores of an issuer. Two issuers never see each other's rows, in one database or in two. */
    readonly stores: (issuer: Issuer) => Context.Context<Stores>
    /** Leases that the nodes of one database share. Without them each node does all of the upkeep, which does no harm. */
    readonly leases?: (issuer: Issuer) => Context.Tag.Service<LeaseStore>
    /**
     * The greatest time that an issuer's servers have seen. Without it a clock that went back, or far forward, while no
     * server ran goes unnoticed.
     */
    readonly highWaterMark?: (issuer: Issuer) => Context.Tag.Service<HighWaterMark>
    /** How many rows one statement of upkeep may delete where that holds nobody up; without it there are few. */
    readonly batch?: number
    /** The issuers that have keys in it; without it that is not known. */
    readonly issuers?: Effect.Effect<ReadonlyArray<string>, TemporarilyUnavailable>
    /**
     * The time by a clock that all nodes share, in milliseconds since 1970; without it nodes are on one machine. A node
     * that is far from it is not ready.
     */
    readonly clock?: Effect.Effect<number, TemporarilyUnavailable>
    /** Fails while what is written is not kept, and tries whether it is again; without it a storage that answers is well. */
    readonly check?: Effect.Effect<void, TemporarilyUnavailable>
    /** Waits until what is written is not kept, and answers why; from then on `check` fails until it is kept again. */
    readonly outage?: Effect.Effect<Outage>
    /** 32 bytes that open the root keys. */
    readonly masterKey: Redacted.Redacted<Uint8Array>
  }
>() {}

/** The stores of one issuer, out of the storage. */
export const layerStores = (issuer: Issuer): Layer.Layer<Stores, never, Storage> =>
  Layer.effectContext(Effect.map(Storage, (storage) => storage.stores(issuer)))
