/** Finds the public keys of clients: in their metadata, or at the address that their metadata name. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Client } from "../../domain/Client.js"
import type * as ClientKeySet from "../../domain/ClientKeySet.js"
import { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { ClientDocuments } from "./ClientDocuments.js"
import * as RemoteKeys from "./RemoteKeys.js"

/** The keys of a client at one moment. */
export interface KnownKeys {
  readonly keys: ReadonlyArray<ClientKeySet.PublicKey>
  /**
   * Looks for newer keys, because none of these made a signature. `None` if there is nothing newer, or if the last look was a
   * short time ago. Fails if it cannot tell.
   */
  readonly newer: Effect.Effect<Option.Option<ReadonlyArray<ClientKeySet.PublicKey>>, TemporarilyUnavailable>
}

export class ClientKeys extends Context.Tag("latchkey/ClientKeys")<
  ClientKeys,
  {
    /** Returns the keys of a client; none if it has none. Fails if they cannot be fetched. */
    readonly of: (client: Client) => Effect.Effect<KnownKeys, TemporarilyUnavailable>
  }
>() {}

/** The document cannot be read now. The client keeps its tokens, and tries again. */
const noDocument = () =>
  new TemporarilyUnavailable({
    reason: "ClientKeysUnavailable",
    description: "the metadata document of the client cannot be read"
  })

const none: KnownKeys = { keys: [], newer: Effect.succeedNone }

const make = Effect.map(Effect.all([RemoteKeys.RemoteKeys, ClientDocuments]), ([remote, documents]) => {
  /** The keys in the present metadata document of a client: a client replaces its keys by changing the document. */
  const ofDocument = Effect.fnUntraced(
    function* ({ id }: Client) {
      const { jwks = { keys: [] } } = yield* documents.find(id)
      const newer = Effect.map(documents.findAgain(id), ({ jwks: again }) =>
        again === undefined || again === jwks ? Option.none() : Option.some(again.keys)
      )
      return { keys: jwks.keys, newer: Effect.catchTag(newer, "DocumentRefused", noDocument) }
    },
    Effect.catchTag("DocumentRefused", noDocument)
  )

  return ClientKeys.of({
    of: (client) => {
      const { jwks, jwks_uri } = client.metadata
      if (jwks !== undefined && client.origin === "Document") return ofDocument(client)
      if (jwks !== undefined) return Effect.succeed({ keys: jwks.keys, newer: Effect.succeedNone })
      if (jwks_uri === undefined) return Effect.succeed(none)
      return Effect.map(remote.get(jwks_uri), (fetched) => ({
        keys: fetched.keys,
        newer: Effect.map(
          remote.newer(jwks_uri, fetched),
          Option.map(({ keys }) => keys)
        )
      }))
    }
  })
})

export const layer = Layer.provide(Layer.effect(ClientKeys, make), RemoteKeys.layer)
