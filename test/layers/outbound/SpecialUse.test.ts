/** The table of special-use addresses (RFC 6890, IANA registries for IPv4 and IPv6). */
import { describe, expect, it } from "vitest"
import { isLoopbackAddress, isSpecialUse } from "../../../src/layers/outbound/SpecialUse.js"

const special = [
  ["0.0.0.0", "this host"],
  ["0.255.255.255", "this network"],
  ["10.0.0.1", "private"],
  ["100.64.0.1", "shared address space"],
  ["100.100.100.200", "metadata service in shared address space"],
  ["100.127.255.255", "shared address space"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["168.63.129.16", "platform service"],
  ["169.254.169.254", "link-local, metadata service"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.0.0.1", "protocol assignments"],
  ["192.0.0.192", "metadata service"],
  ["192.0.2.1", "documentation"],
  ["192.31.196.1", "AS112"],
  ["192.52.193.1", "AMT"],
  ["192.88.99.1", "6to4 relay"],
  ["192.168.0.1", "private"],
  ["192.175.48.1", "AS112"],
  ["198.18.0.1", "benchmarks"],
  ["198.19.255.255", "benchmarks"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::127.0.0.1", "IPv4-compatible"],
  ["::8.8.8.8", "IPv4-compatible"],
  ["::ffff:127.0.0.1", "IPv4-mapped"],
  ["::ffff:8.8.8.8", "IPv4-mapped"],
  ["::ffff:0:127.0.0.1", "IPv4-translated"],
  ["64:ff9b::7f00:1", "NAT64"],
  ["64:ff9b::808:808", "NAT64"],
  ["64:ff9b:1::7f00:1", "NAT64 of a network"],
  ["100::1", "discard"],
  ["100:0:0:1::1", "dummy prefix"],
  ["2001::1", "Teredo"],
  ["2001:0:7f00:1::1", "Teredo"],
  ["2001:2::1", "benchmarks"],
  ["2001:10::1", "ORCHID"],
  ["2001:20::1", "ORCHIDv2"],
  ["2001:db8::1", "documentation"],
  ["2002:7f00:1::1", "6to4"],
  ["2002:808:808::1", "6to4"],
  ["2620:4f:8000::1", "AS112"],
  ["3fff::1", "documentation"],
  ["3fff:fff::1", "documentation"],
  ["5f00::1", "segment routing"],
  ["fc00::1", "unique local"],
  ["fd00:ec2::254", "metadata service"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with a zone"],
  ["2600::1%eth0", "a zone"],
  ["fec0::1", "site-local"],
  ["ff02::1", "multicast"]
] as const

describe("special-use addresses", () => {
  it.each(special)("%s is special: %s", (address) => {
    expect(isSpecialUse(address)).toBe(true)
  })

  it.each(["", "example.com", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "1.2.3.4.", "1.2.3", "[::1]"])(
    "the text %j is no address in normal notation, and counts as special",
    (text) => {
      expect(isSpecialUse(text)).toBe(true)
      expect(isLoopbackAddress(text)).toBe(false)
    }
  )

  it.each([
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2600::1",
    "2a00:1450:4001:82a::200e",
    "3ffe:ffff::1"
  ])("%s is on the public internet", (address) => {
    expect(isSpecialUse(address)).toBe(false)
  })

  it("loopback is 127.0.0.0/8 and ::1, and no form of IPv4 inside IPv6", () => {
    expect(["127.0.0.1", "127.9.9.9", "::1"].every(isLoopbackAddress)).toBe(true)
    expect(["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0", "::"].some(isLoopbackAddress)).toBe(false)
  })
})
