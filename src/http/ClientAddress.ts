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
 * The address of the client: the peer's or, where that is a trusted proxy, the right-most one of `X-Forwarded-For` that
 * no trusted proxy has. What stands further left is anybody's word. One IPv6 customer has a /64, so that counts as one.
 */
export const of = (request: HttpServerRequest.HttpServerRequest, proxies: TrustedProxies): string | undefined => {
  const forwarded = (request.headers["x-forwarded-for"] ?? "").split(",").map((part) => part.trim())
  let address = Option.flatMap(request.remoteAddress, parse)
  while (Option.isSome(address) && isTrusted(address.value, proxies)) {
    const before = Option.flatMap(Option.fromNullable(forwarded.pop()), parse)
    if (Option.isNone(before)) break
    address = before
  }
  return Option.getOrUndefined(Option.map(address, group))
}

const group = (address: IpAddress.IPv4 | IpAddress.IPv6): string =>
  address.kind() === "ipv4"
    ? address.toString()
    : `${new IpAddress.IPv6([...(address as IpAddress.IPv6).parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`
