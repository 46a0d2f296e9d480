/** The scope of a token request: that of its grant, or a part of it (RFC 6749 §6). */
import * as Either from "effect/Either"
import * as Client from "../../domain/Client.js"
import type * as Grant from "../../domain/Grant.js"
import { InvalidScope, InvalidTarget } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"
import type { Audience } from "../tokens/AccessTokens.js"

/** Returns the tokens that were granted at any resource, and those that they imply where they were granted. */
export const granted = (terms: Grant.Terms, known: ReadonlyArray<Resource.Resource>): Scope.Scope =>
  Scope.union(ResourceScopes.scope(terms.granted), ResourceScopes.scope(ResourceScopes.expanded(terms.granted, known)))

/** Whether the operator has removed all of a granted scope from the client since the user allowed it. */
export const isRemoved = (
  scope: Scope.Scope,
  terms: Grant.Terms,
  client: Client.Client,
  known: ReadonlyArray<Resource.Resource>
): boolean => {
  const here = known.filter(({ uri }) => terms.granted.has(uri))
  const allowed = Scope.union(Client.allowedScope(client, scope), ResourceScopes.scope(Client.allowed(client, here)))
  return !Scope.isEmpty(scope) && Scope.isEmpty(Scope.intersection(scope, allowed))
}

/**
 * Returns the granted part of the requested scope; all of the granted scope where the request names none. Tokens that the
 * grant's resources do not offer are ignored, as in the authorization request. Fails where the request names a token that
 * they offer and that was not granted, or no granted token at all. A token that a granted one implies was granted, too.
 */
export const scope = (
  terms: Grant.Terms,
  known: ReadonlyArray<Resource.Resource>,
  requested: string | undefined
): Either.Either<Scope.Scope, InvalidScope> => {
  const all = granted(terms, known)
  if (requested === undefined) return Either.right(all)
  return Either.flatMap(Parameters.scope(requested), (tokens) => {
    const scope = Scope.intersection(tokens, all)
    const offered = Resource.offered(known.filter(({ uri }) => terms.granted.has(uri)))
    const isMore = !Scope.isEmpty(Scope.intersection(Scope.difference(tokens, all), offered))
    return isMore || Scope.isEmpty(scope)
      ? Either.left(new InvalidScope({ reason: "NotGranted", description: "the scope exceeds the granted scope" }))
      : Either.right(scope)
  })
}

/**
 * Returns the part of a scope that was granted at each resource of the audience, that the resource offers now and that the client
 * may still have there, with everything that this implies. A token for one resource carries no scope of another, and a scope
 * that two resources share is given only where it was granted (ADR 28, ADR 55). Fails where no part is left although the
 * resources offer scopes: a token response cannot name an empty scope.
 */
export const scopeAt = (
  scope: Scope.Scope,
  terms: Grant.Terms,
  client: Client.Client,
  known: ReadonlyArray<Resource.Resource>,
  audience: Audience
): Either.Either<ResourceScopes.ResourceScopes, InvalidTarget> => {
  const resources = known.filter(({ uri }) => audience.includes(uri))
  const requested = ResourceScopes.make(...audience.map((uri) => [uri, scope] as const))
  const effective = ResourceScopes.intersection(
    ResourceScopes.intersection(
      ResourceScopes.expanded(terms.granted, resources),
      ResourceScopes.expanded(requested, resources)
    ),
    Client.allowed(client, resources)
  )
  return ResourceScopes.isWithoutScope(effective) && !Scope.isEmpty(Resource.offered(resources))
    ? Either.left(new InvalidTarget({ reason: "NotGranted", description: "the resource offers nothing of the scope" }))
    : Either.right(ResourceScopes.make(...audience.map((uri) => [uri, ResourceScopes.at(effective, uri)] as const)))
}
