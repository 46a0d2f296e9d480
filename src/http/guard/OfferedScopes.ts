/** Checks that a resource offers the scopes that its guards require: otherwise no request could pass. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Resource from "../../domain/Resource.js"
import * as Scope from "../../domain/Scope.js"
import * as UnknownScopes from "../../domain/UnknownScope.js"
import type { GuardedResource } from "./GuardedResource.js"

/** The guard requires scopes that its resource does not offer, so no request could pass. */
export class UnknownScope extends Data.TaggedError("UnknownScope")<{ readonly message: string }> {}

/** Returns a sentence that names the scopes that a resource does not offer; `undefined` if it offers all of them. */
export const notOffered = (tokens: ReadonlyArray<string>, resource: Resource.Resource): string | undefined => {
  const unknown = UnknownScopes.find(tokens, Resource.scope(resource))
  return unknown.length === 0 ? undefined : sentenceOf(unknown, resource)
}

const sentenceOf = (unknown: ReadonlyArray<UnknownScopes.UnknownScope>, resource: Resource.Resource): string =>
  `${resource.uri} does not offer the scope ${unknown.map(UnknownScopes.format).join(", ")}; it offers ${Scope.format(Resource.scope(resource))}`

/**
 * Fails if the resource does not offer one of the scopes. The operator may add scopes to a resource of the storage while the
 * app runs. So for such a resource only a misspelt scope is an error, and another one is logged (ADR 17). `guard` is the name
 * of the guard for messages.
 */
export const requireAll = (
  guard: string,
  scopes: ReadonlyArray<string>,
  { current, isConfigured }: GuardedResource
): Effect.Effect<void, UnknownScope> =>
  Effect.gen(function* () {
    // A store that does not answer does not keep the app from starting.
    const resource = yield* Effect.orElseSucceed(current, () => undefined)
    if (resource === undefined) return
    const unknown = UnknownScopes.find(scopes, Resource.scope(resource))
    if (unknown.length === 0) return
    const message = `${guard}: ${sentenceOf(unknown, resource)}`
    const isMisspelt = unknown.some(({ nearest }) => nearest !== undefined)
    if (isConfigured || isMisspelt) return yield* new UnknownScope({ message })
    yield* Effect.logWarning(`no request passes a guard until its resource offers its scopes: ${message}`)
  })
