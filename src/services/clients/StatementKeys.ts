/** The keys of an issuer of software statements: those of the settings, or those at a URL, which are remembered for a time. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as jose from "jose"
import { type InvalidSoftwareStatement, TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { KeySet } from "../../domain/Settings.js"
import { OutboundClient } from "../outbound/OutboundClient.js"

/** Finds the key of a statement. */
export type Keys = ReturnType<typeof jose.createLocalJWKSet>

/** A check of a statement with the keys of its issuer. */
type Check<A> = (keys: Keys) => Effect.Effect<A, InvalidSoftwareStatement>

export interface StatementKeys {
  /** Runs a check with the keys. If no remembered key fits, the keys are fetched again and the check is repeated once. */
  readonly use: <A>(check: Check<A>) => Effect.Effect<A, InvalidSoftwareStatement | TemporarilyUnavailable>
}

/** Time for which fetched keys are used. */
const lifetime = Duration.minutes(10)

/** Minimum time between two fetches, so that statements with unknown keys do not make the server fetch again and again. */
const pause = Duration.seconds(30)

/** Maximum size of a key set in bytes. */
const maxBytes = 64 * 1024

const unavailable = (cause: unknown) =>
  new TemporarilyUnavailable({ reason: "KeysUnavailable", description: "try again later", cause })

const parse = (text: string): Effect.Effect<Keys, TemporarilyUnavailable> =>
  Effect.try({
    try: () => jose.createLocalJWKSet(JSON.parse(text) as jose.JSONWebKeySet),
    // The error of a parser may hold the text.
    catch: () => unavailable("the key set of an issuer of software statements is malformed")
  })

/** Returns the keys of the settings, or those that are fetched from a URL. */
export const make = (keys: KeySet | URL): Effect.Effect<StatementKeys, TemporarilyUnavailable> =>
  keys instanceof URL
    ? fetched(keys)
    : Effect.map(parse(JSON.stringify(keys)), (keys): StatementKeys => ({ use: (check) => check(keys) }))

const fetched = (url: URL): Effect.Effect<StatementKeys> =>
  Effect.gen(function* () {
    const outbound = yield* Effect.serviceOption(OutboundClient)
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let known: { readonly keys: Keys; readonly at: number } | undefined

    const fetch = Effect.gen(function* () {
      if (Option.isNone(outbound)) return yield* unavailable("this server has no client for outbound requests")
      const { body } = yield* Effect.mapError(
        outbound.value.get({ url, accept: "application/jwk-set+json, application/json", maxBytes }),
        ({ detail, reason }) => unavailable(`the keys at ${url.origin} could not be fetched: ${reason} ${detail}`)
      )
      return yield* parse(Buffer.from(body).toString("utf8"))
    })

    /** Returns keys that were fetched at most this long ago. */
    const within = (age: Duration.Duration) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (known !== undefined && now - known.at <= Duration.toMillis(age)) return known.keys
        const keys = yield* fetch
        known = { keys, at: now }
        return keys
      }).pipe(oneAtATime.withPermits(1))

    return {
      use: (check) =>
        Effect.flatMap(within(lifetime), check).pipe(
          Effect.catchIf(
            (error) => error._tag === "InvalidSoftwareStatement" && error.reason === "WrongSignature",
            () => Effect.flatMap(within(pause), check)
          )
        )
    }
  })
