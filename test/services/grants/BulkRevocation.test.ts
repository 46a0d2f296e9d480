/** Many grants are revoked in bounded batches with any store, and a failed batch is tried again. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { Subject } from "../../../src/domain/Account.js"
import { Issuer } from "../../../src/domain/Issuer.js"
import { TemporarilyUnavailable } from "../../../src/domain/OAuthError.js"
import * as MemoryStorage from "../../../src/layers/MemoryStorage.js"
import * as BulkRevocation from "../../../src/services/grants/BulkRevocation.js"
import { ConsentStore } from "../../../src/services/stores/ConsentStore.js"
import { GrantStore } from "../../../src/services/stores/GrantStore.js"
import { Storage } from "../../../src/services/stores/Storage.js"
import { app, at, consent, grant, grantId } from "../../../src/testing/contracts/fixtures.js"

const issuer = Issuer.make("https://auth.example.com")

/** A store with grants and consents of as many accounts. It records the limit of each call, and can fail. */
const crowd = (count: number) =>
  Effect.gen(function* () {
    const stores = (yield* Storage).stores(issuer)
    const [consents, grants] = [Context.get(stores, ConsentStore), Context.get(stores, GrantStore)]
    for (let i = 1; i <= count; i++) {
      const subject = Subject.make(`person-${i}`)
      yield* consents.record(consent({ subject }))
      yield* grants.approve(grant({ id: grantId(i), subject }))
    }
    yield* TestClock.setTime(at(1).epochMillis)
    const calls: Array<readonly [verb: string, limit: number]> = []
    const failures = { left: 0 }
    const noted = <A>(verb: string, limit: number, answer: Effect.Effect<A, TemporarilyUnavailable>) =>
      Effect.suspend(() => {
        calls.push([verb, limit])
        return failures.left-- > 0
          ? new TemporarilyUnavailable({ reason: "StoreBusy", description: "try again later" })
          : answer
      })
    const context = stores.pipe(
      Context.add(ConsentStore, {
        ...consents,
        withdrawAll: (whose, limit, after) => noted("withdrawAll", limit, consents.withdrawAll(whose, limit, after))
      }),
      Context.add(GrantStore, {
        ...grants,
        revokeAll: (whose, reason, now, page) =>
          noted("revokeAll", page.limit, grants.revokeAll(whose, reason, now, page))
      })
    )
    return { calls, failures, bulk: yield* Effect.provide(BulkRevocation.make, context) }
  }).pipe(Effect.provide(MemoryStorage.layer))

const pace = Effect.provideService(BulkRevocation.Pace, {
  size: 50,
  pause: Duration.zero,
  retryAfter: Duration.millis(1)
})

describe("a bulk revocation", () => {
  it.effect("a bulk revocation reads at most a batch of rows in a call, until none is left", () =>
    Effect.gen(function* () {
      const { bulk, calls } = yield* crowd(120)
      expect(yield* pace(bulk.withdraw({ clientId: app }))).toBe(120)
      expect(calls.splice(0)).toEqual(Array.from({ length: 3 }, () => ["withdrawAll", 50]))
      expect(yield* pace(bulk.grants({ clientId: app }, "ClientRevoked"))).toMatchObject({ count: 120 })
      expect(calls.splice(0)).toEqual(Array.from({ length: 3 }, () => ["revokeAll", 50]))
      expect(yield* pace(bulk.grants({ clientId: app }, "ClientRevoked"))).toEqual({ count: 0, first: [] })
    })
  )

  it.effect("a bulk revocation returns the number of all grants, and the ids of the first thousand", () =>
    Effect.gen(function* () {
      const { bulk } = yield* crowd(1_030)
      const { count, first } = yield* pace(bulk.grants({ everybody: true }, "Restored"))
      expect(count).toBe(1_030)
      expect(first).toEqual(Array.from({ length: BulkRevocation.maxIds }, (_, i) => grantId(i + 1)))
    })
  )

  it.effect("a bulk revocation reports the number of changed rows after each batch", () =>
    Effect.gen(function* () {
      const { bulk } = yield* crowd(120)
      const told: Array<readonly [string, number]> = []
      const report = (phase: BulkRevocation.Phase, count: number) => Effect.sync(() => void told.push([phase, count]))
      yield* pace(bulk.grants({ clientId: app }, "ClientRevoked")).pipe(
        Effect.provideService(BulkRevocation.Progress, { report })
      )
      expect(told).toEqual([
        ["grants", 50],
        ["grants", 100],
        ["grants", 120]
      ])
    })
  )

  it.effect("a bulk revocation retries a batch while the store is busy, and leaves out none", () =>
    Effect.gen(function* () {
      const { bulk, calls, failures } = yield* crowd(60)
      failures.left = 2
      expect(yield* pace(bulk.grants({ clientId: app }, "ClientRevoked"))).toMatchObject({ count: 60 })
      expect(calls).toHaveLength(4)
    })
  )
})
