/**
 * Networks that have other limits than the rest (setting `networkLimits`): against which quotas a request is counted, and
 * how large they are.
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { NetworkLimit } from "../../domain/RateLimit.js"
import { type Origin, prefixLengths } from "./ClientAddress.js"
import * as NetworkRange from "./NetworkRange.js"

/** The networks that one request counts against. */
export interface Share {
  /** The narrowest first. Empty where the request is not counted: its network is exempt, or its address is not known. */
  readonly networks: ReadonlyArray<string>
  /** Multiplies the quotas of these networks: a whole number, 1 or more. */
  readonly factor: number
}

/**
 * Reads the limits, and gives the share of each request. The most specific range that holds the address decides. A network
 * that is wider than this range is not counted: others are in it as well, who would use up its quota or be refused for it.
 * A range that is narrower than the narrowest network is a network of its own.
 *
 * An address of a proxy (see `Origin.isProxy`) has no limits of its own: else everybody behind the proxy would have them.
 */
export const make = (limits: ReadonlyArray<NetworkLimit>): ((origin: Origin) => Share) => {
  const ranges = Arr.sort(
    limits.flatMap(({ factor, network }) =>
      Option.match(NetworkRange.parse(network), { onNone: () => [], onSome: (range) => [{ factor, network, range }] })
    ),
    Order.reverse(
      Order.mapInput(Order.number, ({ range }: { readonly range: NetworkRange.NetworkRange }) => range.bits)
    )
  )
  return ({ address, isProxy, networks }) => {
    const found =
      isProxy || Option.isNone(address)
        ? undefined
        : ranges.find(({ range }) => NetworkRange.contains(range, address.value))
    if (found === undefined) return { networks, factor: 1 }
    const { factor, network, range } = found
    if (factor === "off") return { networks: [], factor: 1 }
    const lengths = range.first.kind() === "ipv4" ? [32] : prefixLengths
    const within = networks.filter((_, i) => (lengths[i] ?? 0) >= range.bits)
    return { networks: within.length === 0 ? [network] : within, factor }
  }
}
