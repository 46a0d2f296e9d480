/** The items of a consent: one row for each resource, each token of a scope and each redirect URI that the user allowed. */
import * as Schema from "effect/Schema"
import type { Consent } from "../../../domain/Consent.js"
import { RedirectUri } from "../../../domain/RedirectUri.js"
import { ResourceIndicator } from "../../../domain/Resource.js"
import type * as ResourceScopes from "../../../domain/ResourceScopes.js"

const isResource = Schema.is(ResourceIndicator)

/** A resource; or a resource, a space and one token of its scope. Neither contains a space. */
const Granted = Schema.String.pipe(Schema.filter((text) => isResource(text.split(" ", 1)[0])))

export const Item = Schema.Union(
  Schema.Struct({ kind: Schema.Literal("granted"), value: Granted }),
  Schema.Struct({ kind: Schema.Literal("redirect_uri"), value: RedirectUri })
)
export type Item = typeof Item.Type

/** The items of a consent. */
export const fromConsent = ({ granted, redirectUris }: Omit<Consent, "epoch">): ReadonlyArray<Item> => [
  ...Array.from(granted).flatMap(([resource, scope]) =>
    [resource, ...Array.from(scope, (token) => `${resource} ${token}`)].map((value) => ({
      kind: "granted" as const,
      value
    }))
  ),
  ...Array.from(redirectUris, (value) => ({ kind: "redirect_uri" as const, value }))
]

/** The part of a consent that items describe. */
export const toConsent = (items: ReadonlyArray<Item>): Pick<Consent, "granted" | "redirectUris"> => ({
  granted: grantedOf(valuesOf(items, "granted")),
  redirectUris: new Set(valuesOf(items, "redirect_uri"))
})

const valuesOf = <Kind extends Item["kind"]>(items: ReadonlyArray<Item>, kind: Kind) =>
  items.flatMap((item) => (item.kind === kind ? [item.value as Extract<Item, { readonly kind: Kind }>["value"]] : []))

const grantedOf = (values: ReadonlyArray<string>): ResourceScopes.ResourceScopes => {
  const granted = new Map<ResourceIndicator, Set<string>>()
  for (const value of values) {
    const [uri = "", token] = value.split(" ")
    const resource = ResourceIndicator.make(uri, true)
    const scope = granted.get(resource) ?? new Set()
    granted.set(resource, token === undefined ? scope : scope.add(token))
  }
  return granted
}
