/** Settings as a user writes them, and the one place where they are checked. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import IpAddress from "ipaddr.js"
import { Issuer } from "../domain/Issuer.js"
import { type Resource, ResourceIndicator } from "../domain/Resource.js"
import { ScopeToken } from "../domain/Scope.js"
import { defaultLifetimes, type Lifetimes, objections, type Settings } from "../domain/Settings.js"

/** What a user sets: the issuer and what it guards; everything else has a default. */
export interface SettingsOptions {
  /** The server's own URL, without a trailing slash: https, or http on loopback (RFC 8414 §2). */
  readonly issuer: string
  readonly resources: ReadonlyArray<{
    /** The resource's URL (RFC 8707 §2). */
    readonly uri: string
    readonly name?: string | undefined
    /** Scope token to the sentence that a person reads before allowing it. */
    readonly scopes: Readonly<Record<string, string>>
  }>
  /** Those that differ from the defaults of `domain/Settings`. */
  readonly lifetimes?: Partial<Record<keyof Lifetimes, Duration.DurationInput>> | undefined
  /** Redirect URI schemes without a dot that registrations may use, such as `cursor`. */
  readonly privateUseSchemes?: ReadonlyArray<string> | undefined
  /** CIDR ranges of your own proxies, such as `10.0.0.0/8`: clients' addresses are read from what they forward. */
  readonly trustedProxies?: ReadonlyArray<string> | undefined
}

/** The settings cannot be used; the message is one line, for the operator. */
export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly message: string }> {}

const refuse = (message: string) => new SettingsError({ message })

const decode = <A>(schema: Schema.Schema<A, string>, text: string, what: string) =>
  Effect.mapError(Schema.decode(schema)(text), (error) => {
    const [issue] = ParseResult.ArrayFormatter.formatErrorSync(error)
    return refuse(`${what}: ${issue?.message ?? "cannot be used"}`)
  })

/** Checks the options and fills in the defaults. */
export const toSettings = (options: SettingsOptions): Effect.Effect<Settings, SettingsError> =>
  Effect.gen(function* () {
    const lifetimes: Lifetimes = { ...defaultLifetimes, ...(yield* readLifetimes(options.lifetimes ?? {})) }
    const [objection] = objections(lifetimes)
    if (objection !== undefined) return yield* refuse(objection)
    const trustedProxies = options.trustedProxies ?? []
    for (const range of trustedProxies) {
      if (!IpAddress.isValidCIDR(range)) return yield* refuse(`the trusted proxy ${range} is not a CIDR range`)
    }
    const resources = yield* Effect.forEach(options.resources, toResource)
    if (new Set(resources.map(({ uri }) => new URL(uri).href)).size < resources.length)
      return yield* refuse("a resource is given twice")
    const tokens = resources.flatMap(({ scopes }) => Object.keys(scopes))
    const shared = tokens.find((token, index) => tokens.indexOf(token) !== index)
    // A scope is granted at every resource that offers it: unticking it at one would not take it away at the other.
    if (shared !== undefined) {
      return yield* refuse(`two resources offer the scope "${shared}": give each resource scopes of its own`)
    }
    return {
      issuer: yield* decode(Issuer, options.issuer, options.issuer),
      resources,
      lifetimes,
      privateUseSchemes: new Set(options.privateUseSchemes),
      trustedProxies
    }
  })

/** Durations as Effect writes them; those that are not given stay what they are. */
const readLifetimes = (given: NonNullable<SettingsOptions["lifetimes"]>) =>
  Effect.map(
    Effect.forEach(Object.entries(given), ([name, value]) =>
      Option.match(Duration.decodeUnknown(value), {
        onNone: () => refuse(`${name} is not a duration, such as "30 seconds"`),
        onSome: (duration) => Effect.succeed([name, duration] as const)
      })
    ),
    Object.fromEntries
  )

const toResource = ({ name, scopes, uri }: SettingsOptions["resources"][number]) =>
  Effect.gen(function* () {
    for (const token of Object.keys(scopes)) yield* decode(ScopeToken, token, `the scope "${token}" of ${uri}`)
    const resource: Resource = { uri: yield* decode(ResourceIndicator, uri, uri), name, scopes }
    return resource
  })
