/** Token introspection (RFC 7662): what the server knows of a token, for a caller that may know it. */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Client from "../../domain/Client.js"
import * as Grant from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RefreshToken from "../../domain/RefreshToken.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import type * as Scope from "../../domain/Scope.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import * as Time from "../../domain/Time.js"
import { Resources } from "../resources/Resources.js"
import * as ServerClock from "../ServerClock.js"
import * as Spans from "../Spans.js"
import { GrantStore } from "../stores/GrantStore.js"
import type { StoredResource } from "../stores/ResourceStore.js"
import { AccessTokens, type Audience } from "./AccessTokens.js"
import type { Access } from "./CurrentAccess.js"
import { RefreshChain } from "./RefreshChain.js"

/** The authenticated caller: the server of a resource, or a confidential client. */
export type Caller = Data.TaggedEnum<{
  ResourceServer: { readonly resource: StoredResource }
  Client: { readonly client: Client.Client }
}>
export const Caller = Data.taggedEnum<Caller>()

/** A token that is valid now, with the facts that the caller may know. */
export type ActiveToken = Data.TaggedEnum<{
  /** With those resources of the token that the caller may know. */
  AccessToken: { readonly access: Access; readonly audience: Audience }
  /** With the scope that a refresh gives now. */
  RefreshToken: { readonly terms: Grant.Terms; readonly scope: Scope.Scope; readonly expiresAt: DateTime.Utc }
}>
export const ActiveToken = Data.taggedEnum<ActiveToken>()

export class Introspection extends Context.Tag("latchkey/Introspection")<
  Introspection,
  {
    /**
     * Returns the token if it is valid now and the caller may know it; else `None`. A resource server may know access tokens
     * for its resource, and a client may know its own tokens (RFC 7662 §2.2, §4).
     */
    readonly introspect: (
      token: Redacted.Redacted,
      caller: Caller
    ) => Effect.Effect<Option.Option<ActiveToken>, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accessTokens = yield* AccessTokens
  const chains = yield* RefreshChain
  const grants = yield* GrantStore
  const resources = yield* Resources

  const accessToken = (token: Redacted.Redacted, caller: Caller) =>
    Caller.$match(caller, {
      ResourceServer: ({ resource }) =>
        Effect.map(accessTokens.verify(token, resource.uri), (access) => {
          // The caller's row was read just now; the list of resources that `verify` uses may be a second old.
          const scope = ScopeHierarchy.expand(Resource.hierarchy(resource), access.scope)
          return Option.some(ActiveToken.AccessToken({ access: { ...access, scope }, audience: [resource.uri] }))
        }),
      Client: ({ client }) =>
        Effect.map(accessTokens.verifyAll(token), (verified) =>
          verified.access.clientId === client.id ? Option.some(ActiveToken.AccessToken(verified)) : Option.none()
        )
    }).pipe(Effect.catchTag("InvalidToken", () => Effect.succeedNone))

  const refreshToken = Effect.fnUntraced(function* (token: RefreshToken.RefreshToken, caller: Caller) {
    const now = yield* ServerClock.now
    const grant = yield* grants.findActive(token.grantId, now, Option.none())
    if (caller._tag !== "Client" || Option.isNone(grant) || !Grant.isRefreshable(grant.value)) return Option.none()
    const { chain, terms } = grant.value
    const isCurrent =
      terms.clientId === caller.client.id &&
      token.generation === chain.value.generation &&
      Time.isBefore(now, chain.value.idleExpiresAt) &&
      Option.isSome(yield* chains.recognise(token, chain.value.key))
    if (!isCurrent) return Option.none()
    const scope = ResourceScopes.scope(ResourceScopes.expanded(terms.granted, yield* resources.all))
    return Option.some(ActiveToken.RefreshToken({ terms, scope, expiresAt: chain.value.idleExpiresAt }))
  })

  return Introspection.of({
    introspect: Spans.fn("Introspection.introspect")(function* (token, caller) {
      const refresh = RefreshToken.parse(Redacted.value(token))
      return Option.isSome(refresh) ? yield* refreshToken(refresh.value, caller) : yield* accessToken(token, caller)
    })
  })
})

export const layer = Layer.effect(Introspection, make)
