/**
 * The tokens that were verified, for guards: a token stays verified while the storage knows that no access was revoked
 * since (`Storage.revision`), so a revocation takes effect at the next request, by whatever process it was made.
 */
import type { Digest } from "../../domain/Digest.js"
import type { ScopeHierarchy } from "../../domain/ScopeHierarchy.js"
import { BoundedMap } from "../BoundedMap.js"
import type { Access } from "./CurrentAccess.js"

/** A token that was valid at a revision of the storage. */
interface Verified<A> {
  readonly revision: number
  readonly opened: A
  /** The access at the resource that was asked for last, and the scopes that the resource offered. */
  last?: { readonly resource: string; readonly offered: ScopeHierarchy; readonly access: Access }
}

export interface VerifiedTokens<A> {
  /** Remembers what a token gives, as it was at a revision. Does nothing if the revision is not known. */
  readonly remember: (token: Digest, revision: number | undefined, opened: A) => void
  /** Returns what a token gives, if it was verified at this revision. */
  readonly at: (token: Digest, revision: number) => Verified<A> | undefined
}

/** Makes an empty list. `capacity` is the maximum number of tokens. */
export const make = <A>(capacity: number): VerifiedTokens<A> => {
  const known = new BoundedMap<Digest, Verified<A>>(capacity)
  return {
    remember: (token, revision, opened) => {
      if (revision !== undefined) known.remember(token, { revision, opened })
    },
    at: (token, revision) => {
      const verified = known.get(token)
      return verified?.revision === revision ? verified : undefined
    }
  }
}

/** Returns the access of a token at a resource. It is made once while the resource offers the same scopes. */
export const accessAt = <A>(
  verified: Verified<A>,
  resource: string,
  offered: ScopeHierarchy,
  make: (opened: A) => Access
): Access => {
  if (verified.last?.resource !== resource || verified.last.offered !== offered) {
    verified.last = { resource, offered, access: make(verified.opened) }
  }
  return verified.last.access
}
