/**
 * The network of a request, as a grant's row keeps it: 128 bits of a keyed hash (`services/Networks`). Two tags of one
 * grant are equal where the requests came from one network. A tag tells nothing else, and tags of two grants have nothing
 * in common (ADR 29).
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Canonical base64url of 16 bytes. */
export const NetworkTag = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{22}$/), Schema.brand("NetworkTag"))
export type NetworkTag = typeof NetworkTag.Type

/** What becomes of a retry or a duplicate that comes from another network than the request that it repeats. */
export type FromElsewhere = "Allow" | "Replay"

/**
 * Whether a request came from none of the networks that the request it repeats can have come from. `false` where one of
 * them is not known: then there is no comparison.
 */
export const isElsewhere = (
  self: Option.Option<NetworkTag>,
  earlier: ReadonlyArray<Option.Option<NetworkTag>>
): boolean => Option.isSome(self) && earlier.every((network) => Option.isSome(network) && network.value !== self.value)
