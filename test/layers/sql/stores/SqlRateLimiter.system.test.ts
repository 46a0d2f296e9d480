/** Quotas in PostgreSQL: their rows, and requests while the database does not answer. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import type { Limit } from "../../../../src/domain/RateLimit.js"
import * as PostgresStorage from "../../../../src/layers/PostgresStorage.js"
import { RateLimiter } from "../../../../src/services/RateLimiter.js"
import * as Postgres from "../../../support/Postgres.js"

const limit: Limit = { name: "token", quota: 60, window: Duration.minutes(1), whenUnavailable: "Allow" }

const limiterOf = (url: Redacted.Redacted) =>
  Effect.map(
    Layer.build(PostgresStorage.layer({ url, masterKey: Redacted.make(new Uint8Array(32)) })),
    Context.get(RateLimiter)
  )

const rows = (url: Redacted.Redacted) =>
  Effect.promise(() => Postgres.query(Redacted.value(url), "select key from latchkey.rate_limits order by key"))

describe.skipIf(Postgres.missing)(Postgres.named("quotas in PostgreSQL"), () => {
  it.scoped("full quotas are deleted, and others stay", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { consume } = yield* limiterOf(url)
      yield* TestClock.setTime(1_800_000_000_000)
      yield* Effect.forEach(
        Array.from({ length: 500 }, (_, i) => i),
        (i) => consume([{ limit, key: `stranger ${i}` }]),
        {
          concurrency: 8
        }
      )
      yield* Effect.replicateEffect(consume([{ limit, key: "busy" }]), 60)
      expect(yield* rows(url)).toHaveLength(501)
      yield* TestClock.adjust("20 seconds")
      yield* consume([{ limit, key: "another" }])
      yield* Effect.repeat(rows(url), { until: (found) => found.length <= 2 })
      expect(yield* rows(url)).toEqual([{ key: "another" }, { key: "busy" }])
    })
  )

  it.scoped("a request fails without its key in the error while the table is missing", () =>
    Effect.gen(function* () {
      const url = yield* Postgres.database
      const { consume } = yield* limiterOf(url)
      yield* Effect.promise(() =>
        Postgres.query(Redacted.value(url), "alter table latchkey.rate_limits rename to gone")
      )
      const error = yield* Effect.flip(consume([{ limit, key: "a client" }]))
      expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })
      expect(JSON.stringify([error, error.cause])).not.toContain("a client")
      yield* Effect.promise(() =>
        Postgres.query(Redacted.value(url), "alter table latchkey.gone rename to rate_limits")
      )
      expect((yield* consume([{ limit, key: "a client" }]))._tag).toBe("Allowed")
    })
  )
})
