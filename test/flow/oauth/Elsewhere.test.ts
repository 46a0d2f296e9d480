/** Retries and duplicates from another network than the request that they repeat (ADR 29). */
import { describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import type * as Server from "../support/Server.js"
import { outcome, type TestServer, test, tokensOf } from "../support/Server.js"

const home = "192.0.2.1"
const abroad = "198.51.100.7"

const strict = { settings: { retryFromElsewhere: "Replay" } } as const

/** The stored events of revocations, retries and duplicates. */
const kept = async (server: TestServer) => {
  // Events are written in the background.
  await new Promise((resolve) => setTimeout(resolve, 20))
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 1_000 })))
  return events
    .map(({ kind }) => (kind._tag === "Revoked" ? `Revoked ${kind.reason}` : kind._tag))
    .filter((name) => /^(Revoked|Retried|Duplicate)/.test(name))
}

/** The number of times that the event was counted. */
const counted = async (server: TestServer, event: string) => {
  const pairs = await server.run(Metric.snapshot)
  const found = pairs.find(
    ({ metricKey: { name, tags } }) =>
      name === "latchkey_events_total" && tags.some(({ key, value }) => key === "event" && value === event)
  )
  return (found?.metricState as { readonly count: number } | undefined)?.count ?? 0
}

/** A client and its tokens, and the server for requests from two networks. */
const fromTwoNetworks = async (server: TestServer) => {
  const client = await server.register()
  return { client, tokens: await server.tokens(client), here: server.from(home), elsewhere: server.from(abroad) }
}

const expectRevoked = async (server: TestServer, tokens: Server.Tokens, reason: string) => {
  expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
  expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason })
}

describe("a retry of a refresh", () => {
  test("a retry from another network gets the current token, and is stored and counted as an event", async (server) => {
    const { client, elsewhere, here, tokens } = await fromTwoNetworks(server)
    const before = await counted(server, "RetriedElsewhere")
    const next = await tokensOf(here.refresh(client, tokens.refresh_token))
    const retried = await tokensOf(elsewhere.refresh(client, tokens.refresh_token))
    expect(retried.refresh_token).toBe(next.refresh_token)
    expect(await kept(server)).toEqual(["RetriedElsewhere"])
    expect(await counted(server, "RetriedElsewhere")).toBe(before + 1)
  })

  const alarms: Array<unknown> = []
  const logger = Logger.make<unknown, void>(({ annotations, logLevel }) => {
    if (logLevel.label === "WARN") alarms.push(Object.fromEntries(HashMap.toEntries(annotations)).event)
  })
  test(
    "retries from two networks add one row each and one warning a day, however often they come",
    async (server) => {
      const { client, elsewhere, here, tokens } = await fromTwoNetworks(server)
      const flood = async (token: string) => {
        for (let i = 0; i < 20; i++) {
          expect(await outcome(elsewhere.refresh(client, token))).toBe("200")
          expect(await outcome(here.refresh(client, token))).toBe("200")
        }
      }
      const before = await counted(server, "RetriedElsewhere")
      const next = await tokensOf(here.refresh(client, tokens.refresh_token))
      await flood(tokens.refresh_token)
      expect(await kept(server)).toEqual(["RetriedElsewhere", "Retried"])
      expect(await counted(server, "RetriedElsewhere")).toBe(before + 20)
      expect(alarms).toEqual(["RetriedElsewhere"])
      await server.advance("1 day")
      await here.refresh(client, next.refresh_token)
      await flood(next.refresh_token)
      expect((await kept(server)).slice(2)).toEqual(["RetriedElsewhere", "Retried"])
      expect(alarms).toEqual(["RetriedElsewhere", "RetriedElsewhere"])
    },
    { logger }
  )

  test(
    "a retry from another network is a replay if retryFromElsewhere is Replay",
    async (server) => {
      const { client, elsewhere, here, tokens } = await fromTwoNetworks(server)
      const next = await tokensOf(here.refresh(client, tokens.refresh_token))
      expect(await outcome(elsewhere.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
      await expectRevoked(server, next, "RefreshTokenReplayed")
      expect(await outcome(here.refresh(client, next.refresh_token))).toBe("400 invalid_grant")
      expect(await kept(server)).toEqual(["RetriedElsewhere", "Revoked RefreshTokenReplayed"])
    },
    strict
  )

  test(
    "concurrent retries from the same network stay retries, and a client may change its network between refreshes",
    async (server) => {
      const { client, elsewhere, here, tokens } = await fromTwoNetworks(server)
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => tokensOf(here.refresh(client, tokens.refresh_token)))
      )
      expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(1)
      const next = answers[0]?.refresh_token ?? ""
      const moved = await tokensOf(elsewhere.refresh(client, next))
      expect((await tokensOf(elsewhere.refresh(client, next))).refresh_token).toBe(moved.refresh_token)
      expect(await kept(server)).toEqual(["Retried"])
    },
    strict
  )

  test(
    "one of several concurrent refreshes succeeds, and one from another network is a replay",
    async (server) => {
      const { client, elsewhere, here, tokens } = await fromTwoNetworks(server)
      const outcomes = await Promise.all(
        [here, elsewhere, here, elsewhere].map((from) => outcome(from.refresh(client, tokens.refresh_token)))
      )
      expect(outcomes[0]).toBe("200")
      expect(outcomes).toContain("400 invalid_grant")
      await expectRevoked(server, tokens, "RefreshTokenReplayed")
    },
    strict
  )

  for (const [rule, first, again, expected] of [
    ["one /64 of IPv6 is one network", "2001:db8::1", "2001:db8::2:3", "Retried"],
    ["two /64 of IPv6 are two networks", "2001:db8::1", "2001:db8:0:1::1", "RetriedElsewhere"],
    ["an IPv4 address in an IPv6 one is the same", "192.0.2.1", "::ffff:192.0.2.1", "Retried"],
    ["a retry from an unknown address is a plain retry", "192.0.2.1", undefined, "Retried"],
    ["a retry after an unknown address is a plain retry", undefined, "192.0.2.1", "Retried"]
  ] as const) {
    test(`a retry compares networks: ${rule}`, async (server) => {
      const { client, tokens } = await fromTwoNetworks(server)
      const from = (address: string | undefined) => (address === undefined ? server : server.from(address))
      await from(first).refresh(client, tokens.refresh_token)
      await from(again).refresh(client, tokens.refresh_token)
      expect(await kept(server)).toEqual([expected])
    })
  }

  test(
    "a retry is compared by the address that a trusted proxy forwards",
    async (server) => {
      const { client, tokens } = await fromTwoNetworks(server)
      const through = (address: string) =>
        server
          .from("10.0.0.1")
          .post(
            "/token",
            { grant_type: "refresh_token", client_id: client.client_id, refresh_token: tokens.refresh_token },
            { "x-forwarded-for": address }
          )
      for (const address of [home, home, abroad]) expect(await outcome(through(address))).toBe("200")
      expect(await kept(server)).toEqual(["Retried", "RetriedElsewhere"])
    },
    { settings: { trustedProxies: ["10.0.0.0/8"] } }
  )
})

describe("a duplicate of a redemption", () => {
  test("a duplicate from another network is refused, stored once, and counted, and the grant stays active", async (server) => {
    const client = await server.register()
    const code = await server.code(client)
    const before = await counted(server, "DuplicateElsewhere")
    const tokens = await tokensOf(server.from(home).redeem(client, code))
    for (let i = 0; i < 3; i++) {
      expect(await outcome(server.from(abroad).redeem(client, code))).toBe("400 invalid_grant")
      expect(await outcome(server.from(home).redeem(client, code))).toBe("400 invalid_grant")
    }
    expect(await kept(server)).toEqual(["DuplicateElsewhere", "Duplicate"])
    expect(await counted(server, "DuplicateElsewhere")).toBe(before + 3)
    expect(await outcome(server.call(tokens.access_token))).toBe("200")
  })

  test(
    "a duplicate from another network is a replay if retryFromElsewhere is Replay, and one from the same network is not",
    async (server) => {
      const client = await server.register()
      const [honest, stolen] = [await server.code(client), await server.code(client)]
      const tokens = await tokensOf(server.from(home).redeem(client, honest))
      expect(await outcome(server.from(home).redeem(client, honest))).toBe("400 invalid_grant")
      expect(await outcome(server.call(tokens.access_token))).toBe("200")
      // The thief was faster; the request of the user's own client reveals it.
      const stolenTokens = await tokensOf(server.from(abroad).redeem(client, stolen))
      expect(await outcome(server.from(home).redeem(client, stolen))).toBe("400 invalid_grant")
      await expectRevoked(server, stolenTokens, "CodeReplayed")
      expect(await kept(server)).toEqual(["Duplicate", "DuplicateElsewhere", "Revoked CodeReplayed"])
    },
    strict
  )
})

test("a grant's row has no address, and two grants of one network have no tag in common", async (server) => {
  const { client, here } = await fromTwoNetworks(server)
  const tagsOf = async () => {
    const tokens = await tokensOf(here.redeem(client, await server.code(client)))
    await here.refresh(client, tokens.refresh_token)
    const grant = await server.grant(tokens.refresh_token)
    expect(JSON.stringify(grant)).not.toContain(home)
    return [
      ...JSON.stringify(grant).matchAll(/From":\{"_id":"Option","_tag":"Some","value":"([A-Za-z0-9_-]{22})"/g)
    ].map(([, tag]) => tag)
  }
  const [one, other] = [await tagsOf(), await tagsOf()]
  // The tags of the redemption, of the last rotation, and of the burst, which began with that rotation.
  expect([one.length, new Set(one).size]).toEqual([3, 2])
  expect(new Set([...one, ...other]).size).toBe(4)
})
