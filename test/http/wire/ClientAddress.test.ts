/** The address of a client, which only trusted proxies may report. */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import { describe, expect, it } from "@effect/vitest"
import * as ClientAddress from "../../../src/http/wire/ClientAddress.js"

const requestFrom = (peer: string | undefined, forwarded: string | undefined) => {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded }
  const request = HttpServerRequest.fromWeb(new Request("http://localhost/login", { headers }))
  return peer === undefined ? request : request.modify({ remoteAddress: peer })
}

const of = (peer: string | undefined, forwarded: string | undefined, proxies: ReadonlyArray<string> = []) =>
  ClientAddress.narrowest(requestFrom(peer, forwarded), proxies)

const ours = ["10.0.0.0/8", "fd00::/8"]

describe("the address of a client", () => {
  it("the client's address is the peer's if no proxy is trusted", () => {
    expect(of("192.0.2.1", undefined)).toBe("192.0.2.1")
    expect(of("192.0.2.1", "198.51.100.1")).toBe("192.0.2.1")
    expect(of("10.0.0.1", "198.51.100.1")).toBe("10.0.0.1")
  })

  it("the client's address is the peer's if the peer is not a trusted proxy", () => {
    expect(of("192.0.2.1", "198.51.100.1", ours)).toBe("192.0.2.1")
    expect(of("192.0.2.1", "198.51.100.1, 10.0.0.2", ours)).toBe("192.0.2.1")
  })

  it("the client's address is the right-most one that is not a trusted proxy", () => {
    expect(of("10.0.0.1", "198.51.100.1", ours)).toBe("198.51.100.1")
    expect(of("10.0.0.1", "198.51.100.1, 10.0.0.2", ours)).toBe("198.51.100.1")
    expect(of("10.0.0.1", "198.51.100.1 ,10.0.0.2,fd00::2", ours)).toBe("198.51.100.1")
    expect(of("fd00::1", "198.51.100.1", ours)).toBe("198.51.100.1")
  })

  it("the client's address is never one that the client wrote into the header", () => {
    for (const spoofed of ["203.0.113.1", "10.0.0.9", "127.0.0.1", "203.0.113.1, 203.0.113.2", "garbage", "", ",,,"]) {
      expect(of("10.0.0.1", `${spoofed}, 198.51.100.1`, ours), spoofed).toBe("198.51.100.1")
      expect(of("10.0.0.1", `${spoofed}, 198.51.100.1, 10.0.0.2`, ours), spoofed).toBe("198.51.100.1")
    }
  })

  it("the client's address is the last proxy's if the proxy forwarded no address", () => {
    const unreadable = ["unknown", "_hidden", "<script>", "198.51.100.1, x", "12345", "1.2", "010.0.0.1", ":80"]
    const malformed = ["198.51.100.1:", "198.51.100.1:http", "[198.51.100.1", "[]:80", '"', "256.1.1.1:80", "[x]:1"]
    for (const forwarded of [undefined, "", ...unreadable, ...malformed]) {
      expect(of("10.0.0.1", forwarded, ours), forwarded).toBe("10.0.0.1")
    }
    expect(of("10.0.0.1", "10.0.0.3, 10.0.0.2", ours)).toBe("10.0.0.3")
  })

  it.each([
    ["203.0.113.7:51234", "203.0.113.7"],
    ["203.0.113.7:_port", "203.0.113.7"],
    ['"203.0.113.7"', "203.0.113.7"],
    ['"203.0.113.7:8080"', "203.0.113.7"],
    ["[203.0.113.7]:80", "203.0.113.7"],
    [" 203.0.113.7:80\t,10.0.0.3:81", "203.0.113.7"],
    ["203.0.113.7:80, , ", "203.0.113.7"],
    ["6.6.6.6:1, 203.0.113.7:5", "203.0.113.7"],
    ["[2001:db8:1:2::1]", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::1]:4711", "2001:db8:1:2::/64"],
    ['"[2001:db8:1:2::1]:4711"', "2001:db8:1:2::/64"],
    ["2001:db8:1:2::4711", "2001:db8:1:2::/64"],
    ["[2001:db8:1:2::1%eth0]:1", "2001:db8:1:2::/64"],
    ["[::ffff:203.0.113.7]:80", "203.0.113.7"]
  ])("the client's address is read from %s, as gateways write it (RFC 7239 §6)", (forwarded, expected) => {
    expect(of("10.0.0.1", forwarded, ours)).toBe(expected)
  })

  it("addresses in one customer's IPv6 network count as one", () => {
    const network = "2001:db8:1:2::/64"
    expect(of("2001:db8:1:2::1", undefined)).toBe(network)
    expect(of("2001:db8:1:2:ffff:ffff:ffff:ffff", undefined)).toBe(network)
    expect(of("10.0.0.1", "2001:DB8:1:2:3:4:5:6", ours)).toBe(network)
    expect(of("2001:db8:1:3::1", undefined)).not.toBe(network)
  })

  it("an IPv4 address and its IPv4-mapped form are the same", () => {
    expect(of("::ffff:192.0.2.1", undefined)).toBe("192.0.2.1")
    expect(of("::ffff:c000:201", undefined)).toBe("192.0.2.1")
    expect(of("::ffff:10.0.0.1", "::ffff:198.51.100.1", ours)).toBe("198.51.100.1")
  })

  it("the client's address is unknown without a peer, or if the peer is not an address", () => {
    for (const peer of [undefined, "", "localhost", "/run/latchkey.sock", "1.2.3.4.5"]) {
      expect(of(peer, undefined, ours), peer).toBe(undefined)
      expect(of(peer, "198.51.100.1", ours), peer).toBe(undefined)
    }
  })
})

describe("the networks of a client", () => {
  const networks = (peer: string | undefined) => ClientAddress.networks(requestFrom(peer, undefined), [])

  it("the networks of an IPv6 client are its /64, /56 and /48", () => {
    expect(networks("2001:db8:1:1234:5:6:7:8")).toEqual([
      "2001:db8:1:1234::/64",
      "2001:db8:1:1200::/56",
      "2001:db8:1::/48"
    ])
  })

  it("the only network of an IPv4 client is its address", () => {
    expect(networks("192.0.2.1")).toEqual(["192.0.2.1"])
    expect(networks("::ffff:192.0.2.1")).toEqual(["192.0.2.1"])
  })

  it("a client with an unknown address has no network", () => {
    expect(networks(undefined)).toEqual([])
    expect(networks("/run/latchkey.sock")).toEqual([])
  })
})

describe("a peer that forwards an address", () => {
  const isUntrusted = (peer: string | undefined, header: string | undefined, proxies: ReadonlyArray<string>) => {
    const headers = header === undefined ? {} : { [header]: "for=198.51.100.1" }
    const request = HttpServerRequest.fromWeb(new Request("http://localhost/login", { headers }))
    return ClientAddress.read(peer === undefined ? request : request.modify({ remoteAddress: peer }), proxies)
      .isUntrusted
  }

  it.each<readonly [string | undefined, string | undefined, ReadonlyArray<string>, boolean]>([
    ["192.0.2.1", "x-forwarded-for", [], true],
    ["192.0.2.1", "x-forwarded-for", ours, true],
    ["192.0.2.1", "forwarded", ours, true],
    ["10.0.0.1", "x-forwarded-for", ours, false],
    ["::ffff:10.0.0.1", "forwarded", ours, false],
    ["192.0.2.1", undefined, ours, false],
    // A peer without an address, as one of a Unix socket, cannot be added to the trusted ones.
    [undefined, "x-forwarded-for", ours, false],
    ["/run/proxy.sock", "x-forwarded-for", ours, false]
  ])(
    "a forwarded address is untrusted unless its peer is trusted: %s with %s behind %j: %s",
    (peer, header, proxies, expected) => {
      expect(isUntrusted(peer, header, proxies)).toBe(expected)
    }
  )
})
