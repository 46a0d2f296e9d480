/**
 * A range of addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), such as `203.0.113.0/24` or `2001:db8::/48`. A single
 * address is a range of one address.
 *
 * @example
 * import { Option } from "effect"
 * import * as NetworkRange from "./NetworkRange.js"
 *
 * Option.map(NetworkRange.parse("203.0.113.7/24"), NetworkRange.format) // Option.some("203.0.113.0/24")
 */
import * as Option from "effect/Option"
import IpAddress from "ipaddr.js"

export type Address = IpAddress.IPv4 | IpAddress.IPv6

export interface NetworkRange {
  /** The first address of the range. */
  readonly first: Address
  /** Length of the prefix in bits: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly bits: number
}

const syntax = /^([^/%]+)(?:\/(0|[1-9][0-9]{0,2}))?$/

/**
 * Parses a range; returns `None` if the text is not a range. IPv4-mapped IPv6 (`::ffff:0:0/96`) is read as IPv4, as its
 * addresses are.
 */
export const parse = (text: string): Option.Option<NetworkRange> => {
  const [, address = "", length] = syntax.exec(text) ?? []
  // The library also accepts "10/8" and "010.0.0.0/8", as inet_aton does. Here such a number is a mistake.
  if (IpAddress.IPv4.isValidFourPartDecimal(address))
    return rangeOf(IpAddress.IPv4.parse(address), Number(length ?? 32))
  if (!IpAddress.IPv6.isValid(address)) return Option.none()
  const parsed = IpAddress.IPv6.parse(address)
  const bits = Number(length ?? 128)
  return parsed.isIPv4MappedAddress() && bits >= 96 ? rangeOf(parsed.toIPv4Address(), bits - 96) : rangeOf(parsed, bits)
}

/** Parses a range whose text has the length of the prefix. */
export const parseCidr = (text: string): Option.Option<NetworkRange> =>
  text.includes("/") ? parse(text) : Option.none()

const rangeOf = (address: Address, bits: number): Option.Option<NetworkRange> => {
  if (bits > widthOf(address)) return Option.none()
  const range = `${address.toString()}/${bits}`
  const first =
    address.kind() === "ipv4"
      ? IpAddress.IPv4.networkAddressFromCIDR(range)
      : IpAddress.IPv6.networkAddressFromCIDR(range)
  return Option.some({ first, bits })
}

const widthOf = (address: Address): number => (address.kind() === "ipv4" ? 32 : 128)

/** Formats a range as its first address and the length of its prefix. */
export const format = ({ bits, first }: NetworkRange): string => `${first.toString()}/${bits}`

/** Returns true if the address is in the range. An IPv4 address is in no IPv6 range. */
export const contains = ({ bits, first }: NetworkRange, address: Address): boolean =>
  first.kind() === address.kind() && address.match([first, bits])
