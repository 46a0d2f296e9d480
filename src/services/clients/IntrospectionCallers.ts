/** Authenticates the caller of the introspection endpoint (RFC 7662 §2.1). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import type { InvalidClient, InvalidRequest, TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import { AuthMethods, type Presented, refuse } from "../AuthMethods.js"
import { digest, digestsEqual } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { ResourceStore } from "../stores/ResourceStore.js"
import { Caller } from "../tokens/Introspection.js"
import type { IdAndSecret } from "./BasicCredentials.js"
import { ClientAuthenticator } from "./ClientAuthenticator.js"
import * as SecretMethods from "./SecretMethods.js"

export class IntrospectionCallers extends Context.Tag("latchkey/IntrospectionCallers")<
  IntrospectionCallers,
  {
    /** Returns the caller: a resource server, or a confidential client. A public client is refused: its id proves nothing. */
    readonly authenticate: (
      presented: Presented
    ) => Effect.Effect<Caller, InvalidRequest | InvalidClient | TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const authenticator = yield* ClientAuthenticator
  const methods = yield* AuthMethods
  const resources = yield* ResourceStore

  const resourceServer = Effect.fnUntraced(function* ({ clientId, secret }: IdAndSecret) {
    if (clientId === "") return Option.none()
    const resource = yield* resources.findByServer(Resource.ResourceServerId.make(clientId, true))
    return Option.filter(resource, ({ credentials }) =>
      Option.exists(credentials, (stored) => digestsEqual(stored.digest, digest(secret)))
    )
  })

  return IntrospectionCallers.of({
    authenticate: Spans.fn("IntrospectionCallers.authenticate")(function* (presented) {
      // Refuses the credentials of two methods, also those of a resource server.
      yield* methods.choose(presented)
      const readings = yield* SecretMethods.readings(presented)
      for (const reading of readings) {
        const resource = yield* resourceServer(reading)
        if (Option.isSome(resource)) return Caller.ResourceServer({ resource: resource.value })
      }
      const client = yield* authenticator.authenticate(presented)
      return Client.isConfidential(client) ? Caller.Client({ client }) : yield* refuse("MissingCredentials")
    })
  })
})

export const layer = Layer.effect(IntrospectionCallers, make)
