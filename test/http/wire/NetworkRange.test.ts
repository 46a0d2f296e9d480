/** Ranges of addresses: their syntax, their format, and the addresses that they contain. */
import { describe, expect, it } from "@effect/vitest"
import * as Option from "effect/Option"
import IpAddress from "ipaddr.js"
import * as NetworkRange from "../../../src/http/wire/NetworkRange.js"

const formatted = (text: string) => Option.getOrUndefined(Option.map(NetworkRange.parse(text), NetworkRange.format))

describe("a range", () => {
  it.each([
    ["203.0.113.0/24", "203.0.113.0/24"],
    ["203.0.113.7/24", "203.0.113.0/24"],
    ["203.0.113.7", "203.0.113.7/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["2001:DB8:0::7/48", "2001:db8::/48"],
    ["2001:db8::7", "2001:db8::7/128"],
    ["::/0", "::/0"],
    ["::ffff:203.0.113.0/120", "203.0.113.0/24"],
    ["::ffff:203.0.113.7", "203.0.113.7/32"]
  ])("the range %s is read as %s", (text, range) => {
    expect(formatted(text)).toBe(range)
  })

  it.each([
    ...["", "/", "/24", "203.0.113.0/", "203.0.113.0/33", "203.0.113.0/-1", "203.0.113.0/08", "203.0.113.0/24/24"],
    ...["10/8", "10.0/8", "010.0.0.0/8", "0x0a.0.0.0/8", "167772160", "256.0.0.0/8", " 10.0.0.0/8", "10.0.0.0 /8"],
    ...["2001:db8::/129", "2001:db8::/48 ", "fe80::1%eth0/64", "2001:db8/32", "[2001:db8::]/32", "office", "*"]
  ])("the text %j is not a range", (text) => {
    expect(formatted(text)).toBeUndefined()
  })

  it.each([
    ["203.0.113.0/24", "203.0.113.255", true],
    ["203.0.113.0/24", "203.0.114.0", false],
    ["0.0.0.0/0", "203.0.113.7", true],
    ["0.0.0.0/0", "2001:db8::7", false],
    ["::/0", "203.0.113.7", false],
    ["::/0", "2001:db8::7", true],
    ["2001:db8::/47", "2001:db8:1:ffff::", true],
    ["2001:db8::/47", "2001:db8:2::", false]
  ])("the range %s contains the address %s: %s", (range, address, isIn) => {
    const parsed = Option.getOrThrow(NetworkRange.parse(range))
    expect(NetworkRange.contains(parsed, IpAddress.parse(address))).toBe(isIn)
  })
})
