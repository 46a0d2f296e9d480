/**
 * The network of a token request, as a grant's row may keep it: a keyed hash, under a key that the database does not hold
 * in the clear (ADR 29). So a row tells no address, and two grants of one network have nothing in common.
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../../domain/Base64Url.js"
import { NetworkTag } from "../../domain/NetworkTag.js"
import type { Caller } from "../GrantTypes.js"
import { hmac } from "../keys/Crypto.js"
import type { ChainKey } from "../tokens/RefreshChain.js"

const tag = (key: Uint8Array, use: string, { network }: Caller): Option.Option<NetworkTag> =>
  Option.map(network, (network) => NetworkTag.make(Base64Url.encode(hmac(key, use, network).subarray(0, 16)), true))

/** The network of a redemption, under the code itself: only its digest is stored. */
export const ofRedemption = (code: Redacted.Redacted, caller: Caller): Option.Option<NetworkTag> =>
  tag(new TextEncoder().encode(Redacted.value(code)), "network of redemption", caller)

/** The network of a rotation, under the grant's chain key: it is stored sealed. */
export const ofRotation = (key: ChainKey, caller: Caller): Option.Option<NetworkTag> =>
  tag(Redacted.value(key), "network of rotation", caller)
