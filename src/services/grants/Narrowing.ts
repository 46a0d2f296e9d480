/** What a token request may ask of a grant: all of it, or less (RFC 6749 §6, RFC 8707 §2.2). */
import * as Effect from "effect/Effect"
import type * as Grant from "../../domain/Grant.js"
import { InvalidScope, InvalidTarget } from "../../domain/OAuthError.js"
import * as Parameters from "../../domain/Parameters.js"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import type { Audience } from "../AccessTokens.js"

/** The resources that a request names, all of them the grant's; the grant's own when it names none. */
export const audience = (
  terms: Grant.Terms,
  known: ReadonlyArray<Resource.Resource>,
  requested: ReadonlyArray<string>
): Effect.Effect<Audience, InvalidTarget> => {
  const meant = requested.map((indicator) => Resource.find(known, indicator)?.uri)
  const granted = requested.length === 0 ? terms.resources : meant.filter((uri) => uri !== undefined)
  const [first, ...others] = new Set(granted)
  return first !== undefined && meant.every((uri) => uri !== undefined && terms.resources.includes(uri))
    ? Effect.succeed([first, ...others])
    : new InvalidTarget({ reason: "NotGranted", description: "the resource is not one that was granted" })
}

/** The scope that a request names, if it is all granted; the grant's own when it names none. */
export const scope = (terms: Grant.Terms, requested: string | undefined): Effect.Effect<Scope.Scope, InvalidScope> => {
  if (requested === undefined) return Effect.succeed(terms.scope)
  return Effect.filterOrFail(
    Parameters.scope(requested),
    (scope) => Scope.isSubset(scope, terms.scope),
    () => new InvalidScope({ reason: "NotGranted", description: "the scope is more than was granted" })
  )
}

/**
 * Of a scope, what the resources of the audience offer: a token for one resource carries nothing of another. Where they
 * offer something and nothing of it is in the scope, there is no token to give: an answer cannot name an empty scope.
 */
export const scopeAt = (
  scope: Scope.Scope,
  known: ReadonlyArray<Resource.Resource>,
  audience: Audience
): Effect.Effect<Scope.Scope, InvalidTarget> => {
  const offered = Resource.offered(known.filter(({ uri }) => audience.includes(uri)))
  const effective = Scope.intersection(scope, offered)
  return Scope.isEmpty(effective) && !Scope.isEmpty(offered)
    ? new InvalidTarget({ reason: "NotGranted", description: "nothing of the scope is of the resource" })
    : Effect.succeed(effective)
}
