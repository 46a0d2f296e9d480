/** The scope of a token request: that of its grant, or a part of it (RFC 6749 §6). */
import * as Either from "effect/Either"
import type * as Grant from "../../domain/Grant.js"
import { InvalidScope, InvalidTarget } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { Audience } from "../tokens/AccessTokens.js"

/**
 * Returns the granted part of the requested scope; all of the granted scope where the request names none. Tokens that the
 * grant's resources do not offer are ignored, as in the authorization request. Fails where the request names a token that
 * they offer and that was not granted, or no granted token at all.
 */
export const scope = (
  terms: Grant.Terms,
  known: ReadonlyArray<Resource.Resource>,
  requested: string | undefined
): Either.Either<Scope.Scope, InvalidScope> => {
  const granted = ResourceScopes.scope(terms.granted)
  if (requested === undefined) return Either.right(granted)
  return Either.flatMap(Parameters.scope(requested), (tokens) => {
    const scope = Scope.intersection(tokens, granted)
    const offered = Resource.offered(known.filter(({ uri }) => terms.granted.has(uri)))
    const isMore = !Scope.isEmpty(Scope.intersection(Scope.difference(tokens, granted), offered))
    return isMore || Scope.isEmpty(scope)
      ? Either.left(new InvalidScope({ reason: "NotGranted", description: "the scope exceeds the granted scope" }))
      : Either.right(scope)
  })
}

/**
 * Returns the part of a scope that was granted at the resources of the audience and that they offer now. A token for one
 * resource carries no scope of another, and a scope that moved to another resource is not granted there (ADR 28). Fails
 * where this part is empty although the resources offer scopes: a token response cannot name an empty scope.
 */
export const scopeAt = (
  scope: Scope.Scope,
  terms: Grant.Terms,
  known: ReadonlyArray<Resource.Resource>,
  audience: Audience
): Either.Either<Scope.Scope, InvalidTarget> => {
  const resources = known.filter(({ uri }) => audience.includes(uri))
  const granted = ResourceScopes.scope(
    ResourceScopes.intersection(ResourceScopes.offeredBy(resources, scope), terms.granted)
  )
  const effective = Scope.intersection(scope, granted)
  return Scope.isEmpty(effective) && !Scope.isEmpty(Resource.offered(resources))
    ? Either.left(new InvalidTarget({ reason: "NotGranted", description: "the resource offers nothing of the scope" }))
    : Either.right(effective)
}
