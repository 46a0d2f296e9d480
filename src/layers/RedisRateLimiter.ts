/**
 * Requests counted in Redis, for all processes that count there together: for deployments that would rather not have
 * their database count. Needs `@redis/client`, which an app installs itself.
 *
 * @example
 * const Auth = AuthLayer.layer(options).pipe(
 *   Layer.provide(RedisRateLimiter.layer({ url: Redacted.make("redis://10.0.0.5:6379") })),
 *   Layer.provide(PostgresStorage.layer({ url, masterKey }))
 * )
 */
import { createClient, defineScript } from "@redis/client"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import { TemporarilyUnavailable } from "../domain/OAuthError.js"
import * as RateLimit from "../domain/RateLimit.js"
import { patience, RateLimiter, within } from "../services/RateLimiter.js"

export interface Options {
  /** `redis://` or `rediss://` (TLS), with name and password where they are needed. */
  readonly url: Redacted.Redacted
  /** What the keys begin with; `latchkey:` if not given. */
  readonly prefix?: string
}

/**
 * Counts one request against several quotas in one step on the server: it takes one from each, or nothing from any. A key
 * ends when its quota is whole, by the server's clock; a little later, since those of the callers may be behind. In a
 * cluster all keys of one request must be on one node, which a prefix such as `{latchkey}:` sees to.
 */
const consume = defineScript({
  SCRIPT: `
    local now = tonumber(ARGV[1])
    local owed, allowed = {}, true
    for i, key in ipairs(KEYS) do
      local each, whole = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
      owed[i] = math.min(math.max(tonumber(redis.call("GET", key) or "0") - now, 0), whole)
      allowed = allowed and owed[i] + each <= whole
    end
    local answer = {}
    for i, key in ipairs(KEYS) do
      local after = allowed and owed[i] + tonumber(ARGV[2 * i]) or owed[i]
      redis.call("SET", key, string.format("%.0f", now + after), "PX", string.format("%.0f", after + 10000))
      answer[i] = string.format("%.0f", owed[i])
    end
    return answer`,
  parseCommand: (parser, keys: ReadonlyArray<string>, now: number, quotas: ReadonlyArray<RateLimit.Quota>) => {
    parser.pushKeysLength([...keys])
    parser.push(String(now), ...quotas.flatMap((quota) => [RateLimit.cost(quota), RateLimit.span(quota)].map(String)))
  },
  /** Milliseconds of each quota that were used up before. */
  transformReply: (reply: ReadonlyArray<string>) => reply.map(Number)
})

/** The address is none that Redis can be at. It is not told, since it may hold a password. */
export class InvalidRedisUrl extends Data.TaggedError("InvalidRedisUrl")<{}> {
  override get message() {
    return "the address of Redis must be a redis:// or rediss:// URL"
  }
}

const unavailable = (cause: unknown) =>
  new TemporarilyUnavailable({
    reason: "StoreFailed",
    description: "try again later",
    cause: cause instanceof Error ? `Redis: ${cause.message}` : "Redis"
  })

const make = ({ prefix = "latchkey:", url }: Options) =>
  Effect.gen(function* () {
    const run = Runtime.runFork(yield* Effect.runtime())
    const client = yield* Effect.try({
      try: () =>
        createClient({
          url: Redacted.value(url),
          name: "latchkey",
          scripts: { consume },
          // What cannot be asked now fails now.
          disableOfflineQueue: true,
          commandOptions: { timeout: patience },
          socket: { connectTimeout: patience, reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2_000) }
        }),
      catch: () => new InvalidRedisUrl()
    })

    let isTold = false
    client.on("error", (cause: unknown) => {
      if (!isTold) run(Effect.logWarning("Redis, which counts requests, is not there", unavailable(cause).cause))
      isTold = true
    })
    client.on("ready", () => {
      if (isTold) run(Effect.logInfo("Redis, which counts requests, is there again"))
      isTold = false
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
    // It goes on trying for as long as it lives, and is awaited for as long as a request would.
    const connecting = client.connect().catch(() => undefined)
    yield* Effect.timeoutOption(
      Effect.promise(() => connecting),
      patience
    )

    return RateLimiter.of({
      consume: (asked) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const names = asked.map(({ key, limit }) => `${prefix}${limit.name}:${key}`)
          const limits = asked.map(({ limit }) => limit)
          const owed = yield* Effect.tryPromise({
            try: () => client.consume(names, now, limits),
            catch: unavailable
          })
          return RateLimit.decide(limits.map((limit, i) => ({ limit, owed: owed[i] ?? RateLimit.span(limit) })))
        }).pipe(within)
    })
  })

/** A Redis that is down fails no start: each limit says what becomes of its requests meanwhile (`whenUnavailable`). */
export const layer = (options: Options): Layer.Layer<RateLimiter, InvalidRedisUrl> =>
  Layer.scoped(RateLimiter, make(options))

/** Returns the same limiter with options from configuration. */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<RateLimiter, InvalidRedisUrl | ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))
