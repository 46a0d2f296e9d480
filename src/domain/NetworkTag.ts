/**
 * The network of a request, as the row of a grant stores it: 128 bits of a keyed hash (`services/grants/Networks`). Two tags
 * of one grant are equal if the requests came from the same network. A tag reveals nothing else, and tags of two grants
 * cannot be compared (ADR 29).
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Canonical base64url of 16 bytes. */
export const NetworkTag = Schema.String.pipe(Schema.pattern(/^[A-Za-z0-9_-]{22}$/), Schema.brand("NetworkTag"))
export type NetworkTag = typeof NetworkTag.Type

/** The treatment of a retry or duplicate that comes from another network than the request that it repeats. */
export type FromElsewhere = "Allow" | "Replay"

/**
 * Whether a request came from none of the networks from which the request that it repeats may have come. `false` if one of
 * the networks is not known, because then they cannot be compared.
 */
export const isElsewhere = (
  self: Option.Option<NetworkTag>,
  earlier: ReadonlyArray<Option.Option<NetworkTag>>
): boolean => Option.isSome(self) && earlier.every((network) => Option.isSome(network) && network.value !== self.value)
