/**
 * All that an operator may set, in one table. From it come the options, the variables and the members of the file, their
 * help, the file's JSON Schema, and what `latchkey config` shows: a new setting is one entry here.
 */
import * as Duration from "effect/Duration"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import { defaultAppSchemes } from "../../domain/AppSchemes.js"
import * as Brand from "../../domain/Brand.js"
import { Issuer } from "../../domain/Issuer.js"
import { defaultLimits, maxFactor } from "../../domain/RateLimit.js"
import { ResourceIndicator } from "../../domain/Resource.js"
import { ScopeToken } from "../../domain/Scope.js"
import { defaultLifetimes, defaultMaxUnusedClients, type Lifetimes } from "../../domain/Settings.js"
import * as BrandColors from "../../http/pages/BrandColors.js"
import * as NetworkRange from "../../http/wire/NetworkRange.js"
import * as MasterKeyFile from "../../layers/files/MasterKeyFile.js"
import * as NodeServer from "../../layers/NodeServer.js"
import * as PostgresAddress from "../../layers/sql/postgres/PostgresAddress.js"
import * as ServiceLink from "../terminal/ServiceLink.js"
import type { AnySetting, Setting } from "./Setting.js"

type Unnamed<A, I> = Omit<Setting<A, I>, "name">

/** A setting, of which only what it means and how it is read must be said. */
const make = <A, I, const S extends NoInfer<I> | undefined = undefined>(
  entry: Pick<Unnamed<A, I>, "meaning" | "schema"> & Partial<Unnamed<A, I>> & { readonly standard?: S }
): Unnamed<A, I> & { readonly standard: S } => ({
  fromText: (text) => text,
  otherwise: `${entry.standard ?? "none"} if not given`,
  home: "Anywhere",
  secret: false,
  shown: (value) => value,
  isForeign: () => false,
  ...entry,
  standard: entry.standard as S
})

/** Each setting knows the name that it has in the table. */
const named = <T extends Readonly<Record<string, object>>>(entries: T) =>
  Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, { ...entry, name }])) as {
    readonly [Name in keyof T]: T[Name] & { readonly name: string }
  }

/** A host name, or an address as node:net takes it: an IPv6 address without brackets. */
const Host = Schema.transform(
  Schema.String.pipe(
    Schema.filter((text) => {
      const host = withoutBrackets(text)
      return /^[A-Za-z0-9._:-]+$/.test(host) && URL.canParse(`http://${host.includes(":") ? `[${host}]` : host}:1`)
    })
  ),
  Schema.String,
  { strict: true, decode: withoutBrackets, encode: (host) => host }
)

function withoutBrackets(text: string): string {
  return text.replace(/^\[(.*)\]$/, "$1")
}

/** A duration as people write it. */
const DurationText = Schema.transformOrFail(
  Schema.String.annotations({ examples: ["30 seconds", "10 minutes", "12 hours", "30 days"] }),
  Schema.DurationFromSelf,
  {
    strict: true,
    decode: (text, _, ast) =>
      Option.match(text.startsWith("-") ? Option.none() : Duration.decodeUnknown(text), {
        onNone: () => ParseResult.fail(new ParseResult.Type(ast, text)),
        onSome: (duration) => ParseResult.succeed(duration)
      }),
    encode: (duration) => ParseResult.succeed(inWords(duration))
  }
)

/** A duration in the largest unit that leaves it whole and plural. */
const inWords = (duration: Duration.Duration): string => {
  const millis = Duration.toMillis(duration)
  const units = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1000 }
  const [unit, size] =
    Object.entries(units).find(([, size]) => millis >= 2 * size && millis % size === 0) ??
    (millis % 1000 === 0 ? ["seconds", 1000] : ["millis", 1])
  return `${millis / size} ${unit}`
}

/** A timeout of a connection. Node takes 0 for none at all. */
const TimeoutText = DurationText.pipe(
  Schema.filter((duration) => Duration.between(duration, { minimum: "1 second", maximum: "1 hour" }))
)

const timeoutHint = 'give a duration from "1 second" to "1 hour"'

const wholeNumber = (text: string): unknown => (/^(0|[1-9][0-9]*)$/.test(text) ? Number(text) : text)

/** Limits as a variable has them, `token=600/1 minute,api=off`, in the file's form; any other text as it is. */
const fromLimits = (text: string): unknown => {
  const entries = fromList(text).map((part) => /^([A-Za-z]+)=(?:(off)|([0-9]+)\/(.+))$/.exec(part))
  return entries.includes(null)
    ? text
    : Object.fromEntries(
        entries.map((entry) => {
          const [, name = "", off, quota, window] = entry ?? []
          return [name, off ?? { quota: Number(quota), window }]
        })
      )
}

/** Limits of networks as a variable has them, `203.0.113.0/24=off,10.0.0.0/8=20`; any other text as it is. */
const fromNetworkLimits = (text: string): unknown => {
  const entries = fromList(text).map((part) => part.split("=").map((word) => word.trim()))
  const networks = new Set(entries.map(([network]) => network))
  return entries.some((words) => words.length !== 2) || networks.size < entries.length
    ? text
    : Object.fromEntries(entries.map(([network = "", limit = ""]) => [network, wholeNumber(limit)]))
}

/** A range of addresses in CIDR notation, or one address. */
const Network = Schema.String.pipe(Schema.filter((range) => Option.isSome(NetworkRange.parse(range))))

/** The members of a list, between commas. */
const fromList = (text: string): ReadonlyArray<string> => text.split(",").flatMap((part) => part.trim() || [])

/** URI schemes without the dot that RFC 8252 §7.1 asks for: those with one need no setting. */
const DotlessSchemes = Schema.Array(Schema.String.pipe(Schema.pattern(/^[a-z][a-z0-9+-]*$/)))
const schemesHint = 'give schemes in lower case, without a colon, such as "cursor,vscode"'

/** A text; `objection` says what to give in place of one that cannot be used. */
const textWith = (objection: (text: string) => string | undefined) =>
  Schema.String.pipe(Schema.filter((text) => objection(text)))

/** The master key: 256 bits. */
const Key = Schema.transformOrFail(Schema.String, Schema.RedactedFromSelf(Schema.Uint8ArrayFromSelf), {
  strict: true,
  decode: (text, _, ast) =>
    Option.match(MasterKeyFile.fromText(text), {
      onNone: () => ParseResult.fail(new ParseResult.Type(ast, undefined)),
      onSome: (key) => ParseResult.succeed(key)
    }),
  encode: (_, __, ast) => ParseResult.fail(new ParseResult.Forbidden(ast, undefined))
})

/** Where a Redis is; it may hold a password. */
const RedisUrl = Schema.Redacted(
  Schema.String.pipe(Schema.filter((text) => /^rediss?:\/\//.test(text) && URL.canParse(text)))
)

const logLevels = LogLevel.allLevels.map(({ _tag }) => _tag.toLowerCase() as Lowercase<LogLevel.LogLevel["_tag"]>)

/** The name of each lifetime and window, and what it means. */
const lifetimeNames: Readonly<Record<keyof Lifetimes, readonly [name: string, meaning: string]>> = {
  accessToken: ["accessTokenTtl", "How long an access token lives"],
  authorizationCode: ["authorizationCodeTtl", "How long an authorization code lives"],
  refreshTokenIdle: ["refreshTokenIdleTtl", "How long a refresh token lives that nobody uses"],
  grant: ["grantTtl", "How long what a person allowed stays allowed"],
  session: ["sessionTtl", "How long a person stays logged in"],
  form: ["formTtl", "How long a login or consent page may be left open"],
  refreshWindow: ["refreshWindow", "How long a superseded refresh token is taken for a retry"],
  codeWindow: ["codeWindow", "How long a second use of a code is taken for a duplicate"],
  key: ["keyTtl", "How long a key seals before the next takes its place"],
  events: ["eventRetention", "How long events are kept"],
  unusedClient: ["unusedClientTtl", "How long a client is kept that registered itself and was never used"],
  abandonedClient: [
    "abandonedClientTtl",
    "How long a client is kept that registered itself, was used, and has no grant left"
  ]
}

/** A setting for each lifetime and window, by the name that the library has for it. */
export const lifetimes = (
  Object.entries(lifetimeNames) as ReadonlyArray<readonly [keyof Lifetimes, readonly [string, string]]>
).map(
  ([lifetime, [name, meaning]]) =>
    [
      lifetime,
      {
        ...make({
          meaning,
          schema: DurationText,
          standard: inWords(defaultLifetimes[lifetime]),
          hint: 'give a duration, such as "30 seconds" or "12 hours"'
        }),
        name
      }
    ] as const
)

/** Members of the file that hold several settings, and what they mean. */
export const groups = { brand: "The name, the logo and the colours on the pages" }

/** Everything but lifetimes and windows, by its name. */
export const table = named({
  config: make({
    meaning: "A file of settings, in JSON",
    schema: Schema.NonEmptyString,
    hint: "give the path of a file",
    placeholder: "FILE",
    home: "Environment"
  }),
  host: make({
    meaning: "The address to listen on",
    schema: Host,
    standard: "127.0.0.1",
    hint: "give a host name or an address, such as 127.0.0.1",
    placeholder: "HOST"
  }),
  port: make({
    meaning: "The port to listen on",
    schema: Schema.Int.pipe(Schema.between(1, 65_535)),
    standard: 9400,
    fromText: wholeNumber,
    hint: "give a port number, from 1 to 65535",
    placeholder: "PORT",
    isForeign: ServiceLink.isAddress
  }),
  issuer: make({
    meaning: "The server's own address, as its clients know it",
    schema: Issuer,
    otherwise: "http://HOST:PORT if not given, and HOST is a loopback address",
    placeholder: "URL"
  }),
  database: make({
    meaning: "Where everything is kept: sqlite:PATH, postgres://USER@HOST/NAME, or memory: for what may be lost",
    schema: Schema.String.pipe(
      Schema.filter((text) => /^(memory:|sqlite:.+)$/.test(text) || PostgresAddress.isOne(text))
    ),
    standard: "sqlite:data/latchkey.db",
    hint: "give sqlite:PATH, postgres://USER@HOST/NAME, or memory:",
    placeholder: "DATABASE",
    shown: (value) => (typeof value === "string" ? PostgresAddress.withoutPassword(value) : value)
  }),
  databaseSchema: make({
    meaning: "The schema of a PostgreSQL database in which the tables lie",
    schema: Schema.String.pipe(Schema.pattern(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/)),
    standard: PostgresAddress.standardSchema,
    hint: "give a name of letters, digits and underscores"
  }),
  databaseConnections: make({
    meaning: "How many connections to PostgreSQL each server has at most",
    schema: Schema.Int.pipe(Schema.between(1, 1_000)),
    standard: 10,
    fromText: wholeNumber,
    hint: "give a number from 1 to 1000"
  }),
  databaseTimeout: make({
    meaning:
      "How long a statement of PostgreSQL may take, and a free connection is awaited, before a request is answered 503",
    schema: DurationText.pipe(Schema.filter((duration) => Duration.toMillis(duration) >= 1)),
    standard: "2 seconds",
    hint: 'give a duration, such as "2 seconds"'
  }),
  masterKey: make({
    meaning: "The key to the database, 32 bytes in base64url",
    schema: Key,
    otherwise: "if not given, it is in a file beside the database",
    hint: "give 32 bytes in base64url, which are 43 characters",
    home: "Environment",
    secret: true
  }),
  masterKeyFile: make({
    meaning: "A file that holds the key to the database, such as a mounted secret",
    schema: Schema.NonEmptyString,
    otherwise: "if not given, LATCHKEY_MASTER_KEY or the file beside the database holds the key",
    hint: "give the path of a file",
    home: "Environment"
  }),
  resources: make({
    meaning: "What the server guards, beside what `latchkey resource create` adds",
    schema: Schema.Array(
      Schema.Struct({
        uri: ResourceIndicator,
        name: Schema.optional(Schema.NonEmptyString),
        scopes: Schema.Record({ key: ScopeToken, value: Schema.NonEmptyString })
      })
    ),
    standard: [],
    otherwise: "none if not given",
    hint: 'give resources as { "uri": "https://…", "name": "…", "scopes": { "notes:read": "Read your notes" } }',
    home: "File"
  }),
  redirectSchemes: make({
    meaning: "Schemes without a dot that any client may be redirected to, beside the app schemes",
    schema: DotlessSchemes,
    standard: [],
    otherwise: "none if not given",
    fromText: fromList,
    hint: schemesHint
  }),
  appSchemes: make({
    meaning:
      "Schemes without a dot that public clients may be redirected to; a list replaces the default, an empty one allows none",
    schema: DotlessSchemes,
    standard: defaultAppSchemes,
    otherwise: `if not given, those of widely used apps: ${defaultAppSchemes.join(", ")}`,
    fromText: fromList,
    hint: schemesHint
  }),
  trustedProxies: make({
    meaning:
      'Networks of your own proxies, such as "10.0.0.0/8", whose headers for the client\'s address, host and request id are trusted',
    schema: Schema.Array(Schema.String.pipe(Schema.filter((range) => Option.isSome(NetworkRange.parseCidr(range))))),
    standard: [],
    otherwise: "none if not given",
    fromText: fromList,
    hint: 'give networks as CIDR ranges, such as "10.0.0.0/8"'
  }),
  keepAliveTimeout: make({
    meaning: "How long an idle connection is kept; longer than the idle time of what is in front of the server",
    schema: TimeoutText,
    standard: inWords(NodeServer.defaultTimeouts.keepAliveTimeout),
    hint: timeoutHint
  }),
  headersTimeout: make({
    meaning: "How long a client may take to send the headers of a request",
    schema: TimeoutText,
    standard: inWords(NodeServer.defaultTimeouts.headersTimeout),
    hint: timeoutHint
  }),
  requestTimeout: make({
    meaning: "How long a client may take to send a whole request; no shorter than the time for its headers",
    schema: TimeoutText,
    standard: inWords(NodeServer.defaultTimeouts.requestTimeout),
    hint: timeoutHint
  }),
  rateLimit: make({
    meaning: '"off" where something in front of the server limits requests',
    schema: Schema.Literal("off"),
    otherwise: "if not given, the server does, by address",
    hint: "give off, or leave it out"
  }),
  rateLimits: make({
    meaning: "Limits that differ from the standard ones, by their names",
    schema: Schema.partial(
      Schema.Struct(
        Record.map(defaultLimits, () =>
          Schema.Union(Schema.Literal("off"), Schema.Struct({ quota: Schema.Int, window: DurationText }))
        )
      )
    ),
    standard: {},
    otherwise: "none if not given",
    fromText: fromLimits,
    hint: 'give limits by their names as { "token": { "quota": 600, "window": "1 minute" }, "api": "off" }, or in a variable as "token=600/1 minute,api=off"'
  }),
  networkLimits: make({
    meaning:
      'Networks without limits by address ("off"), or the factor by which their quotas are larger; the most specific network decides',
    schema: Schema.Record({
      key: Network,
      value: Schema.Union(Schema.Literal("off"), Schema.Int.pipe(Schema.between(1, maxFactor)))
    }),
    standard: {},
    otherwise: "none if not given",
    fromText: fromNetworkLimits,
    hint: `give each network once, with off or a whole number from 1 to ${maxFactor}, as { "203.0.113.0/24": "off", "2001:db8::/48": 20 }, or in a variable as "203.0.113.0/24=off,2001:db8::/48=20"`
  }),
  maxUnusedClients: make({
    meaning: "Maximum number of clients that registered themselves and were never used; with 0 none can",
    schema: Schema.Int.pipe(Schema.nonNegative()),
    standard: defaultMaxUnusedClients,
    fromText: wholeNumber,
    hint: "give a whole number, 0 or more"
  }),
  redisUrl: make({
    meaning: "A Redis that counts the requests of all servers together, redis://HOST:PORT",
    schema: RedisUrl,
    otherwise: "if not given, PostgreSQL does where it is the database, and else each server by itself",
    hint: "give a URL that begins with redis:// or rediss://",
    home: "Environment",
    secret: true
  }),
  retryFromElsewhere: make({
    meaning:
      'Whether a refresh token or code that is used again from another network is only reported ("allow") or ends the grant ("replay")',
    schema: Schema.Literal("allow", "replay"),
    standard: "allow",
    hint: "give allow or replay"
  }),
  brandName: make({
    meaning: "The name on every page and in its title",
    group: "brand",
    schema: textWith(Brand.nameObjection),
    otherwise: "Latchkey if not given"
  }),
  brandLogo: make({
    meaning: `The path of a PNG, SVG or WebP image of at most ${Brand.maxLogoSize / 1024} KiB, shown beside the name`,
    group: "brand",
    schema: Schema.NonEmptyString,
    hint: "give the path of a file"
  }),
  brandColor: make({
    meaning: "The colour of buttons and links, such as #1f4d40",
    group: "brand",
    schema: textWith((text) => BrandColors.objection(text, "light")),
    otherwise: "Latchkey's green if not given"
  }),
  brandColorDark: make({
    meaning: "The colour of buttons and links in the dark colour scheme",
    group: "brand",
    schema: textWith((text) => BrandColors.objection(text, "dark")),
    otherwise: "if not given, a lighter shade of the colour"
  }),
  brandSupportUrl: make({
    meaning: "Where people get help, an https or mailto URL, to which every page links",
    group: "brand",
    schema: textWith(Brand.supportUrlObjection)
  }),
  logAddresses: make({
    meaning:
      'How much of clients\' addresses logs and events hold: nothing ("off"), the /24 of IPv4 and /48 of IPv6 ("network"), or all of it ("full"); a warning about a proxy names its address whatever is set',
    schema: Schema.Literal("off", "network", "full"),
    standard: "off",
    hint: "give off, network or full"
  }),
  api: make({
    meaning: "Whether the account and admin API is served, at /api",
    schema: Schema.Literal("on", "off"),
    standard: "off",
    hint: "give on or off"
  }),
  logLevel: make({
    meaning: "The least that is logged",
    schema: Schema.Literal(...logLevels),
    standard: "info",
    fromText: (text) => text.toLowerCase(),
    hint: `give one of ${logLevels.join(", ")}`
  })
})

const { logLevel, ...others } = table

/** All of them, in the order in which they are shown. */
export const all: ReadonlyArray<AnySetting> = [
  ...Object.values(others),
  ...lifetimes.map(([, setting]) => setting),
  logLevel
]
