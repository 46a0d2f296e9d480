/** Stores clients. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Client, ClientId, ClientMetadata, StoredSecret } from "../../domain/Client.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Page } from "./Paging.js"

/** The position of a client in the list of clients. */
export type ClientCursor = Pick<Client, "issuedAt" | "id">

/** A change of a client's metadata. */
export interface MetadataChange {
  /** The metadata that the caller read. */
  readonly from: ClientMetadata
  readonly to: ClientMetadata
  /**
   * If it is missing, the client authenticates as before. Otherwise the new secret, or `None` if the client authenticates without
   * a secret from now on: by a key, or not at all.
   */
  readonly secret?: Option.Option<StoredSecret>
}

export class ClientStore extends Context.Tag("latchkey/ClientStore")<
  ClientStore,
  {
    /** Store a new client. When this returns, every node finds it. The id is drawn at random and is never taken. */
    readonly insert: (client: Client) => Effect.Effect<void, TemporarilyUnavailable>
    /**
     * Store a client that registered itself. The store keeps at most `atMost` such clients that were never used: if there are
     * as many already, the new client replaces the one that registered first. No number of concurrent calls makes more of them.
     * A client that was used, even a moment ago, is never deleted, and no client of the operator is.
     *
     * Returns the number of clients that were never used, including the new one. Returns 0 if `atMost` is 0; then nothing was
     * stored.
     */
    readonly insertDynamic: (client: Client, atMost: number) => Effect.Effect<number, TemporarilyUnavailable>
    /**
     * Store the client of a metadata document, or its new metadata if it is stored already: then its state, approval, last use
     * and epoch stay as they are. Returns the stored client. The client's epoch must be larger than every epoch of an earlier
     * client of this id that was deleted.
     */
    readonly record: (client: Client) => Effect.Effect<Client, TemporarilyUnavailable>
    readonly find: (id: ClientId) => Effect.Effect<Option.Option<Client>, TemporarilyUnavailable>
    /** Returns clients from the oldest to the newest; clients of the same time are in the order of their ids. */
    readonly list: (page: Page<ClientCursor>) => Effect.Effect<ReadonlyArray<Client>, TemporarilyUnavailable>
    /** Store the time of a use. A use within `usePrecision` after the stored one, or before it, changes nothing. */
    readonly markUsed: (id: ClientId, now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
    /** Enable or disable the client. Disabling raises the epoch in the same statement. `false` if there is no such client. */
    readonly setState: (id: ClientId, state: Client["state"]) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Store the operator's approval, or its end. Changes no epoch. `false` if there is no such client. */
    readonly setApproval: (id: ClientId, approval: Client["approval"]) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Store a new secret in place of the old one and raise the epoch in the same statement. `false` if there is no such client. */
    readonly setSecret: (id: ClientId, secret: StoredSecret) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Replace the client's metadata if they still equal those that the caller read. Exactly one of any number of concurrent
     * changes from one reading is stored. A change with a `secret` raises the epoch in the same statement; otherwise the epoch
     * does not change. `false` if nothing was stored: there is no such client, or its metadata have changed.
     */
    readonly setMetadata: (id: ClientId, change: MetadataChange) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Delete the client. Nothing made for it is valid afterwards, and no later client gets its id, which was drawn at random.
     * The consents of users to it stay, and allow nothing.
     */
    readonly remove: (id: ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Delete at most `limit` clients that registered themselves before an instant and were never used. Returns their number.
     */
    readonly removeUnused: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /**
     * Delete at most `limit` clients that the operator did not create, were last used before an instant, and have no grant in
     * any state. A client of a metadata document stays if the operator approved or disabled it. Returns their number. A client
     * whose use is stored at the same moment stays.
     */
    readonly removeAbandoned: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Returns the number of clients that `removeUnused` would delete. */
    readonly countUnused: (before: DateTime.Utc) => Effect.Effect<number, TemporarilyUnavailable>
    /**
     * As `removeAbandoned`, of the clients without a consent that allows something. Returns their number. A client whose use is
     * stored at the same moment stays.
     */
    readonly removeIdle: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Returns the number of clients that `removeIdle` would delete. */
    readonly countIdle: (before: DateTime.Utc) => Effect.Effect<number, TemporarilyUnavailable>
    /** Raise the epoch of the client. From then on no grant of an earlier epoch is redeemed, rotated or active. */
    readonly advanceEpoch: (id: ClientId) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
