/**
 * Special-use addresses (RFC 6890 and the IANA registries that it began): those of private networks, of this machine, and of
 * translations that may lead to either. The server never connects to one, because a stranger chose the URL.
 */
import IpAddress from "ipaddr.js"

/** Ranges of IPv4 that are not the public internet. */
const special4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  // Link-local, with the metadata services of cloud providers.
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  // Not in the registry: the platform service of Azure, which only its virtual machines reach.
  "168.63.129.16/32"
].map((range) => IpAddress.IPv4.parseCIDR(range))

/**
 * The public internet of IPv6 (RFC 4291 §2.4). Everything else is special: loopback, unique local, link-local, site-local,
 * multicast, discard, and IPv4 inside IPv6 (mapped, compatible, and translated by 64:ff9b::/96 or 64:ff9b:1::/48).
 */
const global6 = IpAddress.IPv6.parseCIDR("2000::/3")

/** Special ranges within it: protocol assignments with Teredo, documentation, 6to4, documentation again, and AS112. */
const special6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48"].map((range) =>
  IpAddress.IPv6.parseCIDR(range)
)

/** Returns the address of a text in normal notation; `undefined` for any other text. A zone makes an address link-local. */
const parse = (text: string): IpAddress.IPv4 | IpAddress.IPv6 | undefined => {
  if (IpAddress.IPv4.isValidFourPartDecimal(text)) return IpAddress.IPv4.parse(text)
  return !text.includes("%") && IpAddress.IPv6.isValid(text) ? IpAddress.IPv6.parse(text) : undefined
}

/** Whether an address is not one of the public internet. A text that is no address counts as special. */
export const isSpecialUse = (text: string): boolean => {
  const address = parse(text)
  if (address === undefined) return true
  return address instanceof IpAddress.IPv4
    ? special4.some((range) => address.match(range))
    : !address.match(global6) || special6.some((range) => address.match(range))
}

/** Whether an address is on loopback: 127.0.0.0/8 or ::1. IPv4 inside IPv6 is not. */
export const isLoopbackAddress = (text: string): boolean => parse(text)?.range() === "loopback"
