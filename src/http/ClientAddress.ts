/** Where a request comes from, as far as limits go: an IPv4 address, or the network of an IPv6 one. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Option from "effect/Option"
import IpAddress from "ipaddr.js"

/** Networks whose word about a client's address is taken: CIDR ranges of the operator's own proxies. */
export type TrustedProxies = ReadonlyArray<string>

const parse = (text: string): Option.Option<IpAddress.IPv4 | IpAddress.IPv6> =>
  IpAddress.isValid(text) ? Option.some(IpAddress.process(text)) : Option.none()

const isTrusted = (address: IpAddress.IPv4 | IpAddress.IPv6, proxies: TrustedProxies): boolean =>
  proxies.some((range) => {
    const [network, bits] = IpAddress.parseCIDR(range)
    return network.kind() === address.kind() && address.match([network, bits])
  })

/**
 * The address of the client: the address of the peer or, where the peer is a trusted proxy, the right-most address of
 * `X-Forwarded-For` that is not a trusted proxy. Entries further left are unverified.
 */
const addressOf = (
  request: HttpServerRequest.HttpServerRequest,
  proxies: TrustedProxies
): Option.Option<IpAddress.IPv4 | IpAddress.IPv6> => {
  const forwarded = (request.headers["x-forwarded-for"] ?? "").split(",").map((part) => part.trim())
  let address = Option.flatMap(request.remoteAddress, parse)
  while (Option.isSome(address) && isTrusted(address.value, proxies)) {
    const before = Option.flatMap(Option.fromNullable(forwarded.pop()), parse)
    if (Option.isNone(before)) break
    address = before
  }
  return address
}

/**
 * Prefix lengths that an IPv6 customer may hold (RFC 6177): one network, one household, one site. The holder of a
 * wide one can send from all of the narrow ones in it.
 */
const prefixLengths = [64, 56, 48] as const

const networkOf = (address: IpAddress.IPv6, bits: number): string =>
  `${IpAddress.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`

/**
 * The networks that a request comes from, the narrowest first: an IPv4 address is one; an IPv6 address is in its /64, its
 * /56 and its /48. Empty where the address is not known.
 */
export const networks = (
  request: HttpServerRequest.HttpServerRequest,
  proxies: TrustedProxies
): ReadonlyArray<string> =>
  Option.match(addressOf(request, proxies), {
    onNone: () => [],
    onSome: (address) =>
      address.kind() === "ipv4"
        ? [address.toString()]
        : prefixLengths.map((bits) => networkOf(address as IpAddress.IPv6, bits))
  })

/** The narrowest network that a request comes from: an IPv4 address, or a /64 of IPv6; `undefined` where it is not known. */
export const of = (request: HttpServerRequest.HttpServerRequest, proxies: TrustedProxies): string | undefined =>
  networks(request, proxies)[0]
