/** Settings that limit requests and registrations. */
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { defaultLimits, maxFactor } from "../../domain/RateLimit.js"
import { defaultMaxUnusedClients } from "../../domain/Settings.js"
import * as Url from "../../domain/Url.js"
import * as NetworkRange from "../../http/wire/NetworkRange.js"
import { DurationText } from "./Durations.js"
import { optional, setting } from "./Setting.js"
import * as Texts from "./Texts.js"

const RateLimits = Schema.partial(
  Schema.Struct(
    Record.map(defaultLimits, () =>
      Schema.Union(Schema.Literal("off"), Schema.Struct({ quota: Schema.Int, window: DurationText }))
    )
  )
)

/** A range of addresses in CIDR notation, or one address. */
const Network = Schema.String.pipe(Schema.filter((range) => Option.isSome(NetworkRange.parse(range))))

const NetworkLimits = Schema.Record({
  key: Network,
  value: Schema.Union(Schema.Literal("off"), Schema.Int.pipe(Schema.between(1, maxFactor)))
})

/** The URL of a Redis server. It may hold a password. */
const RedisUrl = Schema.Redacted(
  Schema.String.pipe(Schema.filter((text) => /^rediss?:\/\//.test(text) && Url.parse(text) !== undefined))
)

export const limitFields = {
  rateLimit: optional(Schema.Literal("off"), {
    description: '"off" if a proxy in front of the server limits requests',
    defaultText: "the server limits requests by address",
    hint: "give off, or leave it out"
  }),
  rateLimits: setting(RateLimits, {
    description: "Limits that differ from the defaults, by name",
    default: {},
    defaultText: "none",
    fromText: Texts.toLimits,
    hint: 'give limits by their names as { "token": { "quota": 600, "window": "1 minute" }, "api": "off" }, or in a variable as "token=600/1 minute,api=off"'
  }),
  networkLimits: setting(NetworkLimits, {
    description:
      'Networks without limits by address ("off"), or the factor that multiplies their quotas. The most specific network decides',
    default: {},
    defaultText: "none",
    fromText: Texts.toNetworkLimits,
    hint: `give each network once, with off or a whole number from 1 to ${maxFactor}, as { "203.0.113.0/24": "off", "2001:db8::/48": 20 }, or in a variable as "203.0.113.0/24=off,2001:db8::/48=20"`
  }),
  maxUnusedClients: setting(Schema.Int.pipe(Schema.nonNegative()), {
    description:
      "Maximum number of clients that registered themselves and were never used. 0 closes registration without an initial access token",
    default: defaultMaxUnusedClients,
    fromText: Texts.toNumber,
    hint: "give a whole number, 0 or more"
  }),
  redisUrl: optional(RedisUrl, {
    description: "Redis server that counts the requests of all servers together, redis://HOST:PORT",
    defaultText: "PostgreSQL counts them if it is the database; otherwise each server counts its own",
    hint: "give a URL that begins with redis:// or rediss://",
    only: "Environment",
    isSecret: true
  })
}
