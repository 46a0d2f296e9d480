/** Authenticates the caller of the introspection endpoint (RFC 7662 §2.1). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { InvalidClient, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import { digest, digestsEqual } from "../keys/Crypto.js"
import * as Spans from "../Spans.js"
import { ResourceStore } from "../stores/ResourceStore.js"
import { Caller } from "../tokens/Introspection.js"
import { ClientAuthenticator, ClientCredentials, type IdAndSecret } from "./ClientAuthenticator.js"

export class IntrospectionCallers extends Context.Tag("latchkey/IntrospectionCallers")<
  IntrospectionCallers,
  {
    /** Returns the caller: a resource server, or a confidential client. A public client is refused: its id proves nothing. */
    readonly authenticate: (
      credentials: ClientCredentials
    ) => Effect.Effect<Caller, InvalidClient | TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const authenticator = yield* ClientAuthenticator
  const resources = yield* ResourceStore

  const resourceServer = Effect.fnUntraced(function* ({ clientId, secret }: IdAndSecret) {
    if (clientId === "") return Option.none()
    const resource = yield* resources.findByServer(Resource.ResourceServerId.make(clientId, true))
    return Option.filter(resource, ({ credentials }) =>
      Option.exists(credentials, (stored) => digestsEqual(stored.digest, digest(secret)))
    )
  })

  return IntrospectionCallers.of({
    authenticate: Spans.fn("IntrospectionCallers.authenticate")(function* (credentials) {
      const readings = ClientCredentials.$match(credentials, {
        None: () => [],
        Post: (reading) => [reading],
        Basic: ({ readings }) => readings
      })
      for (const reading of readings) {
        const resource = yield* resourceServer(reading)
        if (Option.isSome(resource)) return Caller.ResourceServer({ resource: resource.value })
      }
      const client = yield* authenticator.authenticate(credentials)
      return Client.isConfidential(client)
        ? Caller.Client({ client })
        : yield* new InvalidClient({ reason: "MissingCredentials", description: "client authentication failed" })
    })
  })
})

export const layer = Layer.effect(IntrospectionCallers, make)
