/** The scope and the resources of an authorization request (RFC 6749 §3.3, RFC 8707 §2.1). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Client from "../../domain/Client.js"
import { InvalidScope } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import * as RequestedResources from "../resources/RequestedResources.js"

/** Maximum number of resources of one request, so that an access token that names them stays below 2 KiB. */
const maxResources = 8

/** Reads `scope` and `resource` of a request against all resources of the server. */
export const read = Effect.fnUntraced(function* (
  parameters: Parameters.Parameters,
  client: Client.Client,
  all: ReadonlyArray<Resource.Resource>
) {
  const [scopeText] = Parameters.all(parameters, "scope")
  const requested = yield* Effect.transposeMapOption(Option.fromNullable(scopeText), Parameters.scope)
  const known = all.map(Resource.forUsers)
  const named = yield* RequestedResources.named(known, Parameters.all(parameters, "resource"))
  if (Option.exists(named, ({ length }) => length > maxResources)) return yield* RequestedResources.tooMany
  const candidates = Option.getOrElse(named, () =>
    RequestedResources.defaults(
      known,
      Option.getOrElse(requested, () => Scope.empty)
    )
  )
  const scope = yield* readScope(requested, client, { all, known, candidates }, Option.isSome(named))
  const resources = Option.getOrElse(named, () =>
    RequestedResources.withScope(candidates, scope).slice(0, maxResources)
  )
  yield* RequestedResources.requireCompatible(resources)
  return { scope, resources }
})

/** All resources, those with what they offer to users, and those that the request can be for. */
interface Offered {
  readonly all: ReadonlyArray<Resource.Resource>
  readonly known: ReadonlyArray<Resource.Resource>
  readonly candidates: ReadonlyArray<Resource.Resource>
}

const notOffered = new InvalidScope({
  reason: "NotOffered",
  description: "the scope is not offered by the resource"
})

/**
 * Returns the scope of the request (RFC 6749 §3.3). Tokens that no resource offers are ignored, and so are those of other
 * resources if at least one of these resources' own is left. Without a `scope`, the scope is all that the client may ask of
 * these resources. The same holds where the request names only tokens that no resource offers, if it names a resource or
 * the client has a registered scope (ADR 30).
 */
const readScope = Effect.fnUntraced(function* (
  requested: Option.Option<Scope.Scope>,
  client: Client.Client,
  { all, candidates, known: forUsers }: Offered,
  namesResource: boolean
) {
  const anywhere = Resource.offered(all)
  const here = Resource.offered(candidates)
  const known = Option.filter(
    Option.map(requested, (scope) => Scope.intersection(scope, anywhere)),
    (scope) => !Scope.isEmpty(scope)
  )
  if (Option.isNone(known)) {
    if (Option.isSome(requested) && !namesResource && client.origin === "Dynamic") return yield* notOffered
    const allowed = ResourceScopes.scope(Client.allowed(client, candidates))
    // A resource that offers no scope can be requested without one.
    return Scope.isEmpty(allowed) && !Scope.isEmpty(here)
      ? yield* new InvalidScope({ reason: "NotAllowed", description: "no scope is registered for this client" })
      : allowed
  }
  if (!Scope.isSubset(known.value, Resource.offered(forUsers))) return yield* notOffered
  if (!Scope.isSubset(known.value, ResourceScopes.scope(Client.allowed(client, forUsers)))) {
    return yield* new InvalidScope({
      reason: "NotAllowed",
      description: "the scope is not registered for this client"
    })
  }
  const scope = Scope.intersection(known.value, here)
  return Scope.isEmpty(scope) ? yield* notOffered : scope
})
