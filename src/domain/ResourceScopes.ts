/**
 * Scopes with the resources that they are for: of a grant, of a consent, or of the consent page. A scope stays with its resource
 * even if an operator later moves it to another resource (ADR 28). A resource without scopes has the empty scope.
 *
 * @example
 * import { ResourceIndicator } from "latchkey/Resource"
 * import * as ResourceScopes from "latchkey/ResourceScopes"
 * import * as Scope from "latchkey/Scope"
 *
 * const notes = ResourceIndicator.make("https://notes.example.com/mcp")
 * const granted = ResourceScopes.make([notes, Scope.make("notes:read")])
 * Scope.format(ResourceScopes.at(granted, notes)) // "notes:read"
 */
import * as Schema from "effect/Schema"
import { hierarchy, type Resource, ResourceIndicator } from "./Resource.js"
import * as Scope from "./Scope.js"
import * as ScopeHierarchy from "./ScopeHierarchy.js"

/** Each resource with its scope. */
export type ResourceScopes = ReadonlyMap<ResourceIndicator, Scope.Scope>

/** No resources. */
export const empty: ResourceScopes = new Map()

export const make = (...pairs: ReadonlyArray<readonly [ResourceIndicator, Scope.Scope]>): ResourceScopes =>
  new Map(pairs)

/** Returns each of the resources with those tokens of a scope that it offers. */
export const offeredBy = (
  resources: ReadonlyArray<Pick<Resource, "uri" | "scopes">>,
  scope: Scope.Scope
): ResourceScopes =>
  new Map(resources.map(({ scopes, uri }) => [uri, Scope.intersection(scope, Scope.fromIterable(Object.keys(scopes)))]))

/**
 * Returns what the scopes give at those of their resources that are given: the tokens that each offers now, and everything that
 * these imply.
 */
export const expanded = (self: ResourceScopes, resources: ReadonlyArray<Resource>): ResourceScopes =>
  new Map(
    resources
      .filter(({ uri }) => self.has(uri))
      .map((resource) => [resource.uri, ScopeHierarchy.expand(hierarchy(resource), at(self, resource.uri))])
  )

/** Returns the resources, in their order. */
export const resources = (self: ResourceScopes): ReadonlyArray<ResourceIndicator> => Array.from(self.keys())

/** Returns the scope at one resource; empty if the resource is missing. */
export const at = (self: ResourceScopes, resource: ResourceIndicator): Scope.Scope => self.get(resource) ?? Scope.empty

/** Returns the scope of all resources together. Responses contain it, because a scope parameter names no resources. */
export const scope = (self: ResourceScopes): Scope.Scope =>
  Scope.fromIterable(Array.from(self.values()).flatMap(tokens))

/** Whether no resource has a scope. */
export const isWithoutScope = (self: ResourceScopes): boolean => Array.from(self.values()).every(Scope.isEmpty)

const tokens = (self: Scope.Scope): ReadonlyArray<string> => Array.from(self)

const mapScopes = (
  self: ResourceScopes,
  f: (scope: Scope.Scope, resource: ResourceIndicator) => Scope.Scope
): ResourceScopes => new Map(Array.from(self, ([resource, scope]) => [resource, f(scope, resource)]))

/** Returns the resources whose scope satisfies a condition. */
export const filter = (
  self: ResourceScopes,
  isKept: (scope: Scope.Scope, resource: ResourceIndicator) => boolean
): ResourceScopes => new Map(Array.from(self).filter(([resource, own]) => isKept(own, resource)))

/** Returns the same resources, each with no more than these tokens. */
export const within = (self: ResourceScopes, scope: Scope.Scope): ResourceScopes =>
  mapScopes(self, (own) => Scope.intersection(own, scope))

/** Returns the resources of `self`, each with those of its tokens that `that` has at the same resource. */
export const intersection = (self: ResourceScopes, that: ResourceScopes): ResourceScopes =>
  mapScopes(self, (own, resource) => Scope.intersection(own, at(that, resource)))

/** Returns the resources of `self`, each without the tokens that `that` has at the same resource. */
export const difference = (self: ResourceScopes, that: ResourceScopes): ResourceScopes =>
  mapScopes(self, (own, resource) => Scope.difference(own, at(that, resource)))

/** Returns the resources of both, each with the tokens of both. */
export const union = (self: ResourceScopes, that: ResourceScopes): ResourceScopes =>
  new Map([...self, ...mapScopes(that, (own, resource) => Scope.union(at(self, resource), own))])

/** Whether `that` has every resource of `self`, with at least the same scope. */
export const isSubset = (self: ResourceScopes, that: ResourceScopes): boolean =>
  Array.from(self).every(([resource, own]) => that.has(resource) && Scope.isSubset(own, at(that, resource)))

/** Returns the JSON form: each resource with the text of its scope. */
export const toRecord = (self: ResourceScopes): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from(self, ([resource, own]) => [resource, Scope.format(own)]))

/** Reads the form that `toRecord` writes. */
export const FromRecord = Schema.transform(
  Schema.Record({ key: Schema.String, value: Scope.FromString }),
  Schema.ReadonlyMapFromSelf({ key: ResourceIndicator, value: Schema.ReadonlySetFromSelf(Schema.String) }),
  { strict: true, decode: (record) => new Map(Object.entries(record)), encode: (map) => Object.fromEntries(map) }
)
