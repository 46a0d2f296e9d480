/** Retries and duplicates that come from another network than the request that they repeat (ADR 29). */
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

/** The events of a grant that are rows, and were not there before it was in use. */
const kept = async (server: TestServer) => {
  // They are written in the background.
  await new Promise((resolve) => setTimeout(resolve, 20))
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 1_000 })))
  return events
    .map(({ kind }) => (kind._tag === "Revoked" ? `Revoked ${kind.reason}` : kind._tag))
    .filter((name) => /^(Revoked|Retried|Duplicate)/.test(name))
}

/** How often each of the events was counted. */
const counted = async (server: TestServer, event: string) => {
  const pairs = await server.run(Metric.snapshot)
  const found = pairs.find(
    ({ metricKey: { name, tags } }) =>
      name === "latchkey_events_total" && tags.some(({ key, value }) => key === "event" && value === event)
  )
  return (found?.metricState as { readonly count: number } | undefined)?.count ?? 0
}

/** A client and its tokens, and the server as it is asked from two networks. */
const acquainted = async (server: TestServer) => {
  const client = await server.register()
  return { client, tokens: await server.tokens(client), here: server.from(home), elsewhere: server.from(abroad) }
}

const expectRevoked = async (server: TestServer, tokens: Server.Tokens, reason: string) => {
  expect(await outcome(server.call(tokens.access_token))).toBe("401 invalid_token")
  expect(await server.grant(tokens.refresh_token)).toMatchObject({ _tag: "Revoked", reason })
}

describe("a retry of a refresh", () => {
  test("from another network is answered with the current token, kept as an event, and counted", async (server) => {
    const { client, elsewhere, here, tokens } = await acquainted(server)
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
    "adds one row and one warning a day, however often it comes",
    async (server) => {
      const { client, elsewhere, here, tokens } = await acquainted(server)
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
    "from another network is a replay where the setting says so",
    async (server) => {
      const { client, elsewhere, here, tokens } = await acquainted(server)
      const next = await tokensOf(here.refresh(client, tokens.refresh_token))
      expect(await outcome(elsewhere.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
      await expectRevoked(server, next, "RefreshTokenReplayed")
      expect(await outcome(here.refresh(client, next.refresh_token))).toBe("400 invalid_grant")
      expect(await kept(server)).toEqual(["RetriedElsewhere", "Revoked RefreshTokenReplayed"])
    },
    strict
  )

  test(
    "from the same network stays a retry, many at once too, and a client may change its network between refreshes",
    async (server) => {
      const { client, elsewhere, here, tokens } = await acquainted(server)
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
    "among several at once from elsewhere: one refreshes, and the other network's is a replay",
    async (server) => {
      const { client, elsewhere, here, tokens } = await acquainted(server)
      const outcomes = await Promise.all(
        [here, elsewhere, here, elsewhere].map((from) => outcome(from.refresh(client, tokens.refresh_token)))
      )
      expect(outcomes[0]).toBe("200")
      expect(outcomes).toContain("400 invalid_grant")
      await expectRevoked(server, tokens, "RefreshTokenReplayed")
    },
    strict
  )

  for (const [what, first, again, expected] of [
    ["one /64 of IPv6 is one network", "2001:db8::1", "2001:db8::2:3", "Retried"],
    ["two /64 of IPv6 are two networks", "2001:db8::1", "2001:db8:0:1::1", "RetriedElsewhere"],
    ["an IPv4 address in an IPv6 one is the same", "192.0.2.1", "::ffff:192.0.2.1", "Retried"],
    ["an address that is not known is compared with nothing", "192.0.2.1", undefined, "Retried"],
    ["nothing is compared with an address that is not known", undefined, "192.0.2.1", "Retried"]
  ] as const) {
    test(`compares networks: ${what}`, async (server) => {
      const { client, tokens } = await acquainted(server)
      const from = (address: string | undefined) => (address === undefined ? server : server.from(address))
      await from(first).refresh(client, tokens.refresh_token)
      await from(again).refresh(client, tokens.refresh_token)
      expect(await kept(server)).toEqual([expected])
    })
  }

  test(
    "is compared by the address that a trusted proxy forwards",
    async (server) => {
      const { client, tokens } = await acquainted(server)
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
  test("from another network is refused, kept once as an event, and counted; the grant lives on", async (server) => {
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
    "from another network is a replay where the setting says so; from the same one it is not",
    async (server) => {
      const client = await server.register()
      const [honest, stolen] = [await server.code(client), await server.code(client)]
      const tokens = await tokensOf(server.from(home).redeem(client, honest))
      expect(await outcome(server.from(home).redeem(client, honest))).toBe("400 invalid_grant")
      expect(await outcome(server.call(tokens.access_token))).toBe("200")
      // The thief was faster; the person's own client shows it.
      const thiefs = await tokensOf(server.from(abroad).redeem(client, stolen))
      expect(await outcome(server.from(home).redeem(client, stolen))).toBe("400 invalid_grant")
      await expectRevoked(server, thiefs, "CodeReplayed")
      expect(await kept(server)).toEqual(["Duplicate", "DuplicateElsewhere", "Revoked CodeReplayed"])
    },
    strict
  )
})

test("a grant's row tells no address, and no two grants of one network have a tag in common", async (server) => {
  const { client, here } = await acquainted(server)
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
  // The redemption's, the last rotation's, and the burst's, whose first rotation was the last.
  expect([one.length, new Set(one).size]).toEqual([3, 2])
  expect(new Set([...one, ...other]).size).toBe(4)
})
