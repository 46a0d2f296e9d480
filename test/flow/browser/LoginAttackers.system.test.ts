/**
 * Attackers who want to keep the owner of a name out, with one address, one /64, one /56, one /48, or many addresses:
 * how long an unknown browser of the owner's elsewhere has to wait (the numbers of ADR 27).
 */
import { describe, expect } from "@effect/vitest"
import { guard, type Networks, networksOf, waitOf } from "../support/Attempts.js"
import { type TestServer, test } from "../support/Server.js"

const elsewhere: Networks = ["198.51.100.7"]

/** The networks of an attacker's next attempt. */
type Attacker = () => Networks

/** One day of an attack. */
interface Day {
  /** Number of passwords that were verified. */
  readonly tried: number
  /** Total waiting time of the watched browser in seconds. */
  readonly paused: number
  /** Its longest waiting time in seconds. */
  readonly longest: number
}

/**
 * Attackers guess at `ada` for days, each as soon as it may: attempts in between change nothing, as another test shows.
 */
const siege = async (
  server: TestServer,
  attackers: ReadonlyArray<Attacker>,
  watched: Networks,
  days: number
): Promise<ReadonlyArray<Day>> => {
  const next = attackers.map(() => 0)
  const seen: Array<Day> = []
  let now = 0
  let pausedUntil = 0
  while (now < days * 86_400) {
    const i = next.indexOf(Math.min(...next))
    const [at = 0, attacker] = [next[i], attackers[i]]
    if (attacker === undefined) break
    const day = { tried: 0, paused: 0, longest: 0 }
    if (at > now) await server.advance(`${Math.round((at - now) * 1000)} millis`)
    now = at
    const answer = await guard(server, "ada", attacker())
    next[i] = now + (answer === "tried" ? 0.5 : answer)
    while (seen.length <= now / 86_400) seen.push(day)
    if (answer !== "tried") continue
    const wait = await waitOf(server, "ada", watched)
    const { longest, paused, tried } = seen.pop() ?? day
    seen.push({
      tried: tried + 1,
      paused: paused + Math.max(0, now + wait - Math.max(now, pausedUntil)),
      longest: Math.max(longest, wait)
    })
    pausedUntil = Math.max(pausedUntil, now + wait)
  }
  return seen.slice(0, days)
}

const address =
  (n: number): Attacker =>
  () => [`192.0.2.${n}`]
const addresses = (count: number) => Array.from({ length: count }, (_, i) => address(i))

/** One attacker who uses another network each time. */
const rotating = (networks: (n: number) => Networks): ReadonlyArray<Attacker> => {
  let n = 0
  return [() => networks(n++)]
}

describe("an attacker who guesses one password from one network", () => {
  for (const [place, attackers, first, later] of [
    ["one IPv4 address", () => [address(1)], { tried: 19, paused: 16, longest: 4 }, 5],
    ["one /64", () => rotating(() => networksOf(1, 1, 1)), { tried: 19, paused: 16, longest: 4 }, 5],
    ["one /56", () => rotating((n) => networksOf(1, 1, n % 256)), { tried: 23, paused: 33, longest: 8 }, 9],
    ["one /48", () => rotating((n) => networksOf(1, n % 256, n)), { tried: 31, paused: 67, longest: 16 }, 17]
  ] as const) {
    test(`an attacker in ${place} makes the owner wait for a minute on the first day, and not at all later`, async (server) => {
      const [one, ...others] = await siege(server, attackers(), elsewhere, 3)
      expect(one).toEqual(first)
      for (const { paused, tried } of others) {
        expect(paused).toBe(0)
        expect(tried).toBeLessThanOrEqual(later)
      }
    })
  }

  test("refused attempts, twice a second, change nothing", async (server) => {
    let tried = 0
    for (let i = 0; i < 320; i++) {
      if ((await guard(server, "ada", ["192.0.2.1"])) === "tried") tried++
      await server.advance("500 millis")
    }
    // Five attempts are verified at once, and then one after 10, 20, 40 and 80 seconds.
    expect(tried).toBe(9)
    expect(await waitOf(server, "ada", elsewhere)).toBe(0)
  })

  test("an attacker in one /56 cannot keep the owner out of another /56 of the same /48", async (server) => {
    const attackers = rotating((n) => networksOf(1, 1, n % 256))
    const [first, second] = await siege(server, attackers, networksOf(1, 2, 0), 2)
    expect(first?.paused).toBeLessThan(3 * 3_600)
    expect(second?.paused).toBeLessThan(60)
  })

  test("an attacker in one /64 cannot keep the owner out of another /64 of the same /56", async (server) => {
    const [first, second] = await siege(
      server,
      rotating(() => networksOf(1, 1, 1)),
      networksOf(1, 1, 2),
      2
    )
    expect(first?.paused).toBeLessThan(6 * 3_600)
    expect(second?.paused).toBeLessThan(15 * 60)
  })
})

describe("an attacker who guesses one password from many addresses", () => {
  test("an attacker with 5 addresses makes the owner wait for a part of the first day, and not at all later", async (server) => {
    const [first, second] = await siege(server, addresses(5), elsewhere, 2)
    expect(first?.paused).toBeLessThan(18 * 3_600)
    expect(second?.paused).toBe(0)
  })

  test("an attacker with 20 addresses keeps unknown browsers out with 96 guesses a day, and no known browser", async (server) => {
    const [, second] = await siege(server, addresses(20), elsewhere, 2)
    expect(second).toMatchObject({ tried: 96, longest: 900 })
    expect(second?.paused).toBeGreaterThan(23 * 3_600)
    expect(await waitOf(server, "ada", elsewhere)).toBeGreaterThan(0)
    expect(await guard(server, "ada", elsewhere, "right", "a device of the owner")).toBe("tried")
  })
})

describe("a network", () => {
  test("a network may fail with many usernames, up to a limit", async (server) => {
    for (let i = 0; i < 51; i++) expect(await guard(server, `name${i}`, ["192.0.2.1"]), `${i}`).toBe("tried")
    expect(await guard(server, "another", ["192.0.2.1"], "right")).toBe(1)
    expect(await guard(server, "another", ["192.0.2.2"], "right")).toBe("tried")
  })

  for (const [prefix, free, networks] of [
    ["/56", 100, (n: number) => networksOf(1, 1, n)],
    ["/48", 200, (n: number) => networksOf(1, n, n)]
  ] as const) {
    test(`a ${prefix} may fail ${free} times, from any networks in it`, async (server) => {
      for (let i = 0; i <= free; i++) expect(await guard(server, `name${i}`, networks(i)), `${i}`).toBe("tried")
      expect(await guard(server, "another", networks(free + 1), "right")).toBe(1)
    })
  }

  test("a login to the attacker's own account does not reset the network's counter", async (server) => {
    for (let i = 0; i < 51; i++) {
      expect(await guard(server, `name${i}`, ["192.0.2.1"]), `${i}`).toBe("tried")
      if (i < 50) expect(await guard(server, "mallory", ["192.0.2.1"], "right"), `${i}`).toBe("tried")
    }
    expect(await guard(server, "another", ["192.0.2.1"], "right")).toBe(1)
  })

  test("an error of the server is no failure of the network", async (server) => {
    for (let i = 0; i < 20; i++) expect(await guard(server, "ada", ["192.0.2.1"], "busy")).toBe("tried")
    expect(await guard(server, "ada", ["192.0.2.1"], "right")).toBe("tried")
  })

  test("attempts that the username's pause refuses change no counter of the network", async (server) => {
    for (let i = 0; i < 9; i++) await guard(server, "ada", [`203.0.113.${i}`])
    await Promise.all(Array.from({ length: 40 }, () => guard(server, "ada", networksOf(1, 1, 1))))
    await server.advance("1 second")
    for (let i = 0; i < 5; i++) {
      expect(await guard(server, "ada", networksOf(1, 1, 1)), `${i}`).toBe("tried")
      await server.advance("1 hour")
    }
  })
})
