/**
 * The resources that a request is for (RFC 8707 §2): those that it names, or the default ones. A token request can narrow
 * the resources of its grant.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { InvalidTarget } from "../../domain/OAuthError.js"
import * as Resource from "../../domain/Resource.js"
import * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"

type Resources = ReadonlyArray<Resource.Resource>

const unknown = new InvalidTarget({
  reason: "UnknownResource",
  description: "the resource is unknown to this server"
})

const notAlone = new InvalidTarget({
  reason: "NotAlone",
  description: "this resource cannot be combined with other resources"
})

const notGranted = new InvalidTarget({
  reason: "NotGranted",
  description: "the resource was not granted"
})

/** The error for an access token without a resource. */
export const none = new InvalidTarget({
  reason: "UnknownResource",
  description: "the request is for no resource"
})

/** The error for more resources than one access token can name. */
export const tooMany = new InvalidTarget({
  reason: "TooManyResources",
  description: "the request names too many resources"
})

/** Returns the resources that a request names; `None` where it names none. Fails where one of them is unknown. */
export const named = (
  known: Resources,
  indicators: ReadonlyArray<string>
): Either.Either<Option.Option<Resources>, InvalidTarget> => {
  if (indicators.length === 0) return Either.right(Option.none())
  const found = indicators.map((indicator) => Resource.find(known, indicator))
  return found.every((resource) => resource !== undefined)
    ? Either.right(Option.some(Array.from(new Set(found))))
    : Either.left(unknown)
}

/** Returns the resources that a user's request can be for where it names none. `withScope` selects from them. */
export const defaults = (known: Resources, requested: Scope.Scope): Resources => Resource.defaults(known, requested)

/**
 * Returns the resources that a client's request for itself is for where it names none. A scope that only built-in
 * resources offer selects those alone.
 */
export const defaultsForClient = (known: Resources, requested: Scope.Scope): Resources => {
  const builtIn = known.filter((resource) => resource.builtIn !== undefined)
  const isBuiltIn = !Scope.isEmpty(requested) && Scope.isSubset(requested, Resource.offered(builtIn))
  return defaults(isBuiltIn ? builtIn : known, requested)
}

/** Returns the resources that offer some of a scope; for the empty scope, those that offer none. */
export const withScope = (resources: Resources, scope: Scope.Scope): Resources =>
  resources.filter((resource) =>
    Scope.isEmpty(scope)
      ? Scope.isEmpty(Resource.scope(resource))
      : !Scope.isEmpty(Scope.intersection(scope, Resource.scope(resource)))
  )

/** Fails unless one access token may name all the resources. */
export const requireCompatible = (resources: Resources): Either.Either<void, InvalidTarget> =>
  Resource.areCompatible(resources) ? Either.void : Either.left(notAlone)

/** Returns the granted resources that a token request names; all granted ones where it names none (RFC 8707 §2.2). */
export const narrowed = (
  granted: ResourceScopes.ResourceScopes,
  known: Resources,
  indicators: ReadonlyArray<string>
): Either.Either<NonEmptyReadonlyArray<Resource.ResourceIndicator>, InvalidTarget> => {
  const requested =
    indicators.length === 0
      ? ResourceScopes.resources(granted)
      : indicators.map((indicator) => Resource.find(known, indicator)?.uri)
  const chosen = requested.flatMap((uri) => (uri !== undefined && granted.has(uri) ? [uri] : []))
  const [first, ...others] = new Set(chosen)
  return first !== undefined && chosen.length === requested.length
    ? Either.right([first, ...others])
    : Either.left(notGranted)
}
