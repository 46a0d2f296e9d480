/** What is past use goes, and nothing else. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { ClientId } from "../../src/domain/Client.js"
import { ClientStore } from "../../src/services/ClientStore.js"
import { EventLog } from "../../src/services/EventLog.js"
import { GrantStore } from "../../src/services/GrantStore.js"
import { TakingAway } from "../../src/services/TakingAway.js"
import { type Report, Upkeep } from "../../src/services/Upkeep.js"
import { type Client, make, outcome, type TestServer, test } from "./support/Server.js"
import * as Storage from "./support/Storage.js"

const pass = async (server: TestServer): Promise<Report> =>
  Option.getOrThrow(await server.run(Effect.flatMap(Upkeep, ({ pass }) => pass)))

const idOf = (client: Client) => ClientId.make(client.client_id)

const isThere = (server: TestServer, client: Client) =>
  server.run(
    Effect.map(
      Effect.flatMap(ClientStore, (clients) => clients.find(idOf(client))),
      Option.isSome
    )
  )

const moment = () => new Promise((resolve) => setTimeout(resolve, 20))

const nothing = {
  grants: 0,
  sessions: 0,
  revokedTokens: 0,
  events: 0,
  clients: 0,
  consents: 0,
  resealed: 0,
  keysRemoved: 0
}

describe("a pass", () => {
  test("leaves everything that is of use", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    await server.code(client)
    await moment()
    expect(await pass(server)).toEqual(nothing)
    expect(await outcome(server.call(access_token))).toBe("200")
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("deletes a grant a week after its end, and a session with its own", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    const { terms } = await server.grant(refresh_token)
    await server.run(Effect.flatMap(GrantStore, (grants) => grants.revoke(terms.id, "Denied", terms.approvedAt)))
    await server.advance("7 days")
    expect(await pass(server)).toMatchObject({ grants: 0, sessions: 1 })
    await server.advance(1)
    expect(await pass(server)).toMatchObject({ grants: 1, sessions: 0 })
    expect(await outcome(server.refresh(client, refresh_token))).toBe("400 invalid_grant")
  })

  test("deletes events after 90 days, and tokens revoked one by one when they have ended", async (server) => {
    const client = await server.register()
    const { access_token } = await server.tokens(client)
    await server.ask("/revoke", client, { token: access_token })
    await moment()
    await server.advance("70 minutes")
    expect(await pass(server)).toMatchObject({ revokedTokens: 0, events: 0 })
    await server.advance(1)
    expect(await pass(server)).toMatchObject({ revokedTokens: 1, events: 0 })
    await server.advance("90 days")
    const { events } = await pass(server)
    expect(events).toBeGreaterThan(3)
    const kept = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 100 })))
    expect(kept.every(({ happening }) => happening._tag === "KeyRotated")).toBe(true)
  })

  test("forgets a client that registered itself and was never used, after 30 days", async (server) => {
    const [unused, used] = [await server.register(), await server.register()]
    const operators = await server.addClient()
    await server.tokens(used)
    await server.advance("30 days")
    expect(await pass(server)).toMatchObject({ clients: 0 })
    await server.advance(1)
    expect(await pass(server)).toMatchObject({ clients: 1 })
    expect(await Promise.all([unused, used, operators].map((client) => isThere(server, client)))).toEqual([
      false,
      true,
      true
    ])
  })

  test("forgets what was allowed to a client that is gone", async (server) => {
    const [gone, stays] = [await server.register(), await server.register()]
    await server.tokens(gone)
    await server.tokens(stays)
    expect(await pass(server)).toMatchObject({ consents: 0 })
    await server.run(Effect.flatMap(TakingAway, ({ removeClient }) => removeClient(idOf(gone))))
    expect(await pass(server)).toMatchObject({ consents: 1 })
  })

  const limits: Array<number> = []
  const storage = Storage.changed(
    Storage.verbs(GrantStore, () => ({
      prune: (_: unknown, limit: number) => {
        limits.push(limit)
        return Effect.succeed(limits.length < 3 ? limit : 7)
      }
    }))
  )

  test(
    "goes on in small batches until nothing is left",
    async (server) => {
      expect(await pass(server)).toMatchObject({ grants: 1_007 })
      expect(limits).toEqual([500, 500, 500])
    },
    { storage }
  )
})

describe("a running server", () => {
  test(
    "passes a minute after its start, and each quarter of an hour",
    async (server) => {
      const client = await server.register()
      await server.advance("1 hour")
      expect(await isThere(server, client)).toBe(true)
      await server.advance("1 minute")
      expect(await isThere(server, client)).toBe(false)
    },
    { upkeep: true, settings: { lifetimes: { unusedClient: "1 hour" } } }
  )
})

describe("a clock that jumps forward", () => {
  it.scoped("has nothing deleted for an hour", () =>
    Effect.gen(function* () {
      const server = yield* make()
      yield* Effect.promise(() => server.register())
      const clock = yield* Clock.clockWith(Effect.succeed)
      const jumped: Clock.Clock = {
        ...clock,
        [Clock.ClockTypeId]: Clock.ClockTypeId,
        sleep: (duration) => clock.sleep(duration),
        unsafeCurrentTimeMillis: () => clock.unsafeCurrentTimeMillis() + 40 * 86_400_000,
        unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (millis) => millis + 40 * 86_400_000),
        currentTimeNanos: clock.currentTimeNanos
      }
      const passes = () =>
        server.run(
          Effect.withClock(
            Effect.flatMap(Upkeep, ({ pass }) => pass),
            jumped
          )
        )
      expect(yield* Effect.promise(passes)).toEqual(Option.none())
      yield* Effect.promise(() => server.advance(3_599_999))
      expect(yield* Effect.promise(passes)).toEqual(Option.none())
      yield* Effect.promise(() => server.advance(1))
      expect(yield* Effect.promise(passes)).toMatchObject({ value: { clients: 1 } })
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})
