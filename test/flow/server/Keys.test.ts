/** Keys are rotated, and a client notices only the replacement of a leaked key. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { KeyRotation } from "../../../src/services/maintenance/KeyRotation.js"
import { Maintenance } from "../../../src/services/maintenance/Maintenance.js"
import { BatchPace } from "../../../src/services/stores/Batches.js"
import { EventLog } from "../../../src/services/stores/EventLog.js"
import { KeyStore } from "../../../src/services/stores/KeyStore.js"
import { Storage as StorageTag } from "../../../src/services/stores/Storage.js"
import { make, outcome, start, type TestServer, test, tokensOf } from "../support/Server.js"
import * as Storage from "../support/Storage.js"

const pass = (server: TestServer) => server.run(Effect.flatMap(Maintenance, ({ pass }) => pass))

const publish = (server: TestServer) => server.run(Effect.flatMap(KeyRotation, ({ publish }) => publish))

const replace = (server: TestServer) => server.run(Effect.flatMap(KeyRotation, ({ replace }) => replace))

const keysOf = (server: TestServer) => server.run(Effect.flatMap(KeyStore, ({ list }) => list))

/** The states of all keys, sorted, because two keys of one moment have no order. */
const states = async (server: TestServer) => (await keysOf(server)).map(({ state }) => state._tag).sort()

const keyOf = (token: string) => token.slice("lk_at_".length, "lk_at_".length + 8)

/** Publishes a key and promotes it. */
const rotate = async (server: TestServer) => {
  await publish(server)
  await server.advance("1 minute")
  await pass(server)
}

/** The stored events of keys. */
const changes = async (server: TestServer) => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  const events = await server.run(Effect.flatMap(EventLog, (log) => log.read({ limit: 1_000 })))
  return events.flatMap(({ kind }) => (kind._tag === "KeyRotated" ? [kind.change] : []))
}

describe("a rotation", () => {
  test("a rotation publishes a key, and promotes it once every node has had time to read it", async (server) => {
    const client = await server.register()
    const { access_token: before } = await server.tokens(client)
    const id = Option.getOrThrow(await publish(server))
    expect(await publish(server)).toEqual(Option.none())
    await server.advance(59_999)
    await pass(server)
    expect(await states(server)).toEqual(["Current", "Next"])
    await server.advance(1)
    await pass(server)
    expect(await states(server)).toEqual(["Current", "Retired"])
    const { access_token: after } = await server.tokens(client)
    expect([keyOf(before) === id, keyOf(after) === id]).toEqual([false, true])
    for (const token of [before, after]) expect(await outcome(server.call(token))).toBe("200")
    expect(await changes(server)).toEqual(["Published", "Promoted"])
  })

  test("a rotation starts by itself when the key is old enough, and not before", async (server) => {
    await server.advance("89 days")
    await pass(server)
    expect(await states(server)).toEqual(["Current"])
    await server.advance("1 day")
    await pass(server)
    expect(await states(server)).toEqual(["Current", "Next"])
    await server.advance("1 minute")
    await pass(server)
    expect(await states(server)).toEqual(["Current", "Retired"])
  })

  test("a form that was opened before a rotation can still be sent", async (server) => {
    const { browser, page, verifier } = await server.toConsent(await server.register())
    await rotate(server)
    const { sentTo } = await browser.submit(page, { button: "allow" })
    expect([sentTo?.searchParams.has("code"), verifier.length > 0]).toEqual([true, true])
  })

  test("a rotation removes the old key when no text sealed under it is valid, and refresh tokens stay valid", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    await rotate(server)
    // The chain keys are resealed, but another node may still have sealed a text under the old key.
    expect(await states(server)).toEqual(["Current", "Retired"])
    await server.advance(659_999)
    await pass(server)
    expect(await states(server)).toEqual(["Current", "Retired"])
    expect(await server.grant(refresh_token)).toMatchObject({ _tag: "Active" })
    await server.advance(1)
    await pass(server)
    expect(await states(server)).toEqual(["Current"])
    expect(await changes(server)).toEqual(["Published", "Promoted", "Removed"])
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
    const { refresh_token: next } = await tokensOf(server.refresh(client, refresh_token))
    expect(await outcome(server.refresh(client, next))).toBe("200")
  })
})

describe("a key", () => {
  test("a key with more chain keys than a pass reseals is kept until the last of them is resealed", async (server) => {
    const client = await server.register()
    const tokens = [await server.tokens(client), await server.tokens(client), await server.tokens(client)]
    await publish(server)
    await server.advance("1 minute")
    const next = Option.getOrThrow(
      Option.fromNullable((await keysOf(server)).find(({ state }) => state._tag === "Next"))
    )
    const now = DateTime.unsafeMake(start)
    await server.run(Effect.flatMap(KeyStore, (store) => store.promote(next.id, now)))
    await server.advance("20 days")
    const pace = { size: 1, maxBatches: 2, pause: Duration.zero }
    const passes = async () => {
      const ended = await server.run(
        Effect.provideService(
          Effect.flatMap(Maintenance, ({ pass }) => pass),
          BatchPace,
          pace
        )
      )
      return [ended._tag === "Completed" ? [ended.report.resealed, ended.report.more] : [], await states(server)]
    }
    expect(await passes()).toEqual([
      [2, true],
      ["Current", "Retired"]
    ])
    expect(await passes()).toEqual([
      [1, false],
      ["Current", "Retired"]
    ])
    expect(await passes()).toEqual([[0, false], ["Current"]])
    for (const { refresh_token } of tokens) expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("a key under which a pass finds a chain key is kept for another pass, however old it is", async (server) => {
    const client = await server.register()
    const { refresh_token } = await server.tokens(client)
    const id = Option.getOrThrow(await publish(server))
    const now = DateTime.unsafeMake(start)
    await server.run(Effect.flatMap(KeyStore, (store) => store.promote(id, now)))
    await server.advance("20 days")
    await pass(server)
    expect(await states(server)).toEqual(["Current", "Retired"])
    await pass(server)
    expect(await states(server)).toEqual(["Current"])
    expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
  })

  test("a replaced key invalidates tokens and forms at once, and refresh tokens and sessions stay valid", async (server) => {
    const client = await server.register()
    const { access_token, refresh_token } = await server.tokens(client)
    const { browser, page } = await server.toConsent(client)
    await replace(server)
    await server.advance("1 second")
    expect(await outcome(server.call(access_token))).toBe("401 invalid_token")
    expect((await browser.submit(page, { button: "allow" })).sentTo?.searchParams.has("code") ?? false).toBe(false)
    const { access_token: fresh } = await tokensOf(server.refresh(client, refresh_token))
    expect(await outcome(server.call(fresh))).toBe("200")
    expect(await states(server)).toEqual(["Current", "Replaced"])
    expect(await changes(server)).toEqual(["Replaced", "Promoted"])
    // It is removed in the same way as a retired key.
    await pass(server)
    await server.advance("11 minutes")
    await pass(server)
    expect(await states(server)).toEqual(["Current"])
  })
})

/** Two servers on one storage. */
const nodes = (title: string, rule: (one: TestServer, other: TestServer) => Promise<unknown>) =>
  it.scoped(title, () =>
    Effect.gen(function* () {
      const kept = Context.get(yield* Layer.build(Layer.fresh(MemoryStorage.layer)), StorageTag)
      const storage = Layer.succeed(StorageTag, kept)
      const one = yield* make({ storage })
      const other = yield* make({ storage, isSecond: true })
      yield* Effect.promise(() => rule(one, other))
    })
  )

describe("of two nodes", () => {
  nodes("a node accepts a token that another node sealed under a new key", async (one, other) => {
    const client = await one.register()
    await rotate(one)
    const { access_token } = await one.tokens(client)
    expect(await outcome(other.call(access_token))).toBe("200")
    expect(keyOf((await other.tokens(client)).access_token)).toBe(keyOf(access_token))
  })

  nodes("a node accepts a token under a key that another node made a moment ago", async (one, other) => {
    const client = await one.register()
    const before = await other.tokens(client)
    await one.advance("1 second")
    expect(await outcome(other.call(before.access_token))).toBe("200")
    await one.advance(500)
    const id = await replace(one)
    await one.advance(499)
    const { access_token } = await tokensOf(one.refresh(client, before.refresh_token))
    expect(await outcome(other.call(access_token))).toBe("200")
    expect(keyOf(access_token).length).toBe(id.length)
  })

  nodes("a node refuses within a second a token under a key that another node replaced", async (one, other) => {
    const client = await one.register()
    const { access_token } = await other.tokens(client)
    // The node has opened the token once, and remembers its claims.
    expect(await outcome(other.call(access_token))).toBe("200")
    await replace(one)
    await one.advance("1 second")
    expect(await outcome(other.call(access_token))).toBe("401 invalid_token")
    expect(keyOf((await other.tokens(client)).access_token)).not.toBe(keyOf(access_token))
  })
})

describe("a store of keys that cannot be read", () => {
  let fails = false
  const storage = Storage.changed(
    Storage.verbs(KeyStore, ({ list }) => ({
      list: Effect.suspend(() =>
        fails ? new TemporarilyUnavailable({ reason: "StoreFailed", description: "try again later" }) : list
      )
    }))
  )

  test(
    "known keys still seal and open while the store of keys cannot be read",
    async (server) => {
      const client = await server.register()
      const { access_token, refresh_token } = await server.tokens(client)
      fails = true
      await server.advance("5 seconds")
      expect(await outcome(server.call(access_token))).toBe("200")
      expect(await outcome(server.refresh(client, refresh_token))).toBe("200")
      fails = false
    },
    { storage }
  )
})
