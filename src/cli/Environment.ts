/** Settings that have no option: lifetimes, windows, policy, resources, and the master key. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Span from "@effect/cli/HelpDoc/Span"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { Lifetimes } from "../domain/Settings.js"
import type { SettingsOptions } from "../layers/SettingsOptions.js"
import type { Failure } from "./Failure.js"
import * as Setting from "./Setting.js"
import * as Settings from "./Settings.js"

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

/** Names settings by their variables where a sentence names them as the library does. */
export const inOperatorsWords = (sentence: string): string =>
  Settings.lifetimes.reduce(
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

/** The key that opens the database's keys; without it the one in the file beside the database is used. */
export const masterKey: Effect.Effect<Redacted.Redacted<Uint8Array> | undefined, Failure> = Effect.map(
  Setting.find(Settings.table.masterKey),
  Option.getOrUndefined
)

/** Where requests are counted for all servers together, if that is a Redis. */
export const redisUrl: Effect.Effect<Option.Option<Redacted.Redacted>, Failure> = Setting.find(Settings.table.redisUrl)

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
  maxUnusedClients: Setting.read(Settings.table.maxUnusedClients)
})

/** A setting that is misspelt does nothing; better that somebody is told. */
export const warnOfUnknown: Effect.Effect<void> = Effect.suspend(() => {
  const known = new Set(Settings.all.filter(({ home }) => home !== "File").map(Setting.variableOf))
  const unknown = Object.keys(process.env).filter((name) => name.startsWith("LATCHKEY_") && !known.has(name))
  return unknown.length === 0
    ? Effect.void
    : Effect.annotateLogs(Effect.logWarning("variables that mean nothing to this version"), {
        variables: unknown.join(" ")
      })
})
