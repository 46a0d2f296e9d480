/**
 * The checkboxes of the consent page. Two resources may offer a scope of the same name, and the user decides on each by itself.
 * So the value of a checkbox is the scope token where only one resource of the page has it, and else the URI of the resource, a
 * space and the token. Neither contains a space.
 */
import type * as Resource from "../../domain/Resource.js"
import type * as ResourceScopes from "../../domain/ResourceScopes.js"
import * as Scope from "../../domain/Scope.js"

/** Whether several resources of the page have the token. */
const isShared = (offered: ResourceScopes.ResourceScopes, token: string): boolean =>
  Array.from(offered.values()).filter((scope) => scope.has(token)).length > 1

const qualified = (resource: Resource.ResourceIndicator, token: string): string => `${resource} ${token}`

/** Returns the value of the checkbox of a scope. `offered` are all scopes of the page. */
export const boxValue = (
  offered: ResourceScopes.ResourceScopes,
  resource: Resource.ResourceIndicator,
  token: string
): string => (isShared(offered, token) ? qualified(resource, token) : token)

/**
 * Returns the scopes of the page whose checkboxes were ticked. The value with the resource always counts. A shared token alone
 * ticks nothing, because it does not say where the user allowed it.
 */
export const read = (
  offered: ResourceScopes.ResourceScopes,
  values: ReadonlyArray<string>
): ResourceScopes.ResourceScopes => {
  const ticked = new Set(values)
  return new Map(
    Array.from(offered, ([resource, scope]) => [
      resource,
      Scope.fromIterable(
        Array.from(scope).filter(
          (token) => ticked.has(boxValue(offered, resource, token)) || ticked.has(qualified(resource, token))
        )
      )
    ])
  )
}
