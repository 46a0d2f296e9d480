/**
 * Protected resources, their indicators (RFC 8707) and the scopes they offer.
 */
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as DisplayText from "./DisplayText.js"
import * as Scope from "./Scope.js"

/** A resource indicator: an absolute URI without a fragment (RFC 8707 §2), in normal form. */
export const ResourceIndicator = Schema.String.pipe(
  Schema.filter((text, _, ast) => {
    const fail = (reason: string) => new ParseResult.Type(ast, text, reason)
    if (text.length > 2048 || !URL.canParse(text)) return fail("a resource is an absolute URI (RFC 8707 §2)")
    if (text.includes("#")) return fail("a resource has no fragment (RFC 8707 §2)")
    const { href, protocol } = new URL(text)
    if (protocol !== "https:" && protocol !== "http:") return fail("a resource is an http or https URL")
    // Clients compare it to the letter, and most of them write URLs as a URL parser does.
    return text === href || `${text}/` === href ? undefined : fail(`a resource is written as ${href}`)
  }),
  Schema.brand("ResourceIndicator")
)
export type ResourceIndicator = typeof ResourceIndicator.Type

/** Names the server of a resource where it authenticates; no secret. */
export const ResourceServerId = Schema.NonEmptyString.pipe(Schema.brand("ResourceServerId"))
export type ResourceServerId = typeof ResourceServerId.Type

/**
 * A name or a sentence of the operator's that a page can show: not blank, and nothing in it that is not printable.
 * Emoji may have their variation selectors here, for no stranger writes it.
 */
export const Sentence = Schema.String.pipe(
  Schema.filter(
    (text) =>
      (DisplayText.clean(text) !== "" && text.length <= 200 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) ||
      "give 1 to 200 characters, all of them printable",
    { jsonSchema: { minLength: 1, maxLength: 200 } }
  )
)

/** A protected resource of this server: its indicator, and a sentence for each scope, shown at consent. */
export interface Resource {
  readonly uri: ResourceIndicator
  /** A name for people; the indicator stands in for it where it is missing. */
  readonly name?: string | undefined
  /** Scope token to the sentence that a person reads before allowing it. */
  readonly scopes: Readonly<Record<string, string>>
  /** There where it is one of the server's own. */
  readonly own?: Own | undefined
}

/**
 * A resource of the server's own, such as its API. No list names it, nobody gets it who does not ask for it by its
 * indicator or by a scope of it, and a token for it is for nothing else: whoever else saw that token could use it here.
 */
export interface Own {
  /** Those of its scopes that no person is asked for: they are for clients that act for themselves (RFC 6749 §4.4). */
  readonly clientsOnly: ReadonlySet<string>
}

/** The resources that anybody may be told of, and that are meant where a request names none. */
export const listed = (resources: ReadonlyArray<Resource>): ReadonlyArray<Resource> =>
  resources.filter(({ own }) => own === undefined)

/** What a request without a `resource` can mean: the listed ones, and the server's own whose scope it asks for. */
export const meant = (resources: ReadonlyArray<Resource>, requested: Scope.Scope): ReadonlyArray<Resource> =>
  resources.filter(
    (resource) => resource.own === undefined || !Scope.isEmpty(Scope.intersection(scope(resource), requested))
  )

/** Whether the resources may stand in one token. */
export const areCompatible = (resources: ReadonlyArray<Resource>): boolean =>
  resources.length <= 1 || resources.every(({ own }) => own === undefined)

/** The resource with the scopes that a person can allow. */
export const forPeople = (self: Resource): Resource =>
  self.own === undefined
    ? self
    : {
        ...self,
        scopes: Object.fromEntries(Object.entries(self.scopes).filter(([token]) => !self.own?.clientsOnly.has(token)))
      }

/** The scope that a resource offers. */
export const scope = (self: Resource): Scope.Scope => Scope.fromIterable(Object.keys(self.scopes))

/** The scope that any of the resources offers. */
export const offered = (resources: Iterable<Resource>): Scope.Scope =>
  Scope.fromIterable(Array.from(resources).flatMap((resource) => Object.keys(resource.scopes)))

/**
 * The resource that a client means: the indicator itself, or the same with an upper-case scheme or host, or with the
 * trailing slash that URL parsers put behind a bare origin (MCP, "Canonical Server URI").
 */
export const find = (resources: ReadonlyArray<Resource>, indicator: string): Resource | undefined =>
  resources.find(({ uri }) => uri === indicator) ??
  (URL.canParse(indicator) && !indicator.includes("#")
    ? resources.find(({ uri }) => sameUrl(uri, indicator))
    : undefined)

const sameUrl = (left: string, right: string): boolean => new URL(left).href === new URL(right).href

/** The path of the resource's URL, `""` for a bare origin; metadata lies behind it (RFC 9728 §3.1). */
export const path = (self: Pick<Resource, "uri">): string => {
  const { pathname, search } = new URL(self.uri)
  return `${pathname === "/" ? "" : pathname}${search}`
}
