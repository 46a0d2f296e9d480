import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe } from "vitest"
import * as RedisRateLimiter from "../../src/layers/RedisRateLimiter.js"
import { nodes, rateLimiterContract } from "../../src/testing/contracts/rateLimiterContract.js"
import * as Redis from "../support/Redis.js"

describe.skipIf(Redis.missing)(Redis.named("counted in Redis"), () => {
  const two = Effect.map(Redis.server, (url) => nodes(2, RedisRateLimiter.layer({ url: Redacted.make(url) })))
  rateLimiterContract("by two nodes", Layer.unwrapScoped(two))
})
