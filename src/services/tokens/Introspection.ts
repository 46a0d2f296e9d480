/** What is known of a token, told to those who may know it (RFC 7662). */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Client from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import { InvalidClient, type TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as Time from "../../domain/Time.js"
import { ClientAuthenticator, ClientCredentials, type IdAndSecret } from "../ClientAuthenticator.js"
import { digest, digestsEqual } from "../keys/Crypto.js"
import { Resources } from "../resources/Resources.js"
import { GrantStore } from "../stores/GrantStore.js"
import { ResourceStore, type StoredResource } from "../stores/ResourceStore.js"
import { AccessTokens, type Audience } from "./AccessTokens.js"
import type { Access } from "./CurrentAccess.js"
import { RefreshChain } from "./RefreshChain.js"

/** Who asks: the server of a resource, or a client that keeps a secret. */
export type Asker = Data.TaggedEnum<{
  ResourceServer: { readonly resource: StoredResource }
  Client: { readonly client: Client.Client }
}>
export const Asker = Data.taggedEnum<Asker>()

/** A token that is good now, as far as the asker may know it. */
export type Known = Data.TaggedEnum<{
  /** With the resources of the token that are the asker's business. */
  AccessToken: { readonly access: Access; readonly audience: Audience }
  /** With the scope that a refresh gives now. */
  RefreshToken: { readonly terms: Grant.Terms; readonly scope: Scope.Scope; readonly expiresAt: DateTime.Utc }
}>
export const Known = Data.taggedEnum<Known>()

export class Introspection extends Context.Tag("latchkey/Introspection")<
  Introspection,
  {
    /** Who asks. A public client may not: its id alone proves nothing. */
    readonly authenticate: (
      credentials: ClientCredentials
    ) => Effect.Effect<Asker, InvalidClient | TemporarilyUnavailable>
    /**
     * `None` for every token that is not good, or not the asker's business: a resource server knows of access tokens for
     * its resource, and a client of its own tokens (RFC 7662 §2.2, §4).
     */
    readonly introspect: (
      token: Redacted.Redacted,
      asker: Asker
    ) => Effect.Effect<Option.Option<Known>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accessTokens = yield* AccessTokens
  const authenticator = yield* ClientAuthenticator
  const chains = yield* RefreshChain
  const grants = yield* GrantStore
  const resources = yield* Resources
  const servers = yield* ResourceStore

  const resourceServer = Effect.fnUntraced(function* ({ clientId, secret }: IdAndSecret) {
    const resource = yield* Option.match(Schema.decodeOption(Resource.ResourceServerId)(clientId), {
      onNone: () => Effect.succeedNone,
      onSome: servers.findByServer
    })
    return Option.filter(resource, ({ credentials }) =>
      Option.exists(credentials, (stored) => digestsEqual(stored.digest, digest(secret)))
    )
  })

  /** The access of a token, as far as it is the asker's business; `None` where it is not, and for a token that is not good. */
  const accessToken = (token: Redacted.Redacted, asker: Asker) =>
    Asker.$match(asker, {
      ResourceServer: ({ resource }) =>
        Effect.map(accessTokens.verify(token, resource.uri), (access) => {
          // The row was read just now; the list of resources may be a second old.
          const scope = Scope.intersection(access.scope, Resource.scope(resource))
          return Option.some(Known.AccessToken({ access: { ...access, scope }, audience: [resource.uri] }))
        }),
      Client: ({ client }) =>
        Effect.map(accessTokens.verifyAll(token), (known) =>
          known.access.clientId === client.id ? Option.some(Known.AccessToken(known)) : Option.none()
        )
    }).pipe(Effect.catchTag("InvalidToken", () => Effect.succeedNone))

  const refreshToken = Effect.fnUntraced(function* (token: RefreshToken.RefreshToken, asker: Asker) {
    const now = yield* DateTime.now
    const grant = yield* grants.findActive(token.grantId, now, Option.none())
    if (asker._tag !== "Client" || Option.isNone(grant) || !Grant.isRefreshable(grant.value)) return Option.none()
    const { chain, terms } = grant.value
    const isCurrent =
      terms.clientId === asker.client.id &&
      token.generation === chain.value.generation &&
      Time.isBefore(now, chain.value.idleExpiresAt) &&
      Option.isSome(yield* chains.recognise(token, chain.value.key))
    if (!isCurrent) return Option.none()
    const offered = ResourceScopes.offeredBy(yield* resources.all, ResourceScopes.scope(terms.granted))
    const scope = ResourceScopes.scope(ResourceScopes.intersection(terms.granted, offered))
    return Option.some(Known.RefreshToken({ terms, scope, expiresAt: chain.value.idleExpiresAt }))
  })

  return Introspection.of({
    authenticate: Effect.fn("Introspection.authenticate")(function* (credentials) {
      const readings = ClientCredentials.$match(credentials, {
        None: () => [],
        Post: (reading) => [reading],
        Basic: ({ readings }) => readings
      })
      for (const reading of readings) {
        const resource = yield* resourceServer(reading)
        if (Option.isSome(resource)) return Asker.ResourceServer({ resource: resource.value })
      }
      const client = yield* authenticator.authenticate(credentials)
      return Client.isConfidential(client)
        ? Asker.Client({ client })
        : yield* new InvalidClient({ reason: "MissingCredentials", description: "client authentication failed" })
    }),
    introspect: Effect.fn("Introspection.introspect")(function* (token, asker) {
      const refresh = RefreshToken.parse(Redacted.value(token))
      return Option.isSome(refresh) ? yield* refreshToken(refresh.value, asker) : yield* accessToken(token, asker)
    })
  })
})

export const layer = Layer.effect(Introspection, make)
