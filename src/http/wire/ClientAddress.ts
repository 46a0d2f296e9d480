/** The address of a client, for limits, logs and events: an IPv4 address, or a network of IPv6. */
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import IpAddress from "ipaddr.js"
import { BoundedMap } from "../../services/BoundedMap.js"
import * as NetworkRange from "./NetworkRange.js"

/** Networks of the operator's proxies, whose `X-Forwarded-For` the server trusts (see `NetworkRange`). */
export type TrustedProxies = ReadonlyArray<string>

type Address = NetworkRange.Address

/** The parts of a request that name its sender. */
interface Peer {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: Option.Option<string>
}

/** Maximum number of parsed addresses that are remembered. Every request has one, and connections are reused. */
const parsed = new BoundedMap<string, Option.Option<Address>>(1024)

/** Parses an address, without its zone. IPv4-mapped IPv6 becomes IPv4. */
const parse = (text: string): Option.Option<Address> => parsed.get(text) ?? parsed.remember(text, parseNew(text))

const parseNew = (text: string): Option.Option<Address> => {
  const [address = ""] = text.split("%", 1)
  // The library also accepts "1.2" and "12345", as inet_aton does. Here such a number is a mistake.
  return IpAddress.IPv4.isValidFourPartDecimal(address) || IpAddress.IPv6.isValid(address)
    ? Option.some(IpAddress.process(address))
    : Option.none()
}

/** The port of a node, or the identifier that hides it (RFC 7239 §6.2, §6.3). */
const port = "(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"

const inBrackets = new RegExp(String.raw`^\[([^\]]+)\]${port}$`)
const inDecimal = new RegExp(`^([0-9.]+)${port}$`)

/**
 * Parses an entry of `X-Forwarded-For`. The header has no grammar, and gateways write nodes in the syntax of RFC 7239 §6:
 * quoted, with a port, and IPv6 in brackets. IPv6 without brackets has no port.
 */
const parseEntry = (entry: string): Option.Option<Address> => {
  const node = entry.replace(/^"(.*)"$/, "$1").trim()
  return parse((inBrackets.exec(node) ?? inDecimal.exec(node))?.[1] ?? node)
}

/** Parsed ranges by their lists, so that a list is parsed once for all requests. */
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

/** The address of a client, and how it was found. */
interface Found {
  readonly address: Option.Option<Address>
  /** Whether a trusted proxy sent an `X-Forwarded-For` that names no address. Its clients are then counted as one. */
  readonly isUnreadable: boolean
  /**
   * Whether the address is that of a proxy and not of a client: the proxy sent a header that names no address, or the proxy
   * is not trusted.
   */
  readonly isProxy: boolean
  readonly peer: Option.Option<Address>
  /** Whether the peer is a trusted proxy. */
  readonly isPeerTrusted: boolean
}

/**
 * Finds the address of the client: the address of the peer or, if the peer is a trusted proxy, the right-most address of
 * `X-Forwarded-For` that is not a trusted proxy. Entries further left are unverified, and empty ones are ignored
 * (RFC 9110 §5.6.1). An entry that is not an address ends the search, and the proxy that sent it counts as the client.
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

/** Returns true if the peer of a request is a trusted proxy. */
export const isFromProxy = ({ remoteAddress }: Peer, proxies: TrustedProxies): boolean =>
  proxies.length > 0 && Option.exists(Option.flatMap(remoteAddress, parse), (peer) => isTrusted(peer, proxies))

/** Returns the annotation of a log line with the address of the peer, if it is known. */
export const peerAnnotation = ({ remoteAddress }: Peer): Readonly<Record<string, string>> =>
  Option.match(Option.flatMap(remoteAddress, parse), {
    onNone: () => ({}),
    onSome: (peer) => ({ peer: peer.toString() })
  })

/**
 * Returns the client's address for logs and events: in full, or as its network, a /24 of IPv4 or a /48 of IPv6, which many
 * clients share. Returns `undefined` if the address is not known.
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
 * Prefix lengths that an IPv6 customer may have (RFC 6177): one network, one household, one site. A customer with a wide
 * prefix can send from all narrow ones in it.
 */
export const prefixLengths = [64, 56, 48] as const

const networkOf = (address: IpAddress.IPv6, bits: number): string =>
  `${IpAddress.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`

/** The origin of a request. */
export interface Origin extends Found {
  /**
   * The networks of the client, the narrowest first: an IPv4 address is one network; an IPv6 address is in its /64, its /56
   * and its /48. Empty if the address is not known.
   */
  readonly networks: ReadonlyArray<string>
  /** Whether a peer that is not a trusted proxy sent `X-Forwarded-For` or `Forwarded`, which are then ignored. */
  readonly isUntrusted: boolean
}

/** Returns whether a request has a header in which proxies name its client. */
export const isForwarded = ({ headers }: Pick<Peer, "headers">): boolean =>
  headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined

/** The networks of the addresses that are remembered. */
const known = new WeakMap<Address, ReadonlyArray<string>>()

/** Returns the networks of an address, the narrowest first (see `Origin`). */
const networksOf = (address: Address): ReadonlyArray<string> => {
  const before = known.get(address)
  if (before !== undefined) return before
  const networks =
    address.kind() === "ipv4"
      ? [address.toString()]
      : prefixLengths.map((bits) => networkOf(address as IpAddress.IPv6, bits))
  known.set(address, networks)
  return networks
}

/** Reads the origin of a request. */
export const read = (request: HttpServerRequest.HttpServerRequest, proxies: TrustedProxies): Origin => {
  const found = find(request, proxies)
  return {
    ...found,
    isUntrusted: isForwarded(request) && Option.isSome(found.peer) && !found.isPeerTrusted,
    networks: Option.match(found.address, { onNone: () => [], onSome: networksOf })
  }
}

/** Returns the networks of the client (see `Origin`). */
export const networks = (
  request: HttpServerRequest.HttpServerRequest,
  proxies: TrustedProxies
): ReadonlyArray<string> => read(request, proxies).networks

/** Returns the narrowest network of the client: an IPv4 address, or a /64 of IPv6; `undefined` if it is not known. */
export const narrowest = (request: HttpServerRequest.HttpServerRequest, proxies: TrustedProxies): string | undefined =>
  networks(request, proxies)[0]
