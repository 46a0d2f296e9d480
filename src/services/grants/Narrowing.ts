/** The scope of a token request: that of its grant, or a part of it (RFC 6749 §6). */
import * as Effect from "effect/Effect"
import type * as Grant from "../../domain/Grant.js"
import { InvalidScope, InvalidTarget } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { Audience } from "../tokens/AccessTokens.js"

/**
 * The granted part of the scope that a request names; the grant's own scope when it names none. Tokens that the grant's
 * resources do not offer are passed over, as in the authorization request. Fails where the request names a token that
 * they offer and that was not granted, or nothing that was granted.
 */
export const scope = (
  terms: Grant.Terms,
  known: ReadonlyArray<Resource.Resource>,
  requested: string | undefined
): Effect.Effect<Scope.Scope, InvalidScope> => {
  const granted = ResourceScopes.scope(terms.granted)
  if (requested === undefined) return Effect.succeed(granted)
  return Effect.flatMap(Parameters.scope(requested), (asked) => {
    const scope = Scope.intersection(asked, granted)
    const offered = Resource.offered(known.filter(({ uri }) => terms.granted.has(uri)))
    const isMore = !Scope.isEmpty(Scope.intersection(Scope.difference(asked, granted), offered))
    return isMore || Scope.isEmpty(scope)
      ? new InvalidScope({ reason: "NotGranted", description: "the scope is more than was granted" })
      : Effect.succeed(scope)
  })
}

/**
 * The part of a scope that was granted at the resources of the audience and that they offer now: a token for one
 * resource carries nothing of another, and a scope that moved to another resource is not granted there (ADR 28). Fails
 * where the resources offer something and none of it is in this part: an answer cannot name an empty scope.
 */
export const scopeAt = (
  scope: Scope.Scope,
  terms: Grant.Terms,
  known: ReadonlyArray<Resource.Resource>,
  audience: Audience
): Effect.Effect<Scope.Scope, InvalidTarget> => {
  const resources = known.filter(({ uri }) => audience.includes(uri))
  const granted = ResourceScopes.scope(
    ResourceScopes.intersection(ResourceScopes.offeredBy(resources, scope), terms.granted)
  )
  const effective = Scope.intersection(scope, granted)
  return Scope.isEmpty(effective) && !Scope.isEmpty(Resource.offered(resources))
    ? new InvalidTarget({ reason: "NotGranted", description: "nothing of the scope is of the resource" })
    : Effect.succeed(effective)
}
