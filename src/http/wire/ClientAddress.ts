/** Where a request comes from, as far as limits go: an IPv4 address, or the network of an IPv6 one. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import IpAddress from "ipaddr.js"
import * as NetworkRange from "./NetworkRange.js"

/** Networks whose word about a client's address is taken: ranges of the operator's own proxies (see `NetworkRange`). */
export type TrustedProxies = ReadonlyArray<string>

type Address = NetworkRange.Address
/** What a request says of its sender. */
interface Peer {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: Option.Option<string>
}

/** An address as text; an IPv4 address that IPv6 carries is the IPv4 address, and a zone is left out. */
const parse = (text: string): Option.Option<Address> => {
  const [address = ""] = text.split("%", 1)
  // The library also reads "1.2" and "12345", as inet_aton does: such a number here is a mistake.
  return IpAddress.IPv4.isValidFourPartDecimal(address) || IpAddress.IPv6.isValid(address)
    ? Option.some(IpAddress.process(address))
    : Option.none()
}

/** The port of a node, or the word that hides it (RFC 7239 §6.2, §6.3). */
const port = "(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"

const inBrackets = new RegExp(String.raw`^\[([^\]]+)\]${port}$`)
const inDecimal = new RegExp(`^([0-9.]+)${port}$`)

/**
 * An entry of `X-Forwarded-For`. The header has no grammar, and gateways write nodes as RFC 7239 §6 has them: quoted, with
 * a port, and IPv6 in brackets. IPv6 without brackets has no port.
 */
const parseEntry = (entry: string): Option.Option<Address> => {
  const node = entry.replace(/^"(.*)"$/, "$1").trim()
  return parse((inBrackets.exec(node) ?? inDecimal.exec(node))?.[1] ?? node)
}

/** Ranges that were read, by their lists: a list is read once for all requests. */
const knownRanges = new WeakMap<TrustedProxies, ReadonlyArray<NetworkRange.NetworkRange>>()

const rangesOf = (proxies: TrustedProxies): ReadonlyArray<NetworkRange.NetworkRange> => {
  const known = knownRanges.get(proxies)
  if (known !== undefined) return known
  const ranges = Arr.getSomes(proxies.map(NetworkRange.parseCidr))
  knownRanges.set(proxies, ranges)
  return ranges
}

const isTrusted = (address: Address, proxies: TrustedProxies): boolean =>
  rangesOf(proxies).some((range) => NetworkRange.contains(range, address))

/** The address of a client, as far as it is known. */
interface Found {
  readonly address: Option.Option<Address>
  /** Whether a trusted proxy sent an `X-Forwarded-For` that names no address: its clients are then counted as one. */
  readonly isUnreadable: boolean
  /**
   * Whether the address is that of a proxy and not of a client: the proxy sent a header that names no address, or it sent
   * one and is not trusted.
   */
  readonly isProxy: boolean
  readonly peer: Option.Option<Address>
  /** Whether the peer is a trusted proxy. */
  readonly isPeerTrusted: boolean
}

/**
 * The address of the client: the address of the peer or, where the peer is a trusted proxy, the right-most address of
 * `X-Forwarded-For` that is not a trusted proxy. Entries further left are unverified; empty ones count for nothing
 * (RFC 9110 §5.6.1). An entry that is no address ends the search, and the proxy that sent it is taken for the client.
 */
const find = (request: Peer, proxies: TrustedProxies): Found => {
  const forwarded = (request.headers["x-forwarded-for"] ?? "").split(",").flatMap((part) => part.trim() || [])
  const peer = Option.flatMap(request.remoteAddress, parse)
  const isPeerTrusted = Option.exists(peer, (peer) => isTrusted(peer, proxies))
  const isForeign = forwarded.length > 0 && Option.isSome(peer) && !isPeerTrusted
  let address = peer
  for (let isProxy = isPeerTrusted; isProxy; isProxy = isTrusted(address.value, proxies)) {
    const entry = forwarded.pop()
    if (entry === undefined) break
    const before = parseEntry(entry)
    if (Option.isNone(before)) return { address, isUnreadable: true, isProxy: true, peer, isPeerTrusted }
    address = before
  }
  return { address, isUnreadable: false, isProxy: isForeign, peer, isPeerTrusted }
}

/** Whether the peer of a request is a trusted proxy. */
export const isFromProxy = ({ remoteAddress }: Peer, proxies: TrustedProxies): boolean =>
  proxies.length > 0 && Option.exists(Option.flatMap(remoteAddress, parse), (peer) => isTrusted(peer, proxies))

/** The peer for a log line that names it; nothing where it is not known. */
export const peerAnnotation = ({ remoteAddress }: Peer): Readonly<Record<string, string>> =>
  Option.match(Option.flatMap(remoteAddress, parse), {
    onNone: () => ({}),
    onSome: (peer) => ({ peer: peer.toString() })
  })

/**
 * The client's address as logs and events show it: in full, or the network that it is in, a /24 of IPv4 and a /48 of IPv6,
 * which many clients share. `undefined` where the address is not known.
 */
export const shown = (request: Peer, proxies: TrustedProxies, precision: "Network" | "Full"): string | undefined =>
  Option.getOrUndefined(
    Option.map(find(request, proxies).address, (address) => {
      if (precision === "Full") return address.toString()
      return address.kind() === "ipv4"
        ? `${IpAddress.IPv4.networkAddressFromCIDR(`${address.toString()}/24`).toString()}/24`
        : networkOf(address as IpAddress.IPv6, 48)
    })
  )

/**
 * Prefix lengths that an IPv6 customer may hold (RFC 6177): one network, one household, one site. The holder of a
 * wide one can send from all of the narrow ones in it.
 */
export const prefixLengths = [64, 56, 48] as const

const networkOf = (address: IpAddress.IPv6, bits: number): string =>
  `${IpAddress.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`

/** Where a request comes from. */
export interface Origin extends Found {
  /**
   * The networks that it comes from, the narrowest first: an IPv4 address is one; an IPv6 address is in its /64, its /56
   * and its /48. Empty where the address is not known.
   */
  readonly networks: ReadonlyArray<string>
  /** Whether a peer that is no trusted proxy sent `X-Forwarded-For` or `Forwarded`: neither counts. */
  readonly isUntrusted: boolean
}

/** Reads where a request comes from. */
export const read = (request: HttpServerRequest.HttpServerRequest, proxies: TrustedProxies): Origin => {
  const found = find(request, proxies)
  const isForwarded = request.headers["x-forwarded-for"] !== undefined || request.headers.forwarded !== undefined
  return {
    ...found,
    isUntrusted: isForwarded && Option.isSome(found.peer) && !found.isPeerTrusted,
    networks: Option.match(found.address, {
      onNone: () => [],
      onSome: (address) =>
        address.kind() === "ipv4"
          ? [address.toString()]
          : prefixLengths.map((bits) => networkOf(address as IpAddress.IPv6, bits))
    })
  }
}

/** The networks that a request comes from (see `Origin`). */
export const networks = (
  request: HttpServerRequest.HttpServerRequest,
  proxies: TrustedProxies
): ReadonlyArray<string> => read(request, proxies).networks

/** The narrowest network that a request comes from: an IPv4 address, or a /64 of IPv6; `undefined` where it is not known. */
export const of = (request: HttpServerRequest.HttpServerRequest, proxies: TrustedProxies): string | undefined =>
  networks(request, proxies)[0]
