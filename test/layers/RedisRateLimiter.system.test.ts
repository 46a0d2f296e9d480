/** A Redis that starts, stops and starts again; its keys, and the log about it. */

import { describe, expect, it } from "@effect/vitest"
import { createClient } from "@redis/client"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Decision, type Limit } from "../../src/domain/RateLimit.js"
import * as RedisRateLimiter from "../../src/layers/RedisRateLimiter.js"
import { RateLimiter } from "../../src/services/RateLimiter.js"
import { freePort } from "../support/Cli.js"
import * as Redis from "../support/Redis.js"

const limit: Limit = { name: "token", quota: 3, window: Duration.minutes(1), whenUnavailable: "Allow" }
const key = "k".repeat(43)

const limiter = (url: string, prefix = "latchkey:") =>
  Effect.map(Layer.build(RedisRateLimiter.layer({ url: Redacted.make(url), prefix })), Context.get(RateLimiter))

/** Retries until there is an answer. */
const asked = ({ consume }: RateLimiter["Type"]) =>
  Effect.retry(consume([{ limit, key }]), Schedule.spaced("20 millis"))

describe.skipIf(Redis.missing)(Redis.named("a limiter over Redis"), () => {
  it.scopedLive(
    "the limiter fails soon while Redis is down, without the address in the error, and counts when Redis is up",
    () =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const logger = Logger.make(({ cause, message }) => said.push(JSON.stringify([message, cause])))
        const port = yield* Effect.promise(freePort)
        const { consume } = yield* limiter(`redis://user:pass%77ord@127.0.0.1:${port}`).pipe(
          Effect.provide(Logger.replace(Logger.defaultLogger, logger))
        )
        const error = yield* Effect.flip(consume([{ limit, key }]))
        expect(error).toMatchObject({ _tag: "TemporarilyUnavailable", reason: "StoreFailed" })

        const redis = yield* Scope.make()
        yield* Scope.extend(Redis.start(port, { user: "user", password: "password" }), redis)
        expect(Decision.$is("Allowed")(yield* asked({ consume }))).toBe(true)
        yield* Scope.close(redis, Exit.void)
        yield* Effect.repeat(Effect.either(consume([{ limit, key }])), { until: ({ _tag }) => _tag === "Left" })
        yield* Redis.start(port, { user: "user", password: "password" })
        expect(Decision.$is("Allowed")(yield* asked({ consume }))).toBe(true)

        expect(said.join("\n")).toContain("Redis is unavailable")
        expect(said.filter((line) => line.includes("Redis is unavailable")).length).toBeLessThanOrEqual(2)
        expect(JSON.stringify([said, error])).not.toMatch(/pass%77ord|password/)
      })
  )

  it.scopedLive("an invalid address is refused, and the error does not repeat it", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(limiter("http://:password@host"))
      expect(error._tag).toBe("InvalidRedisUrl")
      expect(JSON.stringify([error, error.message])).not.toContain("password")
    })
  )

  it.scopedLive("every key in Redis has the prefix and expires", () =>
    Effect.gen(function* () {
      const url = yield* Redis.server
      const client = createClient({ url })
      yield* Effect.acquireRelease(
        Effect.promise(() => client.connect()),
        () => Effect.promise(() => client.close())
      )
      const one = yield* limiter(url, "one:")
      const two = yield* limiter(url, "two:")
      for (let i = 0; i < 4; i++) yield* asked(one)
      expect(Decision.$is("Refused")(yield* asked(one))).toBe(true)
      expect(Decision.$is("Allowed")(yield* asked(two))).toBe(true)
      const keys = yield* Effect.promise(() => client.keys("*"))
      expect(keys.sort()).toEqual([`one:token:${key}`, `two:token:${key}`])
      for (const name of keys) {
        const left = yield* Effect.promise(() => client.pTTL(name))
        expect(left).toBeGreaterThan(0)
        expect(left).toBeLessThanOrEqual(Duration.toMillis(limit.window) + 10_000)
      }
    })
  )
})
