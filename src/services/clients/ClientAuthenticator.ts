/** Authenticates clients, before any code or token is read (RFC 6749 §3.2.1). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type Client, isConfidential, parseId } from "../../domain/Client.js"
import type { InvalidClient, InvalidRequest, TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { AuthMethods, type Find, type Presented } from "../AuthMethods.js"
import { identify } from "../events/Origin.js"
import * as Spans from "../Spans.js"
import { ClientStore } from "../stores/ClientStore.js"

export class ClientAuthenticator extends Context.Tag("latchkey/ClientAuthenticator")<
  ClientAuthenticator,
  {
    /**
     * Returns the client of a request, by the method of its credentials. A client with a secret may send it in the header or in
     * the body; the log says if it registered the other method (ADR 30). A public client sends no secret, or an empty one. Only
     * the operator's log distinguishes an unknown client from wrong credentials.
     */
    readonly authenticate: (
      presented: Presented
    ) => Effect.Effect<Client, InvalidRequest | InvalidClient | TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const methods = yield* AuthMethods

  const find: Find = (clientId) =>
    Option.match(parseId(clientId), {
      onNone: () => Effect.succeedNone,
      onSome: (id) =>
        Effect.map(clients.find(id), (client) => {
          // Only for a known client: a client may send any text as its id.
          if (Option.isSome(client)) Spans.annotate({ clientId: client.value.id })
          return client
        })
    })

  return ClientAuthenticator.of({
    authenticate: Spans.fn("ClientAuthenticator.authenticate")(function* (presented) {
      const attempt = yield* methods.choose(presented)
      const client = yield* attempt(find)
      identify({ _tag: "Client", clientId: client.id, isAuthenticated: isConfidential(client) })
      return client
    })
  })
})

export const layer = Layer.effect(ClientAuthenticator, make)
