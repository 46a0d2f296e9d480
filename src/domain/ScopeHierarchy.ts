/**
 * The scopes that a resource offers, where one may imply others: who may write notes may also read them. MCP requires guards to
 * take this into account (MCP 2026-07-28, Step-Up Authorization Flow). RFC 6749 has no hierarchies, so a token for `notes:write`
 * is a token for `notes:write` and `notes:read`.
 *
 * @example
 * import * as Scope from "latchkey/Scope"
 * import * as ScopeHierarchy from "./ScopeHierarchy.js"
 *
 * const scopes = { "notes:read": "Read your notes", "notes:write": "Write notes" }
 * const hierarchy = ScopeHierarchy.make({ scopes, implies: { "notes:write": ["notes:read"] } })
 * Scope.format(ScopeHierarchy.expand(hierarchy, Scope.make("notes:write"))) // "notes:write notes:read"
 */
import * as Scope from "./Scope.js"
import * as UnknownScope from "./UnknownScope.js"

/** Each scope token with those that it implies directly. */
export type Implies = Readonly<Record<string, ReadonlyArray<string>>>

/** The scopes of a resource as its author writes them. */
export interface Declared {
  /** Each scope token with the sentence that a user reads. */
  readonly scopes: Readonly<Record<string, string>>
  /** The scopes that imply others: none if not given. */
  readonly implies?: Implies | undefined
}

export interface ScopeHierarchy {
  /** The tokens that the resource offers. */
  readonly offered: Scope.Scope
  /** All tokens that a token implies, also those that the implied ones imply. Tokens that imply none are missing. */
  readonly implied: ReadonlyMap<string, Scope.Scope>
}

/** Makes the hierarchy of scopes for which `objection` finds nothing. */
export const make = ({ implies = {}, scopes }: Declared): ScopeHierarchy => {
  const offered = Scope.fromIterable(Object.keys(scopes))
  const collect = (token: string, found: Set<string>): Set<string> => {
    for (const next of Object.hasOwn(implies, token) ? (implies[token] ?? []) : []) {
      if (offered.has(next) && !found.has(next)) collect(next, found.add(next))
    }
    return found
  }
  const implied = new Map<string, Scope.Scope>()
  for (const token of offered) {
    const found = collect(token, new Set())
    found.delete(token)
    if (found.size > 0) implied.set(token, found)
  }
  return { offered, implied }
}

/** Returns the tokens that a token implies, in no particular order. */
export const impliedBy = (self: ScopeHierarchy, token: string): Scope.Scope => self.implied.get(token) ?? Scope.empty

/** Returns the offered tokens of a scope, and everything that they imply. */
export const expand = (self: ScopeHierarchy, scope: Scope.Scope): Scope.Scope => {
  const own = Scope.intersection(scope, self.offered)
  if (self.implied.size === 0) return own
  return Scope.fromIterable([...own, ...Array.from(own).flatMap((token) => Array.from(impliedBy(self, token)))])
}

/** Returns the tokens of a scope that are permitted together with everything that they imply. */
export const within = (self: ScopeHierarchy, scope: Scope.Scope, permitted: Scope.Scope): Scope.Scope =>
  Scope.fromIterable(
    Array.from(scope).filter((token) => permitted.has(token) && Scope.isSubset(impliedBy(self, token), permitted))
  )

/** Returns the path from a token back to itself; `undefined` if there is none. */
const cycleOf = (implies: Implies, start: string): ReadonlyArray<string> | undefined => {
  const seen = new Set<string>()
  const follow = (token: string, path: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    for (const next of Object.hasOwn(implies, token) ? (implies[token] ?? []) : []) {
      if (next === start) return [...path, next]
      if (seen.has(next)) continue
      seen.add(next)
      const found = follow(next, [...path, next])
      if (found !== undefined) return found
    }
    return undefined
  }
  return follow(start, [start])
}

/** Returns why a hierarchy is refused, in words that follow the resource: a token that is not offered, or a cycle. */
export const objection = ({ implies = {}, scopes }: Declared): string | undefined => {
  const offered = Scope.fromIterable(Object.keys(scopes))
  const named = Object.entries(implies).flatMap(([token, others]) => [token, ...others])
  const unknown = UnknownScope.find(new Set(named), offered)
  if (unknown.length > 0) {
    return `implies names the scope ${unknown.map(UnknownScope.format).join(", ")}, which the resource does not offer; it offers ${Scope.format(offered)}`
  }
  for (const token of Object.keys(implies)) {
    const cycle = cycleOf(implies, token)
    if (cycle !== undefined) {
      const path = cycle.map((token) => `"${token}"`).join(" implies ")
      return `implies has a cycle: ${path}; remove one of these implications`
    }
  }
  return undefined
}
