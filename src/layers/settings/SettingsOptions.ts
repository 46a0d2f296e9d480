/** The settings as an app writes them, and the only place that checks them. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { defaultAppSchemes } from "../../domain/AppSchemes.js"
import { Issuer } from "../../domain/Issuer.js"
import type { FromElsewhere } from "../../domain/NetworkTag.js"
import {
  defaultLimits,
  isFactor,
  type Limit,
  type LimitName,
  type Limits,
  objection as limitObjection,
  maxFactor,
  type NetworkLimit
} from "../../domain/RateLimit.js"
import { type Resource, ResourceIndicator } from "../../domain/Resource.js"
import { ScopeToken } from "../../domain/Scope.js"
import * as ScopeHierarchy from "../../domain/ScopeHierarchy.js"
import {
  defaultLifetimes,
  defaultLogAddresses,
  defaultMaxUnusedClients,
  defaultRetryFromElsewhere,
  type Lifetimes,
  type LogAddresses,
  objections,
  type Settings
} from "../../domain/Settings.js"
import * as NetworkRange from "../../http/wire/NetworkRange.js"
import { type BrandOptions, toBrand } from "./BrandOptions.js"

/** The settings of a server: its issuer and its resources. Everything else has a default. */
export interface SettingsOptions {
  /** The server's own URL, without a trailing slash: https, or http on loopback (RFC 8414 §2). */
  readonly issuer: string
  readonly resources: ReadonlyArray<{
    /** The resource's URL (RFC 8707 §2). */
    readonly uri: string
    readonly name?: string | undefined
    /** The scope tokens, each with the sentence that the user reads on the consent page. */
    readonly scopes: Readonly<Record<string, string>>
    /** The scopes that imply others: `{ "notes:write": ["notes:read"] }`. Who allows one allows all that it implies. */
    readonly implies?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
  }>
  /** Lifetimes that differ from the defaults of `domain/Settings`. */
  readonly lifetimes?: Partial<Record<keyof Lifetimes, Duration.DurationInput>> | undefined
  /** Redirect URI schemes without a dot that any client may register, in addition to `appSchemes`: none if not given. */
  readonly privateUseSchemes?: ReadonlyArray<string> | undefined
  /**
   * Redirect URI schemes without a dot that public clients may register. If not given, the schemes of widely used apps, such as
   * `cursor` and `vscode` (see `domain/AppSchemes`). A list replaces the default; an empty list allows none.
   */
  readonly appSchemes?: ReadonlyArray<string> | undefined
  /**
   * CIDR ranges of your own proxies, such as `10.0.0.0/8`. Only their headers give the address of the client, the requested
   * host, and the id of the request.
   */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
  /**
   * Limits that differ from the defaults of `domain/RateLimit`, or "off". Limits by address need an address: behind a proxy
   * that is not in `trustedProxies` all clients count as one, and where no address is known, as in a `WebHandler` without
   * `remoteAddress`, they count nothing.
   */
  readonly rateLimits?: "off" | Partial<Record<LimitName, "off" | QuotaOptions | undefined>> | undefined
  /**
   * Networks with larger limits by address, or none: `{ "203.0.113.0/24": "off", "2001:db8::/48": 20 }`. A number multiplies
   * each quota. The most specific range decides. Both also apply to the failed logins of a network. Failed logins of a
   * username are counted everywhere.
   */
  readonly networkLimits?: Readonly<Record<string, NetworkLimit["factor"]>> | undefined
  /**
   * The treatment of a repeated refresh or redemption from another network than the first request: "Allow" (the default)
   * publishes an event, "Replay" revokes the grant. It needs the address of the client, as the rate limits do.
   */
  readonly retryFromElsewhere?: FromElsewhere | undefined
  /**
   * Maximum number of clients that registered themselves and were never used; 10,000 if not given. A new one beyond it
   * replaces the oldest. With 0, clients cannot register themselves.
   */
  readonly maxUnusedClients?: number | undefined
  /** The name, the logo and the colours on the pages: Latchkey's if not given. */
  readonly brand?: BrandOptions | undefined
  /**
   * The part of clients' addresses in logs and events: "Off" (the default), "Network" (the /24 of an IPv4 address, the /48 of
   * an IPv6 address), or "Full". A warning about a proxy always names its address.
   */
  readonly logAddresses?: LogAddresses | undefined
}

/** Number of requests per time window. */
export interface QuotaOptions {
  readonly quota: number
  readonly window: Duration.DurationInput
}

/** The settings are not valid. The message is one line for the operator. */
export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly message: string }> {}

const refuse = (message: string) => new SettingsError({ message })

const decode = <A>(schema: Schema.Schema<A, string>, text: string, what: string) =>
  Effect.mapError(Schema.decode(schema)(text), (error) => {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
    return refuse(`${what}: ${issue?.message ?? "is not valid"}`)
  })

/** Returns the checked settings with the defaults. */
export const toSettings = (options: SettingsOptions): Effect.Effect<Settings, SettingsError> =>
  Effect.gen(function* () {
    const lifetimes: Lifetimes = { ...defaultLifetimes, ...(yield* readLifetimes(options.lifetimes ?? {})) }
    const [objection] = objections(lifetimes)
    if (objection !== undefined) return yield* refuse(objection)
    const trustedProxies = options.trustedProxies ?? []
    for (const range of trustedProxies) {
      if (Option.isNone(NetworkRange.parseCidr(range)))
        return yield* refuse(`the trusted proxy ${range} is not a CIDR range`)
    }
    const maxUnusedClients = options.maxUnusedClients ?? defaultMaxUnusedClients
    if (!Number.isSafeInteger(maxUnusedClients) || maxUnusedClients < 0) {
      return yield* refuse("maxUnusedClients must be a whole number, 0 or more")
    }
    const resources = yield* Effect.forEach(options.resources, toResource)
    if (new Set(resources.map(({ uri }) => new URL(uri).href)).size < resources.length)
      return yield* refuse("a resource is given twice")
    return {
      issuer: yield* decode(Issuer, options.issuer, options.issuer),
      resources,
      lifetimes,
      privateUseSchemes: new Set(options.privateUseSchemes),
      appSchemes: new Set(options.appSchemes ?? defaultAppSchemes),
      trustedProxies,
      rateLimits: yield* readLimits(options.rateLimits ?? {}),
      networkLimits: yield* readNetworkLimits(options.networkLimits ?? {}),
      maxUnusedClients,
      logAddresses: options.logAddresses ?? defaultLogAddresses,
      retryFromElsewhere: options.retryFromElsewhere ?? defaultRetryFromElsewhere,
      brand: yield* Either.mapLeft(toBrand(options.brand ?? {}), refuse)
    }
  })

/** Reads a duration in the notation of Effect. */
const readDuration = (value: unknown, what: string) =>
  Option.match(Duration.decodeUnknown(value), {
    onNone: () => refuse(`${what} is not a duration, such as "30 seconds"`),
    onSome: Effect.succeed
  })

/** Reads the given lifetimes only. */
const readLifetimes = (given: NonNullable<SettingsOptions["lifetimes"]>) =>
  Effect.map(
    Effect.forEach(Object.entries(given), ([name, value]) =>
      Effect.map(readDuration(value, name), (duration) => [name, duration] as const)
    ),
    Object.fromEntries
  )

/** Returns the defaults without those that are off, and with the given ones. */
const readLimits = (given: NonNullable<SettingsOptions["rateLimits"]>): Effect.Effect<Limits, SettingsError> =>
  Effect.gen(function* () {
    if (given === "off") return {}
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(defaultLimits, name))
    if (unknown !== undefined) return yield* refuse(`there is no limit ${unknown}`)
    const limits: Partial<Record<LimitName, Limit>> = {}
    for (const standard of Object.values(defaultLimits)) {
      const own = given[standard.name] ?? standard
      if (own === "off") continue
      const window = yield* readDuration(own.window, `the window of the limit ${standard.name}`)
      const limit = { ...standard, quota: own.quota, window }
      const objection = limitObjection(limit)
      if (objection !== undefined) return yield* refuse(objection)
      limits[limit.name] = limit
    }
    return limits
  })

/** Reads the limits of networks. Each range gets its normal form. */
const readNetworkLimits = (
  given: NonNullable<SettingsOptions["networkLimits"]>
): Effect.Effect<ReadonlyArray<NetworkLimit>, SettingsError> =>
  Effect.gen(function* () {
    const limits = new Map<string, NetworkLimit>()
    for (const [text, factor] of Object.entries(given)) {
      const range = NetworkRange.parse(text)
      if (Option.isNone(range)) {
        return yield* refuse(`the network ${text} is neither an address nor a CIDR range, such as 203.0.113.0/24`)
      }
      if (!isFactor(factor)) {
        return yield* refuse(`the limit of the network ${text} must be "off" or a whole number from 1 to ${maxFactor}`)
      }
      const network = NetworkRange.format(range.value)
      if (limits.has(network)) return yield* refuse(`the network ${network} is given twice`)
      limits.set(network, { network, factor })
    }
    return Array.from(limits.values())
  })

const toResource = ({ implies, name, scopes, uri }: SettingsOptions["resources"][number]) =>
  Effect.gen(function* () {
    for (const token of Object.keys(scopes)) yield* decode(ScopeToken, token, `the scope "${token}" of ${uri}`)
    const objection = ScopeHierarchy.objection({ scopes, implies })
    if (objection !== undefined) return yield* refuse(`${uri}: ${objection}`)
    const resource: Resource = {
      uri: yield* decode(ResourceIndicator, uri, uri),
      name,
      scopes,
      ...(implies === undefined ? {} : { implies })
    }
    return resource
  })
