/** Networks with their own limits: an office, a test runner, a probe. */
import { describe, expect } from "@effect/vitest"
import type { SettingsOptions } from "../../../src/layers/settings/SettingsOptions.js"
import { attempt, failed, guard, headingOf, loggedIn, throttled } from "../support/Attempts.js"
import { outcome, redirectUri, type TestServer, test } from "../support/Server.js"

const two = { quota: 2, window: "1 minute" } as const

const three = { quota: 3, window: "1 day" } as const

const settings = (networkLimits: SettingsOptions["networkLimits"], more: Partial<SettingsOptions> = {}) => ({
  settings: {
    rateLimits: { token: two, register: two, registerDaily: three },
    networkLimits,
    ...more
  }
})

/** Returns the number of requests that are answered, of one from each of these addresses. */
const heard = async (server: TestServer, addresses: ReadonlyArray<string>, headers = {}) => {
  let count = 0
  for (const address of addresses) {
    const answer = await server.from(address).post("/token", {}, headers)
    if ((await outcome(answer)) === "401 invalid_client") count++
  }
  return count
}

const times = (count: number, address: string | ((i: number) => string)) =>
  Array.from({ length: count }, (_, i) => (typeof address === "string" ? address : address(i)))

const register = (server: TestServer) =>
  server.send("/register", {
    method: "POST",
    body: JSON.stringify({ redirect_uris: [redirectUri] }),
    headers: { "content-type": "application/json" }
  })

describe("a network that is exempt", () => {
  const exempt = settings({ "203.0.113.0/24": "off", "2001:db8:5::/48": "off", "2001:db8:7::9": "off" })

  test(
    "an exempt network is not counted, and other networks keep their limits",
    async (server) => {
      const answer = await server.from("203.0.113.7").post("/token", {})
      expect([answer.headers.get("ratelimit"), answer.headers.get("ratelimit-policy")]).toEqual([null, null])
      for (const address of ["203.0.113.7", "::ffff:203.0.113.8", "2001:db8:5::1", "2001:db8:7::9"]) {
        expect(await heard(server, times(20, address)), address).toBe(20)
      }
      for (const address of ["203.0.112.255", "203.0.114.0", "2001:db8:4:ffff::1"]) {
        expect(await heard(server, times(20, address)), address).toBe(2)
      }
    },
    exempt
  )

  test(
    "an exempt network takes nothing from the quotas of wider networks",
    async (server) => {
      expect(await heard(server, times(50, "2001:db8:7::9"))).toBe(50)
      expect(await heard(server, times(3, "2001:db8:7::8"))).toBe(2)
    },
    exempt
  )

  test(
    "an exempt network registers any number of clients",
    async (server) => {
      for (let i = 0; i < 10; i++) expect((await register(server.from("203.0.113.7"))).status).toBe(201)
      const others = []
      for (let i = 0; i < 3; i++) others.push((await register(server.from("198.51.100.1"))).status)
      expect(others).toEqual([201, 201, 429])
    },
    exempt
  )

  test(
    "the most specific range decides whether a network is exempt",
    async (server) => {
      expect(await heard(server, times(9, "203.0.113.7"))).toBe(2)
      expect(await heard(server, times(9, "203.0.113.8"))).toBe(9)
      expect(await heard(server, times(9, "203.0.112.1"))).toBe(6)
      expect(await heard(server, times(9, "203.0.0.1"))).toBe(9)
    },
    settings({ "203.0.113.0/24": "off", "203.0.113.7": 1, "203.0.112.0/23": 3, "203.0.0.0/16": "off" })
  )

  const behind = settings({ "10.0.0.0/8": "off", "203.0.113.0/24": "off" }, { trustedProxies: ["10.1.0.0/16"] })
  test(
    "an exempt network is recognized by the address that a trusted proxy forwards",
    async (server) => {
      expect(await heard(server, times(9, "10.1.0.1"), { "x-forwarded-for": "203.0.113.7:4711" })).toBe(9)
      expect(await heard(server, times(9, "10.1.0.1"), { "x-forwarded-for": "203.0.113.7, 198.51.100.1" })).toBe(2)
    },
    behind
  )

  test(
    "an exempt network does not exempt clients behind its untrusted or unreadable proxy",
    async (server) => {
      expect(await heard(server, times(9, "10.2.0.1"))).toBe(9)
      expect(await heard(server, times(9, "10.2.0.1"), { "x-forwarded-for": "198.51.100.1" })).toBe(2)
      expect(await heard(server, times(9, "10.1.0.1"))).toBe(9)
      expect(await heard(server, times(9, "10.1.0.1"), { "x-forwarded-for": "unknown" })).toBe(2)
    },
    behind
  )
})

describe("a network with larger quotas", () => {
  const larger = settings({
    "203.0.113.0/24": 10,
    "2001:db8:5::/48": 10,
    "2001:db8:6:0::/64": 10,
    "2001:db8:7::/120": 10
  })

  test(
    "a network with a factor has that many times the quota for each address",
    async (server) => {
      const answer = await server.from("203.0.113.7").post("/token", {})
      expect(answer.headers.get("ratelimit-policy")).toBe('"token";q=20;w=60')
      expect(await heard(server, times(30, "203.0.113.7"))).toBe(19)
      expect(await heard(server, times(30, "203.0.113.8"))).toBe(20)
      expect(await heard(server, times(30, "203.0.114.8"))).toBe(2)
    },
    larger
  )

  test(
    "an IPv6 network with a factor has that many times the quota for each /64, /56 and /48",
    async (server) => {
      expect(await heard(server, times(30, "2001:db8:5::1"))).toBe(20)
      const household = (i: number) => `2001:db8:5:${(256 + (i % 8)).toString(16)}::1`
      expect(await heard(server, times(120, household))).toBe(80)
    },
    larger
  )

  test(
    "a network narrower than a household shares no quota with its neighbors",
    async (server) => {
      for (const [own, neighbour] of [
        ["2001:db8:6:0::1", (i: number) => `2001:db8:6:${(i % 4) + 1}::1`],
        ["2001:db8:7::9", () => "2001:db8:7::1:1"]
      ] as const) {
        expect(await heard(server, times(30, own))).toBe(20)
        const others = await heard(server, times(30, neighbour))
        expect(others).toBe(own.startsWith("2001:db8:6") ? 8 : 2)
        await server.advance("30 seconds")
        expect(await heard(server, times(30, own))).toBe(10)
        await server.advance("1 hour")
      }
    },
    larger
  )
})

describe("failed logins in a network that is exempt", () => {
  const exempt = settings({ "192.0.2.0/24": "off", "198.51.100.0/24": 2 })
  const tried = async (server: TestServer, address: string, most: number) => {
    for (let i = 0; i < most; i++) if ((await guard(server, `name${i}`, [address])) !== "tried") return i
    return most
  }

  test(
    "failed logins in an exempt network do not pause the network",
    async (server) => {
      for (let i = 0; i < 60; i++) expect(headingOf(await attempt(server.from("192.0.2.1"), `name${i}`))).toBe(failed)
      expect(headingOf(await attempt(server.from("192.0.2.1"), "ada", "correct horse battery"))).toBe(loggedIn)
      expect(await tried(server, "192.0.3.1", 200)).toBe(51)
    },
    exempt
  )

  test(
    "failed logins in an exempt network pause the name",
    async (server) => {
      for (let i = 0; i < 5; i++) expect(headingOf(await attempt(server.from("192.0.2.1"), "ada"))).toBe(failed)
      expect(headingOf(await attempt(server.from("192.0.2.1"), "ada"))).toBe(throttled)
      for (let i = 2; i < 6; i++) await attempt(server.from(`192.0.2.${i}`), "ada")
      expect(headingOf(await attempt(server.from("203.0.113.1"), "ada"))).toBe(throttled)
    },
    exempt
  )

  test(
    "a network with twice the quotas may have twice as many failed logins",
    async (server) => {
      let count = 0
      while (count < 300 && headingOf(await attempt(server.from("198.51.100.1"), `name${count}`)) === failed) count++
      expect(count).toBe(101)
    },
    exempt
  )
})
