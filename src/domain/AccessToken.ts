/**
 * The access token (RFC 6749 §1.4). Its claims are sealed in the token, not stored (ADR 4). They can only narrow the access
 * that the row of its grant, or of its client, allows.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ClientId } from "./Client.js"
import { GrantId } from "./Grant.js"
import type { ResourceIndicator } from "./Resource.js"
import * as ResourceScopes from "./ResourceScopes.js"
import * as Scope from "./Scope.js"

export const prefix = "lk_at_"

/** Maximum length of a token, in characters. A request for a longer token is refused. */
export const maxLength = 2048

/** Identifies one token in revocations and events (RFC 7519 §4.1.7). */
export const TokenId = Schema.NonEmptyString.pipe(Schema.brand("TokenId"))
export type TokenId = typeof TokenId.Type

interface CommonClaims {
  /** The resources that the token is for (RFC 8707 §2). */
  readonly audience: readonly [ResourceIndicator, ...Array<ResourceIndicator>]
  readonly issuedAt: DateTime.Utc
  readonly expiresAt: DateTime.Utc
  readonly id: TokenId
}

/** The claims of a token that belongs to a grant. */
export interface GrantClaims extends CommonClaims {
  readonly grantId: GrantId
  /** The scope at each resource of the audience. Present when it is narrower than that of the grant. */
  readonly scope?: ResourceScopes.ResourceScopes | undefined
}

/** The claims of a token that a client got for itself (RFC 6749 §4.4). Its only row is that of the client. */
export interface ClientClaims extends CommonClaims {
  readonly clientId: ClientId
  /** The epoch of the client. The token is revoked when the client has a later epoch. */
  readonly epoch: number
  /** The scope at each resource of the audience. */
  readonly scope: ResourceScopes.ResourceScopes
}

/** The claims of an access token. */
export type AccessTokenClaims = GrantClaims | ClientClaims

/** Whether the token belongs to a grant. */
export const isOfGrant = (self: AccessTokenClaims): self is GrantClaims => "grantId" in self

/**
 * Returns the claims as JSON, for the seal. Names have one letter, because every request of every client sends these bytes. Every
 * token request writes claims, and a schema takes ten times as long.
 */
export const toJson = (claims: AccessTokenClaims): string =>
  JSON.stringify({
    a: claims.audience,
    i: claims.issuedAt.epochMillis,
    e: claims.expiresAt.epochMillis,
    j: claims.id,
    ...(isOfGrant(claims)
      ? { g: claims.grantId, ...(claims.scope === undefined ? {} : { s: scopeJson(claims.audience, claims.scope) }) }
      : { c: claims.clientId, n: claims.epoch, s: scopeJson(claims.audience, claims.scope) })
  })

/** Returns one text if the scope is the same at each resource, as for a single one; else a text for each of them. */
const scopeJson = (audience: CommonClaims["audience"], scope: ResourceScopes.ResourceScopes) => {
  const [first = "", ...others] = audience.map((resource) => Scope.format(ResourceScopes.at(scope, resource)))
  return others.every((text) => text === first) ? first : [first, ...others]
}

const scopeOf = (text: string): Scope.Scope => (text === "" ? Scope.empty : Scope.make(...text.split(" ")))

/** Returns the scope that `scopeJson` wrote; `undefined` for any other value. */
const readScope = (value: unknown, audience: CommonClaims["audience"]): ResourceScopes.ResourceScopes | undefined => {
  const texts: unknown = typeof value === "string" ? audience.map(() => value) : value
  return Array.isArray(texts) && texts.length === audience.length && texts.every((text) => typeof text === "string")
    ? ResourceScopes.make(...audience.map((resource, index) => [resource, scopeOf(String(texts[index]))] as const))
    : undefined
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== ""

/** Returns an instant of milliseconds since 1970; `undefined` for any other value. */
const instant = (value: unknown): DateTime.Utc | undefined =>
  typeof value === "number" ? Option.getOrUndefined(DateTime.make(value)) : undefined

/** Returns the claims of a JSON text that `toJson` made; `None` for any other text. */
export const fromJson = (json: string): Option.Option<AccessTokenClaims> => {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return Option.none()
  }
  if (typeof value !== "object" || value === null) return Option.none()
  const { a, c, e, g, i, j, n, s } = value as Readonly<Record<string, unknown>>
  const [issuedAt, expiresAt] = [instant(i), instant(e)]
  if (!Array.isArray(a) || a.length === 0 || !a.every(isText) || !isText(j)) return Option.none()
  const audience = a as ReadonlyArray<string> as CommonClaims["audience"]
  const scope = readScope(s, audience)
  if (issuedAt === undefined || expiresAt === undefined || (s !== undefined && scope === undefined))
    return Option.none()
  const common = {
    audience,
    issuedAt,
    expiresAt,
    id: TokenId.make(j, true)
  }
  if (isText(g)) return Option.some({ ...common, grantId: GrantId.make(g, true), ...(scope && { scope }) })
  return isText(c) && typeof n === "number" && scope !== undefined
    ? Option.some({ ...common, clientId: ClientId.make(c, true), epoch: n, scope })
    : Option.none()
}
