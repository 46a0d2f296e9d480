/** Where clients are kept. */
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Client, ClientId, ClientMetadata, StoredSecret } from "../../domain/Client.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"

/** A change of a client's metadata. */
export interface MetadataChange {
  /** The metadata that the caller read. */
  readonly from: ClientMetadata
  readonly to: ClientMetadata
  /** The secret from now on, where the client begins or ceases to keep one; if it is missing, the secret stays. */
  readonly secret?: Option.Option<StoredSecret>
}

export class ClientStore extends Context.Tag("latchkey/ClientStore")<
  ClientStore,
  {
    /** Keep a new client. When this returns, every node finds it. Its id is drawn at random and never taken. */
    readonly insert: (client: Client) => Effect.Effect<void, TemporarilyUnavailable>
    /**
     * Keep a client that registered itself. Of those that were never used at most `atMost` are kept: where there are as
     * many, this client takes the place of the one that registered first. No number of concurrent calls makes more of them.
     * A client that was used, even a moment ago, is never removed, nor is one of the operator's.
     *
     * Answers with the number of clients that were never used, this one among them; 0 where `atMost` is 0, and nothing was
     * kept.
     */
    readonly insertDynamic: (client: Client, atMost: number) => Effect.Effect<number, TemporarilyUnavailable>
    readonly find: (id: ClientId) => Effect.Effect<Option.Option<Client>, TemporarilyUnavailable>
    /** All clients, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Client>, TemporarilyUnavailable>
    /** Store when the client was used; a use within `usePrecision` of the stored one, or before it, changes nothing. */
    readonly markUsed: (id: ClientId, now: DateTime.Utc) => Effect.Effect<void, TemporarilyUnavailable>
    /** Disabling raises the epoch in the same statement. `false` when there is no such client. */
    readonly setState: (id: ClientId, state: Client["state"]) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** A new secret raises the epoch in the same statement, and the old one is dead. `false` when there is no such client. */
    readonly setSecret: (id: ClientId, secret: StoredSecret) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Replace the client's metadata if they still are those that the caller read: of any number of concurrent changes from
     * one reading exactly one is stored. A change of the secret raises the epoch in the same statement; otherwise the epoch
     * stays. `false` when nothing was stored: there is no such client, or its metadata are others by now.
     */
    readonly setMetadata: (id: ClientId, change: MetadataChange) => Effect.Effect<boolean, TemporarilyUnavailable>
    /**
     * Forget the client. Nothing made for it is good for anything, and no later client gets its id, which was drawn at
     * random. What people allowed it stays, and allows nobody anything.
     */
    readonly remove: (id: ClientId) => Effect.Effect<boolean, TemporarilyUnavailable>
    /** Delete at most `limit` clients that registered themselves before an instant and were never used; answers with how many. */
    readonly removeUnused: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /**
     * Delete at most `limit` clients that registered themselves, were last used before an instant, and have no grant left,
     * in whatever state; answers with how many. A client whose use is being stored at the same moment stays.
     */
    readonly removeAbandoned: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Number of clients that registered themselves before an instant and were never used: what `removeUnused` would delete. */
    readonly countUnused: (before: DateTime.Utc) => Effect.Effect<number, TemporarilyUnavailable>
    /**
     * Delete at most `limit` clients that registered themselves, were last used before an instant, and of which nobody holds
     * anything: no grant, in whatever state, and no consent that allows something. Answers with how many. A client whose use
     * is being stored at the same moment stays.
     */
    readonly removeIdle: (before: DateTime.Utc, limit: number) => Effect.Effect<number, TemporarilyUnavailable>
    /** Number of clients that `removeIdle` would delete. */
    readonly countIdle: (before: DateTime.Utc) => Effect.Effect<number, TemporarilyUnavailable>
    /** Raise the client's epoch: from here on no grant made under an earlier one is redeemed, rotated or active. */
    readonly advanceEpoch: (id: ClientId) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
