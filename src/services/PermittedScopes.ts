/** Asks the policy of the app for the scope that may be granted at each resource. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as Resource from "../domain/Resource.js"
import * as ResourceScopes from "../domain/ResourceScopes.js"
import * as Scope from "../domain/Scope.js"
import * as ScopeHierarchy from "../domain/ScopeHierarchy.js"
import type { ScopePolicy, ScopeRequest } from "./ScopePolicy.js"

/**
 * Returns the part of the scopes that the policy permits. It is asked for each of the resources by itself, with everything that
 * the scopes imply there. A scope is permitted only together with all that it implies: a token for it gives these, too.
 */
export const ask = (
  policy: Context.Tag.Service<ScopePolicy>,
  asker: Pick<ScopeRequest, "client" | "subject" | "account">,
  resources: ReadonlyArray<Resource.Resource>,
  scopes: ResourceScopes.ResourceScopes
): Effect.Effect<ResourceScopes.ResourceScopes, TemporarilyUnavailable> =>
  Effect.map(
    Effect.forEach(resources, (resource) => {
      const own = ResourceScopes.at(scopes, resource.uri)
      if (Scope.isEmpty(own)) return Effect.succeed([resource.uri, own] as const)
      const hierarchy = Resource.hierarchy(resource)
      return Effect.map(
        // A scope that the resource does not offer any more is on a page from before, and the policy decides on it, too.
        policy.permit({ ...asker, resource, scope: Scope.union(own, ScopeHierarchy.expand(hierarchy, own)) }),
        (permitted) => [resource.uri, ScopeHierarchy.within(hierarchy, own, permitted)] as const
      )
    }),
    (pairs) => ResourceScopes.make(...pairs)
  )
