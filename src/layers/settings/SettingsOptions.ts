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
  type ClientAdmission,
  defaultClientAdmission,
  defaultLifetimes,
  defaultLogAddresses,
  defaultMaxUnusedClients,
  defaultOutbound,
  defaultRegistration,
  defaultRetryFromElsewhere,
  isHostPattern,
  type KeySet,
  type Lifetimes,
  type LogAddresses,
  type Outbound,
  objections,
  type RegistrationPolicy,
  type Settings,
  type StatementIssuer
} from "../../domain/Settings.js"
import * as Url from "../../domain/Url.js"
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
   * The clients that may register at `/register`: all ("Open", the default), those with an initial access token of the
   * operator ("Token"), also those with a software statement of an issuer in `softwareStatements` ("Statement"), or none
   * ("Off").
   */
  readonly registration?: RegistrationPolicy | undefined
  /**
   * The issuers whose software statements are verified (RFC 7591 §2.3), each with its keys or their https URL. The claims of a
   * statement replace what the client says of itself. Statements of other issuers are ignored.
   */
  readonly softwareStatements?: ReadonlyArray<StatementIssuerOptions> | undefined
  /**
   * Maximum number of clients that registered themselves and were never used; 10,000 if not given. A new one beyond it
   * replaces the oldest. With 0, a client cannot register itself without an initial access token.
   */
  readonly maxUnusedClients?: number | undefined
  /**
   * Whether a client can name the URL of its metadata document as its `client_id` (client ID metadata documents); true if not
   * given. The server fetches the document.
   */
  readonly clientDocuments?: boolean | undefined
  /**
   * The clients that may ask users for access, apart from those that the operator created or approved: "Open" (the default)
   * admits all, "Hosts" those whose metadata documents are on `clientHosts`, and "Approval" none until the operator approves
   * them (`latchkey client approve`).
   */
  readonly clientAdmission?: ClientAdmission | undefined
  /** Hosts for `clientAdmission: "Hosts"`: `claude.ai`, or `*.example.com` for every host below `example.com`. */
  readonly clientHosts?: ReadonlyArray<string> | undefined
  /** The name, the logo and the colours on the pages: Latchkey's if not given. */
  readonly brand?: BrandOptions | undefined
  /**
   * The part of clients' addresses in logs and events: "Off" (the default), "Network" (the /24 of an IPv4 address, the /48 of
   * an IPv6 address), or "Full". A warning about a proxy always names its address.
   */
  readonly logAddresses?: LogAddresses | undefined
  /**
   * Requests of the server for documents that clients name, such as the keys at a `jwks_uri`. "off" makes none. `allowedHosts`
   * limits them to hosts by name, `*.example.com` for every name below a domain; every public host if not given.
   */
  readonly outbound?: "off" | { readonly allowedHosts?: ReadonlyArray<string> | undefined } | undefined
}

/** An issuer of software statements. It has either `jwks` or `jwksUri`. */
export interface StatementIssuerOptions {
  /** The `iss` of its statements. */
  readonly issuer: string
  /** Its public keys, a JSON Web Key Set (RFC 7517 §5). */
  readonly jwks?: KeySet | undefined
  /** The https URL of its public keys. */
  readonly jwksUri?: string | undefined
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
    const registration = options.registration ?? defaultRegistration
    const softwareStatements = yield* readStatementIssuers(options.softwareStatements ?? [])
    if (registration === "Statement" && (softwareStatements.length === 0 || maxUnusedClients === 0)) {
      return yield* refuse(
        'registration "Statement" needs an issuer in softwareStatements, and a maxUnusedClients of at least 1'
      )
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
      // A maximum of 0 leaves no room for the client of a stranger.
      registration: registration === "Open" && maxUnusedClients === 0 ? "Off" : registration,
      softwareStatements,
      maxUnusedClients,
      clientDocuments: options.clientDocuments ?? true,
      clientAdmission: options.clientAdmission ?? defaultClientAdmission,
      clientHosts: yield* Effect.forEach(options.clientHosts ?? [], readHost),
      logAddresses: options.logAddresses ?? defaultLogAddresses,
      outbound: yield* readOutbound(options.outbound),
      retryFromElsewhere: options.retryFromElsewhere ?? defaultRetryFromElsewhere,
      brand: yield* Either.mapLeft(toBrand(options.brand ?? {}), refuse)
    }
  })

/** Reads the hosts to which the server may make requests. */
const readOutbound = (given: SettingsOptions["outbound"]): Effect.Effect<Outbound, SettingsError> => {
  if (given === undefined) return Effect.succeed(defaultOutbound)
  if (given === "off") return Effect.succeed({ ...defaultOutbound, isEnabled: false })
  const wrong = given.allowedHosts?.find((host) => !isHostPattern(host))
  return wrong === undefined
    ? Effect.succeed({ isEnabled: true, allowedHosts: given.allowedHosts })
    : refuse(`the allowed host ${wrong} must be a host name in lower case, such as keys.example.com or *.example.com`)
}

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

const readHost = (text: string) =>
  isHostPattern(text)
    ? Effect.succeed(text)
    : refuse(`${text} in clientHosts is not a host, such as claude.ai or *.example.com`)

/** Reads the issuers of software statements. */
const readStatementIssuers = (
  given: ReadonlyArray<StatementIssuerOptions>
): Effect.Effect<ReadonlyArray<StatementIssuer>, SettingsError> =>
  Effect.gen(function* () {
    const issuers = yield* Effect.forEach(given, ({ issuer, jwks, jwksUri }) =>
      Effect.gen(function* () {
        const url = jwksUri === undefined ? undefined : Url.parse(jwksUri)
        if (issuer === "") return yield* refuse("an issuer of software statements has no name")
        if ((jwks === undefined) === (jwksUri === undefined))
          return yield* refuse(`the issuer ${issuer} of software statements must have either jwks or jwksUri`)
        if (jwksUri !== undefined && url?.protocol !== "https:")
          return yield* refuse(`the jwksUri of the issuer ${issuer} of software statements must be an https URL`)
        const keys = url ?? jwks
        return keys === undefined ? yield* refuse(`the issuer ${issuer} has no keys`) : { issuer, keys }
      })
    )
    const twice = issuers.find(({ issuer }, index) => issuers.findIndex((other) => other.issuer === issuer) !== index)
    return twice === undefined
      ? issuers
      : yield* refuse(`the issuer ${twice.issuer} of software statements is given twice`)
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
