/**
 * The network of a token request in a grant's row: a keyed hash, under a key that is not in the database in plain text
 * (ADR 29). A row reveals no address, and two grants from one network have nothing in common.
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

/** Returns the tag of a redemption's network. Its key is the code, of which only the digest is stored. */
export const ofRedemption = (code: Redacted.Redacted, caller: Caller): Option.Option<NetworkTag> =>
  tag(new TextEncoder().encode(Redacted.value(code)), "network of redemption", caller)

/** Returns the tag of a rotation's network. Its key is the grant's chain key, which is stored sealed. */
export const ofRotation = (key: ChainKey, caller: Caller): Option.Option<NetworkTag> =>
  tag(Redacted.value(key), "network of rotation", caller)
