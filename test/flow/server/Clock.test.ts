/** An expired token stays expired, even if the clock is set back while the server runs (design §3, Time). */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/TestClock"
import { Issuer } from "../../../src/domain/Issuer.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import { ClockWentBack } from "../../../src/services/maintenance/ClockCheck.js"
import { Maintenance, PassOutcome } from "../../../src/services/maintenance/Maintenance.js"
import { HighWaterMark } from "../../../src/services/stores/HighWaterMark.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import { issuer, make, outcome, start, type TestServer, test } from "../support/Server.js"

const setBack = (server: TestServer, millis: number) =>
  server.run(Effect.flatMap(Clock.currentTimeMillis, (now) => TestClock.setTime(now - millis)))

const hour = 3_600_000

describe("a clock that is set back while a server runs", () => {
  test("a clock that is set back revives no token, no code and no session", async (server) => {
    const client = await server.register()
    const tokens = await server.tokens(client)
    const code = await server.code(client)
    const { browser, url } = await server.toConsent(client)
    const isLoggedIn = async () => (await browser.open(url)).document.querySelector("[name=username]") === null
    expect(await isLoggedIn()).toBe(true)
    await server.advance("30 days")
    // The server has read the time once.
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await isLoggedIn()).toBe(false)
    await setBack(server, 30 * 24 * hour)
    expect((await server.call(tokens.access_token)).status).toBe(401)
    expect(await outcome(server.redeem(client, code))).toBe("400 invalid_grant")
    expect(await outcome(server.refresh(client, tokens.refresh_token))).toBe("400 invalid_grant")
    expect(await isLoggedIn()).toBe(false)
  })
})

const minute = 60_000
const week = 168 * hour

/** A storage that is used by several servers, one after the other. */
const lasting = Effect.map(Layer.build(Layer.fresh(MemoryStorage.layer)), Context.get(Storage))

/** Starts a server on the storage, without an account. */
const started = (storage: Context.Tag.Service<Storage>) =>
  make({ storage: Layer.succeed(Storage, storage), isSecond: true })

/** Starts a server this many milliseconds after another one on the same storage. */
const startedAgain = (millis: number) =>
  Effect.gen(function* () {
    const storage = yield* lasting
    yield* started(storage)
    yield* TestClock.setTime(start + millis)
    return { storage, server: yield* started(storage) }
  })

const accept = (storage: Context.Tag.Service<Storage>) =>
  Effect.flatMap(DateTime.now, (now) => Context.get(storage.stores(Issuer.make(issuer)), HighWaterMark).accept(now))

const passOf = (server: TestServer) => Effect.promise(() => server.run(Effect.flatMap(Maintenance, ({ pass }) => pass)))

/** All that these tests need to be quiet. */
const quiet = Effect.provide(Logger.remove(Logger.defaultLogger))

describe("a server that starts again", () => {
  it.scoped("a start more than 5 minutes before the stored time fails until the operator accepts the clock", () =>
    Effect.gen(function* () {
      const storage = yield* lasting
      yield* TestClock.setTime(start + hour)
      yield* started(storage)
      yield* TestClock.setTime(start + 55 * minute - 1)
      const error = yield* Effect.flip(started(storage))
      expect(error).toBeInstanceOf(ClockWentBack)
      expect(error).toMatchObject({
        now: DateTime.unsafeMake(start + 55 * minute - 1),
        seenAt: DateTime.unsafeMake(start + hour)
      })
      yield* accept(storage)
      yield* started(storage)
    })
  )

  it.scoped("a start 5 minutes before the stored time succeeds and keeps the stored time", () =>
    Effect.gen(function* () {
      const storage = yield* lasting
      yield* TestClock.setTime(start + hour)
      yield* started(storage)
      yield* TestClock.setTime(start + 55 * minute)
      yield* started(storage)
      yield* TestClock.setTime(start + 55 * minute - 1)
      expect(yield* Effect.flip(started(storage))).toBeInstanceOf(ClockWentBack)
    })
  )

  it.scoped("a start before the time that maintenance stored fails", () =>
    Effect.gen(function* () {
      const storage = yield* lasting
      const server = yield* started(storage)
      yield* Effect.promise(() => server.advance(week))
      yield* passOf(server)
      yield* TestClock.setTime(start + week - 6 * minute)
      expect(yield* Effect.flip(started(storage))).toBeInstanceOf(ClockWentBack)
    })
  )

  it.scoped("after a jump forward no process deletes rows for an hour", () =>
    Effect.gen(function* () {
      const { server, storage } = yield* startedAgain(week)
      expect(yield* passOf(server)).toEqual(PassOutcome.ClockUntrusted())
      yield* Effect.promise(() => server.advance(hour - 1))
      expect(yield* passOf(server)).toEqual(PassOutcome.ClockUntrusted())
      expect(yield* passOf(yield* started(storage))).toEqual(PassOutcome.ClockUntrusted())
      yield* Effect.promise(() => server.advance(1))
      expect(yield* passOf(server)).toMatchObject({ _tag: "Completed" })
    }).pipe(quiet)
  )

  it.scoped("after a jump forward maintenance continues when the operator accepts the clock", () =>
    Effect.gen(function* () {
      const { server, storage } = yield* startedAgain(week)
      yield* accept(storage)
      expect(yield* passOf(server)).toMatchObject({ _tag: "Completed" })
    })
  )

  it.scoped("after a second jump forward maintenance still deletes nothing", () =>
    Effect.gen(function* () {
      const storage = yield* lasting
      const server = yield* started(storage)
      yield* TestClock.setTime(start + week)
      yield* started(storage)
      for (const now of [start, start + week / 2, start + week - 5 * minute - 1]) {
        yield* TestClock.setTime(now)
        expect(yield* passOf(server)).toEqual(PassOutcome.ClockUntrusted())
      }
    }).pipe(quiet)
  )

  it.scoped("a start half an hour after the stored time is not a jump", () =>
    Effect.gen(function* () {
      const { server } = yield* startedAgain(30 * minute)
      expect(yield* passOf(server)).toMatchObject({ _tag: "Completed" })
    })
  )
})

describe("a node whose clock is not the database's", () => {
  it.scoped("a node whose clock differs from the database's deletes nothing and blocks no other node", () =>
    Effect.gen(function* () {
      const shared = { ...(yield* lasting), clock: Effect.succeed(start) }
      yield* TestClock.setTime(start + week)
      const server = yield* started(shared)
      expect(yield* passOf(server)).toEqual(PassOutcome.ClockUntrusted())
      yield* TestClock.setTime(start)
      expect(yield* passOf(yield* started(shared))).toMatchObject({ _tag: "Completed" })
    }).pipe(quiet)
  )
})
