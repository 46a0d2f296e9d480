/**
 * Scopes together with the resources that they are for: what was granted, consented to, or offered on a page. A scope
 * that an operator moves to another resource later is still a scope of the first one here (ADR 28). A resource without
 * scopes has the empty scope.
 *
 * @example
 * import { ResourceIndicator } from "latchkey/Resource"
 * import * as ResourceScopes from "latchkey/ResourceScopes"
 * import * as Scope from "latchkey/Scope"
 *
 * const notes = ResourceIndicator.make("https://notes.example.com/mcp")
 * const granted = ResourceScopes.make([notes, Scope.make("notes:read")])
 * ResourceScopes.at(granted, notes) // the scope "notes:read"
 */
import * as Schema from "effect/Schema"
import { type Resource, ResourceIndicator } from "./Resource.js"
import * as Scope from "./Scope.js"

/** The scope at each resource. */
export type ResourceScopes = ReadonlyMap<ResourceIndicator, Scope.Scope>

/** No resource at all. */
export const empty: ResourceScopes = new Map()

export const make = (...pairs: ReadonlyArray<readonly [ResourceIndicator, Scope.Scope]>): ResourceScopes =>
  new Map(pairs)

/** The tokens of a scope at each of the resources, as far as the resource offers them. */
export const offeredBy = (
  resources: ReadonlyArray<Pick<Resource, "uri" | "scopes">>,
  scope: Scope.Scope
): ResourceScopes =>
  new Map(resources.map(({ scopes, uri }) => [uri, Scope.intersection(scope, Scope.fromIterable(Object.keys(scopes)))]))

/** The resources, in their order. */
export const resources = (self: ResourceScopes): ReadonlyArray<ResourceIndicator> => Array.from(self.keys())

/** The scope at one resource; empty where the resource is missing. */
export const at = (self: ResourceScopes, resource: ResourceIndicator): Scope.Scope => self.get(resource) ?? Scope.empty

/** The scope at any of the resources: what an answer names, because a scope parameter names no resources. */
export const scope = (self: ResourceScopes): Scope.Scope =>
  Scope.fromIterable(Array.from(self.values()).flatMap(tokens))

const tokens = (self: Scope.Scope): ReadonlyArray<string> => Array.from(self)

const mapScopes = (
  self: ResourceScopes,
  f: (scope: Scope.Scope, resource: ResourceIndicator) => Scope.Scope
): ResourceScopes => new Map(Array.from(self, ([resource, scope]) => [resource, f(scope, resource)]))

/** The resources whose scope satisfies a condition. */
export const filter = (
  self: ResourceScopes,
  isKept: (scope: Scope.Scope, resource: ResourceIndicator) => boolean
): ResourceScopes => new Map(Array.from(self).filter(([resource, own]) => isKept(own, resource)))

/** The same resources, each with no more than these tokens. */
export const within = (self: ResourceScopes, scope: Scope.Scope): ResourceScopes =>
  mapScopes(self, (own) => Scope.intersection(own, scope))

/** The resources of `self`, each with the tokens that `that` has at the same resource. */
export const intersection = (self: ResourceScopes, that: ResourceScopes): ResourceScopes =>
  mapScopes(self, (own, resource) => Scope.intersection(own, at(that, resource)))

/** The resources of `self`, each without the tokens that `that` has at the same resource. */
export const difference = (self: ResourceScopes, that: ResourceScopes): ResourceScopes =>
  mapScopes(self, (own, resource) => Scope.difference(own, at(that, resource)))

/** The resources of both, each with the tokens of both. */
export const union = (self: ResourceScopes, that: ResourceScopes): ResourceScopes =>
  new Map([...self, ...mapScopes(that, (own, resource) => Scope.union(at(self, resource), own))])

/** Whether `that` has every resource of `self`, with at least the same scope. */
export const isSubset = (self: ResourceScopes, that: ResourceScopes): boolean =>
  Array.from(self).every(([resource, own]) => that.has(resource) && Scope.isSubset(own, at(that, resource)))

/** Resource to scope, as JSON holds it. */
export const toRecord = (self: ResourceScopes): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from(self, ([resource, own]) => [resource, Scope.format(own)]))

/** Resource to scope, as `toRecord` writes it. */
export const FromRecord = Schema.transform(
  Schema.Record({ key: Schema.String, value: Scope.FromString }),
  Schema.ReadonlyMapFromSelf({ key: ResourceIndicator, value: Schema.ReadonlySetFromSelf(Schema.String) }),
  { strict: true, decode: (record) => new Map(Object.entries(record)), encode: (map) => Object.fromEntries(map) }
)
