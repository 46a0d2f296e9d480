/** Where clients are kept. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Client, ClientId } from "../domain/Client.js"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"

export class ClientStore extends Context.Tag("latchkey/ClientStore")<
  ClientStore,
  {
    /** Keep a new client. When this returns, every node finds it. Its id is drawn at random and never taken. */
    readonly insert: (client: Client) => Effect.Effect<void, TemporarilyUnavailable>
    readonly find: (id: ClientId) => Effect.Effect<Option.Option<Client>, TemporarilyUnavailable>
    /** All clients, the oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Client>, TemporarilyUnavailable>
    /** Raise the client's epoch: from here on no grant made under an earlier one is redeemed, rotated or active. */
    readonly advanceEpoch: (id: ClientId) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}
