/** Decides the quotas that a request counts against, for networks with their own limits (setting `networkLimits`). */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import * as Order from "effect/Order"
import type { NetworkLimit } from "../../domain/RateLimit.js"
import { type Origin, prefixLengths } from "./ClientAddress.js"
import * as NetworkRange from "./NetworkRange.js"

/** The networks whose quotas one request counts against. */
export interface Share {
  /** The narrowest first. Empty if the request is not counted: its network is exempt, or its address is not known. */
  readonly networks: ReadonlyArray<string>
  /** Multiplies the quotas of these networks: a whole number, 1 or more. */
  readonly factor: number
}

/**
 * Reads the limits, and returns a function that returns the share of each request. The most specific range that contains the
 * address decides. A network that is wider than this range is not counted: it also contains other clients, which would use
 * up its quota or would be refused for it. A range that is narrower than the narrowest network counts as a network.
 *
 * The address of a proxy (see `Origin.isProxy`) gets the default limits: otherwise every client behind the proxy would get
 * the proxy's limits.
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
