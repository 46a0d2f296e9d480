/**
 * Protected resources, their indicators (RFC 8707) and the scopes they offer.
 */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as DisplayText from "./DisplayText.js"
import * as Scope from "./Scope.js"
import * as ScopeHierarchy from "./ScopeHierarchy.js"
import * as Url from "./Url.js"

/** A resource indicator: an absolute URI without a fragment (RFC 8707 §2), in normal form. */
export const ResourceIndicator = Schema.String.pipe(
  Schema.filter((text, _, ast) => {
    const fail = (reason: string) => new ParseResult.Type(ast, text, reason)
    const url = Url.parse(text)
    if (text.length > 2048 || url === undefined) return fail("a resource is an absolute URI (RFC 8707 §2)")
    if (text.includes("#")) return fail("a resource has no fragment (RFC 8707 §2)")
    const { href, protocol } = url
    if (protocol !== "https:" && protocol !== "http:") return fail("a resource is an http or https URL")
    // Clients compare it as a string, and most of them write URLs as a URL parser does.
    return text === href || `${text}/` === href ? undefined : fail(`a resource is written as ${href}`)
  }),
  Schema.brand("ResourceIndicator")
)
export type ResourceIndicator = typeof ResourceIndicator.Type

/** Identifies the server of a resource when it authenticates. It is no secret. */
export const ResourceServerId = Schema.NonEmptyString.pipe(Schema.brand("ResourceServerId"))
export type ResourceServerId = typeof ResourceServerId.Type

/**
 * A name or sentence of the operator that a page can show: not blank, and printable. Emoji may have variation selectors,
 * because the operator writes this text, not a stranger.
 */
export const Sentence = Schema.String.pipe(
  Schema.filter(
    (text) =>
      (DisplayText.clean(text) !== "" && text.length <= 200 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) ||
      "give 1 to 200 characters, all of them printable",
    { jsonSchema: { minLength: 1, maxLength: 200 } }
  )
)

/** A protected resource of this server. The consent page shows a sentence for each scope. */
export interface Resource {
  readonly uri: ResourceIndicator
  /** A name for users. Pages show the indicator if it is missing. */
  readonly name?: string | undefined
  /** Each scope token with the sentence that a user reads before allowing it. */
  readonly scopes: Readonly<Record<string, string>>
  /** The scopes that imply others (see `domain/ScopeHierarchy`). */
  readonly implies?: ScopeHierarchy.Implies | undefined
  /** Present if the resource is built into the server. */
  readonly builtIn?: BuiltIn | undefined
}

/**
 * A resource that is built into the server, such as its API. No list names it, and a request gets it only by its indicator or
 * by one of its scopes. A token for it is for no other resource: another resource that sees the token could use it here.
 */
export interface BuiltIn {
  /** Scopes only for clients that act for themselves (RFC 6749 §4.4). No user is asked for them. */
  readonly clientsOnly: ReadonlySet<string>
}

/** Returns the resources that are public, and that a request without `resource` is for. */
export const listed = (resources: ReadonlyArray<Resource>): ReadonlyArray<Resource> =>
  resources.filter(({ builtIn }) => builtIn === undefined)

/** Returns the resources of a request without `resource`: the listed ones, and the built-in ones whose scope it requests. */
export const defaults = (resources: ReadonlyArray<Resource>, requested: Scope.Scope): ReadonlyArray<Resource> =>
  resources.filter(
    (resource) => resource.builtIn === undefined || !Scope.isEmpty(Scope.intersection(scope(resource), requested))
  )

/** Whether one token may be for all these resources. */
export const areCompatible = (resources: ReadonlyArray<Resource>): boolean =>
  resources.length <= 1 || resources.every(({ builtIn }) => builtIn === undefined)

/** Returns the resource with the scopes that a user can allow. */
export const forUsers = (self: Resource): Resource =>
  self.builtIn === undefined
    ? self
    : {
        ...self,
        scopes: Object.fromEntries(
          Object.entries(self.scopes).filter(([token]) => !self.builtIn?.clientsOnly.has(token))
        )
      }

const hierarchies = new WeakMap<Pick<Resource, "scopes" | "implies">, ScopeHierarchy.ScopeHierarchy>()

/** Returns the scopes of a resource with those that they imply. The result is made once for each object. */
export const hierarchy = (self: Pick<Resource, "scopes" | "implies">): ScopeHierarchy.ScopeHierarchy => {
  const made = hierarchies.get(self) ?? ScopeHierarchy.make(self)
  hierarchies.set(self, made)
  return made
}

/** Returns the scope that a resource offers. */
export const scope = (self: Pick<Resource, "scopes">): Scope.Scope => Scope.fromIterable(Object.keys(self.scopes))

/** Returns the scope that the resources offer together. */
export const offered = (resources: Iterable<Resource>): Scope.Scope =>
  Scope.fromIterable(Array.from(resources).flatMap((resource) => Object.keys(resource.scopes)))

/**
 * Returns the resource of an indicator. The indicator may also have an upper-case scheme or host, or the trailing slash that
 * URL parsers add to a bare origin (MCP, "Canonical Server URI").
 */
export const find = (resources: ReadonlyArray<Resource>, indicator: string): Resource | undefined => {
  const exact = resources.find(({ uri }) => uri === indicator)
  if (exact !== undefined || indicator.includes("#")) return exact
  const href = Url.parse(indicator)?.href
  return href === undefined ? undefined : resources.find(({ uri }) => new URL(uri).href === href)
}

/** Returns the path of the resource's URL, `""` for a bare origin. The path of its metadata ends with it (RFC 9728 §3.1). */
export const path = (self: Pick<Resource, "uri">): string => {
  const { pathname, search } = new URL(self.uri)
  return `${pathname === "/" ? "" : pathname}${search}`
}
