/** Maintenance deletes expired rows, and no others. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { ClientId } from "../../../src/domain/Client.js"
import { Issuer } from "../../../src/domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { Clients } from "../../../src/services/clients/Clients.js"
import { leaseName, Maintenance, PassOutcome } from "../../../src/services/maintenance/Maintenance.js"
import type { MaintenanceReport } from "../../../src/services/maintenance/MaintenanceReport.js"
import { BatchPace } from "../../../src/services/stores/Batches.js"
import { ClientStore } from "../../../src/services/stores/ClientStore.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { LeaseStore } from "../../../src/services/stores/LeaseStore.js"
import { SessionStore } from "../../../src/services/stores/SessionStore.js"
import { Storage as StorageTag } from "../../../src/services/stores/Storage.js"
import { type Client, issuer, make, outcome, redirectUri, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const outcomeOf = (server: TestServer): Promise<PassOutcome> =>
  server.run(Effect.flatMap(Maintenance, ({ pass }) => pass))

const pass = async (server: TestServer): Promise<MaintenanceReport> => {
  const ended = await outcomeOf(server)
  if (ended._tag !== "Completed") throw new Error(`the pass is ${ended._tag}`)
  return ended.report
}

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
  spentAssertions: 0,
  events: 0,
  clients: 0,
  abandonedClients: 0,
  initialAccessTokens: 0,
  consents: 0,
  resealed: 0,
  keysRemoved: 0,
  failed: [],
  more: false,
  unfinished: []
}

describe("a pass", () => {
  test("a pass deletes no row that is in use", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    await server.code(client)
    await moment()
    expect(await pass(server)).toEqual(nothing)
    expect(await outcome(server.call(access_token))).toBe("200")
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("a pass deletes a grant a week after its end, and a session after its own end", async (server) => {
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

  test("a pass deletes events after 90 days, and revoked tokens after their expiry", async (server) => {
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
    expect(kept.every(({ kind }) => kind._tag === "KeyRotated")).toBe(true)
  })

  test("a pass deletes a self-registered client that was never used after a day", async (server) => {
    const [unused, used] = [await server.register(), await server.register()]
    const operators = await server.addClient()
    await server.tokens(used)
    await server.advance("1 day")
    expect(await pass(server)).toMatchObject({ clients: 0 })
    await server.advance(1)
    expect(await pass(server)).toMatchObject({ clients: 1 })
    expect(await Promise.all([unused, used, operators].map((client) => isThere(server, client)))).toEqual([
      false,
      true,
      true
    ])
  })

  test("a pass deletes a self-registered client a year after a user last allowed it access", async (server) => {
    const [abandoned, used] = [await server.register(), await server.register()]
    const operators = await server.addClient({ grant_types: ["authorization_code"], redirect_uris: [redirectUri] })
    for (const client of [abandoned, used, operators]) await server.tokens(client)
    await server.advance("200 days")
    await server.tokens(used)
    await server.advance("165 days")
    expect(await pass(server)).toMatchObject({ abandonedClients: 0, consents: 0 })
    await server.advance(1)
    expect(await pass(server)).toMatchObject({ clients: 0, abandonedClients: 1, consents: 1 })
    await server.advance("200 days")
    expect(await pass(server)).toMatchObject({ abandonedClients: 1, consents: 1 })
    expect(await Promise.all([abandoned, used, operators].map((client) => isThere(server, client)))).toEqual([
      false,
      false,
      true
    ])
  })

  test(
    "a pass keeps a self-registered client until a week after the end of its last grant",
    async (server) => {
      const client = await server.register()
      const { refresh_token } = await server.tokens(client)
      await server.advance("187 days")
      expect(await outcome(server.refresh(client, refresh_token))).toBe("400 invalid_grant")
      expect(await pass(server)).toMatchObject({ grants: 0, abandonedClients: 0 })
      await server.advance(1)
      expect(await pass(server)).toMatchObject({ grants: 1, abandonedClients: 1 })
      expect(await outcome(server.refresh(client, refresh_token))).toBe("401 invalid_client")
    },
    { settings: { lifetimes: { abandonedClient: "1 hour" } } }
  )

  test("a pass deletes the consents to a deleted client", async (server) => {
    const [deleted, kept] = [await server.register(), await server.register()]
    await server.tokens(deleted)
    await server.tokens(kept)
    expect(await pass(server)).toMatchObject({ consents: 0 })
    await server.run(Effect.flatMap(Clients, ({ remove }) => remove(idOf(deleted))))
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
    "a pass deletes in small batches until nothing is left",
    async (server) => {
      expect(await pass(server)).toMatchObject({ grants: 27, more: false })
      expect(limits).toEqual([10, 10, 10])
    },
    { storage }
  )
})

describe("a storage with a larger batch size", () => {
  const limits: Array<number> = []
  const storage = Layer.map(
    Storage.changed(
      Storage.verbs(GrantStore, () => ({
        prune: (_: unknown, limit: number) => Effect.sync(() => (limits.push(limit) === 1 ? limit : 0))
      }))
    ),
    (context) => Context.add(context, StorageTag, { ...Context.get(context, StorageTag), batchSize: 400 })
  )

  test(
    "a pass uses the larger batch size of the storage",
    async (server) => {
      expect(await pass(server)).toMatchObject({ grants: 400 })
      expect(limits).toEqual([400, 400])
    },
    { storage }
  )
})

describe("a pass that finds much to do", () => {
  const storage = Storage.changed(
    Storage.verbs(GrantStore, () => ({ prune: (_: unknown, limit: number) => Effect.succeed(limit) }))
  )

  test(
    "a pass does a bounded part of a step, reports that there is more, and runs the other steps",
    async (server) => {
      await server.register()
      await server.advance("31 days")
      const pace = { size: 2, maxBatches: 3, pause: Duration.zero }
      const ended = await server.run(
        Effect.provideService(
          Effect.flatMap(Maintenance, ({ pass }) => pass),
          BatchPace,
          pace
        )
      )
      expect(ended).toMatchObject({ report: { grants: 6, clients: 1, more: true, failed: [], unfinished: ["grants"] } })
    },
    { storage }
  )
})

describe("a pass of which steps fail", () => {
  const storage = Storage.changed(
    Storage.verbs(GrantStore, () => ({
      prune: () => new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" })
    })),
    Storage.verbs(EventLog, () => ({ prune: () => Effect.die("a fault") }))
  )

  test(
    "a pass runs all other steps after a failed one, and reports the failed ones",
    async (server) => {
      await server.register()
      await server.advance("31 days")
      expect(await pass(server)).toEqual({ ...nothing, clients: 1, failed: ["grants", "events"] })
    },
    { storage }
  )
})

describe("of several nodes", () => {
  /** A server, and another node that takes the lease for five minutes, at a later time. */
  const nodes = (
    title: string,
    rule: (
      server: TestServer,
      take: (later: number) => Effect.Effect<boolean, TemporarilyUnavailable>
    ) => Promise<unknown>,
    during?: (take: (later: number) => Effect.Effect<boolean, TemporarilyUnavailable>) => Effect.Effect<unknown>
  ) =>
    it.scoped(title, () =>
      Effect.gen(function* () {
        const kept = Context.get(yield* Layer.build(Layer.fresh(MemoryStorage.layer)), StorageTag)
        const leases = Context.get(kept.stores(Issuer.make(issuer)), LeaseStore)
        const take = (later: number) =>
          Effect.flatMap(DateTime.now, (now) =>
            leases.take(
              { name: leaseName, holder: "another" },
              DateTime.add(now, { millis: later }),
              Duration.minutes(5)
            )
          )
        const busy = Storage.verbs(SessionStore, () => ({
          prune: () => Effect.as(during?.(take) ?? Effect.void, 0)
        }))
        const storage = Layer.succeed(StorageTag, { ...kept, stores: (issuer) => busy(kept.stores(issuer)) })
        const server = yield* make({ storage })
        yield* Effect.promise(() => server.register())
        yield* Effect.promise(() => server.advance("31 days"))
        yield* Effect.promise(() => rule(server, take))
      })
    )

  nodes("one node at a time runs a pass, and another does when the lease has expired", async (server, take) => {
    expect(await server.run(take(0))).toBe(true)
    expect(await outcomeOf(server)).toEqual(PassOutcome.HeldByAnotherNode())
    await server.advance(299_999)
    expect(await outcomeOf(server)).toEqual(PassOutcome.HeldByAnotherNode())
    await server.advance(1)
    expect(await pass(server)).toMatchObject({ clients: 1 })
    // The pass released the lease.
    expect(await server.run(take(0))).toBe(true)
  })

  nodes(
    "a node whose lease expired stops when another node holds the lease",
    async (server) => expect(await pass(server)).toMatchObject({ clients: 0, more: true, failed: [] }),
    (take) => Effect.orDie(take(300_000))
  )
})

describe("whenever a pass comes before it", () => {
  const moments = ["1 minute", "1 day", "8 days", "29 days"] as const

  for (const moment of [...moments, "179 days"] as const) {
    test(`after a pass, a code that is replayed after ${moment} revokes its grant`, async (server) => {
      const client = await server.register()
      const held = await server.code(client)
      await tokensOf(server.redeem(client, held))
      await server.advance(moment)
      await pass(server)
      expect(await outcome(server.redeem(client, held))).toBe("400 invalid_grant")
      expect(await server.grant(held.code)).toMatchObject({ _tag: "Revoked", reason: "CodeReplayed" })
    })
  }

  for (const moment of moments) {
    test(`after a pass, a refresh token that is replayed after ${moment} revokes its grant`, async (server) => {
      const client = await server.register()
      const { refresh_token: stolen } = await server.tokens(client)
      await tokensOf(server.refresh(client, stolen))
      await server.advance(moment)
      await pass(server)
      expect(await outcome(server.refresh(client, stolen))).toBe("400 invalid_grant")
      expect(await server.grant(stolen)).toMatchObject({ _tag: "Revoked", reason: "RefreshTokenReplayed" })
    })
  }

  test(
    "after a pass, a decided page is not decided again while its form is valid",
    async (server) => {
      const { browser, page } = await server.toConsent(await server.register())
      const { sentTo } = await browser.submit(page, { button: "allow" })
      const code = sentTo?.searchParams.get("code") ?? ""
      const { id, approvedAt } = (await server.grant(code)).terms
      await server.run(Effect.flatMap(GrantStore, (grants) => grants.revoke(id, "Denied", approvedAt)))
      await server.advance("59 minutes")
      await pass(server)
      expect((await browser.submit(page, { button: "allow" })).sentTo?.searchParams.get("code") ?? null).toBe(null)
      expect(await server.grant(code)).toMatchObject({ _tag: "Revoked", reason: "Denied" })
    },
    { settings: { lifetimes: { form: "1 hour", session: "12 hours" } } }
  )
})

describe("a running server", () => {
  test(
    "a running server runs a pass a minute after its start, and every quarter of an hour",
    async (server) => {
      const client = await server.register()
      await server.advance("1 hour")
      expect(await isThere(server, client)).toBe(true)
      await server.advance("1 minute")
      expect(await isThere(server, client)).toBe(false)
    },
    { maintenance: true, settings: { lifetimes: { unusedClient: "1 hour" } } }
  )
})

describe("a clock that jumps forward", () => {
  it.scoped("nothing is deleted for an hour after the clock jumped forward", () =>
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
            Effect.flatMap(Maintenance, ({ pass }) => pass),
            jumped
          )
        )
      expect(yield* Effect.promise(passes)).toEqual(PassOutcome.ClockUntrusted())
      yield* Effect.promise(() => server.advance(3_599_999))
      expect(yield* Effect.promise(passes)).toEqual(PassOutcome.ClockUntrusted())
      yield* Effect.promise(() => server.advance(1))
      expect(yield* Effect.promise(passes)).toMatchObject({ report: { clients: 1 } })
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )
})
