/**
 * Counts requests in Redis for all processes together, for deployments that do not want to count in the database. Needs
 * `@redis/client`, which an app installs itself.
 *
 * @example
 * import { Layer, Redacted } from "effect"
 * import * as AuthLayer from "latchkey/AuthLayer"
 * import * as RedisRateLimiter from "latchkey/RedisRateLimiter"
 *
 * const Auth = AuthLayer.layer({ issuer: "https://notes.example.com", resources: [] }).pipe(
 *   Layer.provide(RedisRateLimiter.layer({ url: Redacted.make("redis://10.0.0.5:6379") }))
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
import { decide, patience, RateLimiter, within } from "../services/RateLimiter.js"

export interface Options {
  /** `redis://` or `rediss://` (TLS), with a name and a password if needed. */
  readonly url: Redacted.Redacted
  /** The prefix of the keys. Default: `latchkey:`. */
  readonly prefix?: string
}

/**
 * Counts one request against several quotas in one step on the server: it takes from all of them or from none. A key expires
 * by the clock of the server ten seconds after its quota is full, because the clocks of the callers may be slow. In a cluster all
 * keys of one request must be on one node; a prefix with a hash tag, such as `{latchkey}:`, ensures that.
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
  /** Milliseconds of each quota that were used before this request. */
  transformReply: (reply: ReadonlyArray<string>) => reply.map(Number)
})

/** The address is not a URL of Redis. The message omits the address, because it may contain a password. */
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
          // A request fails at once if there is no connection.
          disableOfflineQueue: true,
          commandOptions: { timeout: patience },
          socket: { connectTimeout: patience, reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2_000) }
        }),
      catch: () => new InvalidRedisUrl()
    })

    let isLogged = false
    client.on("error", (cause: unknown) => {
      if (!isLogged) run(Effect.logWarning("Redis is unavailable, requests are not counted", unavailable(cause).cause))
      isLogged = true
    })
    client.on("ready", () => {
      if (isLogged) run(Effect.logInfo("Redis is available again, requests are counted"))
      isLogged = false
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
    // The client retries until it is closed. The layer waits for it as long as a request would.
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
          return decide(asked, owed)
        }).pipe(within)
    })
  })

/** Starts also while Redis is down: each limit defines what happens to its requests then (`whenUnavailable`). */
export const layer = (options: Options): Layer.Layer<RateLimiter, InvalidRedisUrl> =>
  Layer.scoped(RateLimiter, make(options))

/** Returns the same limiter with options from configuration. */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<RateLimiter, InvalidRedisUrl | ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))
