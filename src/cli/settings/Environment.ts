/** Settings that have no option: lifetimes, windows, policy, resources, and the master key. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Span from "@effect/cli/HelpDoc/Span"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Lifetimes } from "../../domain/Settings.js"
import * as MasterKeyFile from "../../layers/files/MasterKeyFile.js"
import type { Timeouts } from "../../layers/NodeServer.js"
import type { SettingsOptions } from "../../layers/settings/SettingsOptions.js"
import { badUsage, type Failure } from "../terminal/Failure.js"
import * as ServiceLink from "../terminal/ServiceLink.js"
import { brand } from "./BrandSettings.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"
import * as SimilarName from "./SimilarName.js"

/** What `--help` says of these settings. */
export const help: HelpDoc.HelpDoc = HelpDoc.blocks([
  HelpDoc.h1("ENVIRONMENT"),
  HelpDoc.descriptionList(
    Settings.all
      .filter(({ home, placeholder }) => home !== "File" && placeholder === undefined)
      .map((setting): [Span.Span, HelpDoc.HelpDoc] => [
        Span.text(Setting.variableOf(setting)),
        HelpDoc.p(Setting.describe(setting))
      ]) as [[Span.Span, HelpDoc.HelpDoc]]
  ),
  HelpDoc.p('Durations are written as "30 seconds", "10 minutes", "12 hours" or "30 days".')
])

/** Settings whose names in the library differ from those in the table. */
const namedOtherwise = [
  ...Settings.lifetimes,
  ...Settings.all
    .filter(({ group }) => group !== undefined)
    .map((setting) => [Setting.placeOf(setting).replace(".", "\\."), setting] as const)
]

/** Names settings by their variables where a sentence names them as the library does. */
export const inOperatorsWords = (sentence: string): string =>
  namedOtherwise.reduce(
    (text, [name, setting]) => text.replace(new RegExp(`\\b${name}\\b`, "g"), Setting.variableOf(setting)),
    sentence
  )

/** The lifetimes and windows that are not left alone. */
export const lifetimes: Effect.Effect<Partial<Lifetimes>, Failure> = Effect.gen(function* () {
  const found: Partial<Record<keyof Lifetimes, Duration.Duration>> = {}
  for (const [name, setting] of Settings.lifetimes) {
    const given = yield* Setting.find(setting)
    if (Option.isSome(given)) found[name] = given.value
  }
  return found
})

/** The schemes without a dot that redirect URIs may have. */
export const redirectSchemes = Setting.read(Settings.table.redirectSchemes)

/** The schemes of known apps, which redirect URIs of public clients may have. */
export const appSchemes = Setting.read(Settings.table.appSchemes)

/** A master key, and the variable that gave it. */
interface GivenMasterKey {
  readonly variable: string
  readonly key: Redacted.Redacted<Uint8Array>
}

const keyVariable = Setting.variableOf(Settings.table.masterKey)
const keyFileVariable = Setting.variableOf(Settings.table.masterKeyFile)

/**
 * The master key that a variable gives. Fails when a variable with a similar name is set and neither of the right ones is:
 * without the key that its owner meant, the server would make a key of its own, and what it wrote under that key could not
 * be read with the right one.
 */
export const givenMasterKey: Effect.Effect<Option.Option<GivenMasterKey>, Failure> = Effect.gen(function* () {
  const key = yield* Setting.find(Settings.table.masterKey)
  const file = yield* Setting.find(Settings.table.masterKeyFile)
  if (Option.isSome(key)) {
    if (Option.isSome(file))
      return yield* badUsage(`${keyVariable} and ${keyFileVariable} are both set: unset one of them`)
    return Option.some({ variable: keyVariable, key: key.value })
  }
  if (Option.isSome(file)) {
    const read = MasterKeyFile.readGiven(file.value)
    const key = yield* Effect.mapError(read, ({ message }) => badUsage(`${keyFileVariable}: ${message}`))
    return Option.some({ variable: keyFileVariable, key })
  }
  const similar = unknownVariables().find(SimilarName.isLikeMasterKey)
  if (similar === undefined) return Option.none()
  return yield* badUsage(
    `${similar} is no setting: if it gives the master key, name it ${keyVariable}, or ${keyFileVariable} for the path of a file; otherwise unset it`
  )
})

/** The key that opens the database's keys; without it the one in the file beside the database is used. */
export const masterKey: Effect.Effect<Redacted.Redacted<Uint8Array> | undefined, Failure> = Effect.map(
  givenMasterKey,
  (given) => Option.getOrUndefined(given)?.key
)

/** Where requests are counted for all servers together, if that is a Redis. */
export const redisUrl: Effect.Effect<Option.Option<Redacted.Redacted>, Failure> = Setting.find(Settings.table.redisUrl)

const logAddresses = { off: "Off", network: "Network", full: "Full" } as const

/** What the library is told, beside the issuer. */
export const options: Effect.Effect<Omit<SettingsOptions, "issuer">, Failure> = Effect.all({
  resources: Setting.read(Settings.table.resources),
  lifetimes,
  privateUseSchemes: redirectSchemes,
  appSchemes,
  trustedProxies: Setting.read(Settings.table.trustedProxies),
  retryFromElsewhere: Effect.map(Setting.read(Settings.table.retryFromElsewhere), (word) =>
    word === "replay" ? "Replay" : "Allow"
  ),
  rateLimits: Effect.flatMap(
    Setting.find(Settings.table.rateLimit),
    Option.match({
      onNone: (): Effect.Effect<SettingsOptions["rateLimits"], Failure> => Setting.read(Settings.table.rateLimits),
      onSome: Effect.succeed
    })
  ),
  networkLimits: Setting.read(Settings.table.networkLimits),
  maxUnusedClients: Setting.read(Settings.table.maxUnusedClients),
  brand,
  logAddresses: Effect.map(Setting.read(Settings.table.logAddresses), (word) => logAddresses[word])
})

/** Maximum times of a connection. */
export const timeouts: Effect.Effect<Timeouts, Failure> = Effect.gen(function* () {
  const headersTimeout = yield* Setting.read(Settings.table.headersTimeout)
  const requestTimeout = yield* Setting.read(Settings.table.requestTimeout)
  if (Duration.greaterThan(headersTimeout, requestTimeout)) {
    const [headers, request] = [Settings.table.headersTimeout, Settings.table.requestTimeout].map(Setting.variableOf)
    return yield* badUsage(`${headers} is longer than ${request}: make it at most as long`)
  }
  return { headersTimeout, requestTimeout, keepAliveTimeout: yield* Setting.read(Settings.table.keepAliveTimeout) }
})

/** The names of the variables that no setting and no service link of a cluster explains. */
const unknownVariables = (): ReadonlyArray<string> => {
  const known = new Set(Settings.all.filter(({ home }) => home !== "File").map(Setting.variableOf))
  return Object.entries(process.env)
    .filter(([name, value]) => !known.has(name) && !ServiceLink.isOne(name, value ?? ""))
    .map(([name]) => name)
}

/** Warns of variables that have no effect: a misspelt setting, or a value that Kubernetes wrote and nobody chose. */
export const warnOfIgnored: Effect.Effect<void> = Effect.gen(function* () {
  const unknown = unknownVariables().filter((name) => name.startsWith("LATCHKEY_"))
  if (unknown.length > 0) {
    yield* Effect.annotateLogs(Effect.logWarning("variables that mean nothing to this version"), {
      variables: unknown.join(" ")
    })
  }
  for (const setting of Settings.all) {
    const variable = Setting.variableOf(setting)
    if (!setting.isForeign(process.env[variable] ?? "")) continue
    yield* Effect.logWarning(
      `${variable} is a service link of Kubernetes, not a setting, and is ignored: rename the Service, or set enableServiceLinks to false`
    )
  }
})
