/** Settings that only the environment holds: lifetimes, windows, policy, and the master key. */
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Span from "@effect/cli/HelpDoc/Span"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Base64Url from "../domain/Base64Url.js"
import { defaultLifetimes, type Lifetimes } from "../domain/Settings.js"
import { badUsage, type Failure } from "./Failure.js"
import * as Setting from "./Setting.js"

/** The variable of each lifetime and window, and what it means. */
const lifetimeVariables: Readonly<Record<keyof Lifetimes, readonly [variable: string, meaning: string]>> = {
  accessToken: ["LATCHKEY_ACCESS_TOKEN_TTL", "How long an access token lives"],
  authorizationCode: ["LATCHKEY_AUTHORIZATION_CODE_TTL", "How long an authorization code lives"],
  refreshTokenIdle: ["LATCHKEY_REFRESH_TOKEN_IDLE_TTL", "How long a refresh token lives that nobody uses"],
  grant: ["LATCHKEY_GRANT_TTL", "How long what a person allowed stays allowed"],
  session: ["LATCHKEY_SESSION_TTL", "How long a person stays logged in"],
  form: ["LATCHKEY_FORM_TTL", "How long a login or consent page may be left open"],
  refreshWindow: ["LATCHKEY_REFRESH_WINDOW", "How long a superseded refresh token is taken for a retry"],
  codeWindow: ["LATCHKEY_CODE_WINDOW", "How long a second use of a code is taken for a duplicate"]
}

const redirectSchemesVariable = "LATCHKEY_REDIRECT_SCHEMES"

const trustedProxiesVariable = "LATCHKEY_TRUSTED_PROXIES"

const masterKeyVariable = "LATCHKEY_MASTER_KEY"

const entries = Object.entries(lifetimeVariables) as ReadonlyArray<
  readonly [keyof Lifetimes, (typeof lifetimeVariables)[keyof Lifetimes]]
>

/** A default as people write it, in the largest unit that leaves it whole and plural. */
const inWords = (duration: Duration.Duration): string => {
  const seconds = Duration.toSeconds(duration)
  const units = { days: 86_400, hours: 3600, minutes: 60 }
  const [unit, size] = Object.entries(units).find(([, size]) => seconds >= 2 * size && seconds % size === 0) ?? [
    "seconds",
    1
  ]
  return `${seconds / size} ${unit}`
}

/** What `--help` says of these settings. */
export const help: HelpDoc.HelpDoc = HelpDoc.blocks([
  HelpDoc.h1("ENVIRONMENT"),
  HelpDoc.descriptionList([
    [
      Span.text(masterKeyVariable),
      HelpDoc.p("The key to the database, 32 bytes in base64url; if not given, it is in a file beside the database.")
    ],
    [
      Span.text(redirectSchemesVariable),
      HelpDoc.p('Schemes without a dot that clients may be redirected to, such as "cursor,vscode"; none if not given.')
    ],
    [
      Span.text(trustedProxiesVariable),
      HelpDoc.p(
        'Networks of your own proxies, such as "10.0.0.0/8", whose word for a client\'s address is taken; none if not given.'
      )
    ],
    ...entries.map(([name, [variable, meaning]]): [Span.Span, HelpDoc.HelpDoc] => [
      Span.text(variable),
      HelpDoc.p(`${meaning}; ${inWords(defaultLifetimes[name])} if not given.`)
    ])
  ]),
  HelpDoc.p('Durations are written as "30 seconds", "10 minutes", "12 hours" or "30 days".')
])

/** Names settings by their variables where a sentence names them as the library does. */
export const inOperatorsWords = (sentence: string): string =>
  entries.reduce((text, [name, [variable]]) => text.replace(new RegExp(`\\b${name}\\b`, "g"), variable), sentence)

const readDuration = ({ source, text }: Setting.Given): Effect.Effect<Duration.Duration, Failure> =>
  Duration.decodeUnknown(text).pipe(
    Option.filter(() => !text.startsWith("-")),
    Option.match({
      onNone: () => badUsage(`${source}: give a duration, such as "30 seconds" or "12 hours"`),
      onSome: (duration) => Effect.succeed(duration)
    })
  )

/** The lifetimes and windows that the environment sets. */
export const lifetimes: Effect.Effect<Partial<Lifetimes>, Failure> = Effect.gen(function* () {
  const found: Partial<Record<keyof Lifetimes, Duration.Duration>> = {}
  for (const [name, [variable]] of entries) {
    const given = yield* Setting.variable(variable)
    if (Option.isSome(given)) found[name] = yield* readDuration(given.value)
  }
  return found
})

/** What a variable lists, between commas. */
const list = (variable: string): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.map(
    Setting.variable(variable),
    Option.match({
      onNone: () => [],
      onSome: ({ text }) => text.split(",").flatMap((part) => part.trim() || [])
    })
  )

/** The networks of proxies that are believed; whether they are networks is checked with the other settings. */
export const trustedProxies: Effect.Effect<ReadonlyArray<string>, Failure> = list(trustedProxiesVariable)

/** The schemes without a dot that redirect URIs may have (RFC 8252 §7.1 asks for a dot). */
export const redirectSchemes: Effect.Effect<ReadonlyArray<string>, Failure> = Effect.gen(function* () {
  const schemes = yield* list(redirectSchemesVariable)
  return schemes.every((scheme) => /^[a-z][a-z0-9+-]*$/.test(scheme))
    ? schemes
    : yield* badUsage(
        `${redirectSchemesVariable}: give schemes in lower case, without a colon, such as "cursor,vscode"`
      )
})

/** The key that opens the database's keys; without it the one in the file beside the database is used. */
export const masterKey: Effect.Effect<Redacted.Redacted<Uint8Array> | undefined, Failure> = Effect.gen(function* () {
  const given = yield* Effect.orDie(Config.option(Config.redacted(masterKeyVariable)))
  if (Option.isNone(given)) return undefined
  const bytes = Option.filter(Base64Url.decode(Redacted.value(given.value)), ({ length }) => length === 32)
  return Option.isSome(bytes)
    ? Redacted.make(bytes.value)
    : yield* badUsage(`${masterKeyVariable}: give 32 bytes in base64url, which are 43 characters`)
})

const known = new Set([
  ...["HOST", "PORT", "ISSUER", "DATABASE", "LOG_LEVEL", "API"].map((name) => `LATCHKEY_${name}`),
  ...entries.map(([, [variable]]) => variable),
  redirectSchemesVariable,
  trustedProxiesVariable,
  masterKeyVariable
])

/** A setting that is misspelt does nothing; better that somebody is told. */
export const warnOfUnknown: Effect.Effect<void> = Effect.suspend(() => {
  const unknown = Object.keys(process.env).filter((name) => name.startsWith("LATCHKEY_") && !known.has(name))
  return unknown.length === 0
    ? Effect.void
    : Effect.annotateLogs(Effect.logWarning("variables that mean nothing to this version"), {
        variables: unknown.join(" ")
      })
})
