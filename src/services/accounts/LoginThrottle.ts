/**
 * How often somebody may try to log in. A known browser has a counter of its own, which alone counts for it; unknown ones
 * count on the name, on their networks, and on both together (ADR 27). It slows guessing down, and never locks anybody
 * out for good. A name that nobody has is counted like any other.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as FailureCounter from "../../domain/FailureCounter.js"
import { TooManyRequests } from "../../domain/HttpError.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import { deriveKey } from "../keys/Crypto.js"
import { ServerSettings } from "../ServerSettings.js"
import * as AccountStore from "../stores/AccountStore.js"
import * as LoginCounters from "../stores/LoginCounters.js"
import { Storage } from "../stores/Storage.js"
import { type KnownBrowser, KnownBrowsers } from "./KnownBrowsers.js"
import * as LoginPlaces from "./LoginPlaces.js"
import type { Applicant } from "./PasswordHasher.js"

/** An attempt to log in. */
export interface Attempt {
  /** The name, in its one form. */
  readonly username: string
  /** The networks that the request comes from, the narrowest first; empty where they are not known. */
  readonly networks: ReadonlyArray<string>
  /** Those whose failures with any names are counted; without it all of `networks` are, as they are by default. */
  readonly share?: LoginPlaces.NetworkShare
  /** The id of the device, where the browser is known to have logged in with this name before. */
  readonly device: Option.Option<string>
}

/** A pause that an attempt began, and the reason: the place whose counter is full. */
export interface Pause extends Pick<LoginPlaces.Place, "reason"> {
  readonly counter: FailureCounter.Counter
}

/** The result of an attempt that was tried. */
export type Tried<A> =
  | { readonly _tag: "Verified"; readonly value: A }
  | { readonly _tag: "Failed"; readonly pause: Option.Option<Pause> }

type Refused = TooManyRequests | TemporarilyUnavailable

export class LoginThrottle extends Context.Tag("latchkey/LoginThrottle")<
  LoginThrottle,
  {
    /** Finds out whether the browser, which is known, is known for this name. */
    readonly recognise: (
      attempt: Omit<Attempt, "device"> & { readonly browser: Option.Option<KnownBrowser> }
    ) => Effect.Effect<Attempt, TemporarilyUnavailable>
    /**
     * Tries an attempt, unless there were too many failures: `verify` gives an account, or `None` for a wrong username or
     * password. While the attempt is paused, `verify` does not run and no counter changes; `retryAfter` of the error is the
     * time in seconds until it would run. Concurrent attempts are tried no more often than attempts one after the other. An
     * attempt whose `verify` fails with an error is not counted. It publishes nothing: the caller knows what was attempted.
     */
    readonly guard: <A, E, R>(
      attempt: Attempt,
      verify: (applicant: Applicant) => Effect.Effect<Option.Option<A>, E, R>
    ) => Effect.Effect<Tried<A>, E | Refused, R>
    /**
     * The names whose logins are paused now for unknown browsers in every network. The function gives the end of a name's
     * pause. Pauses of a name in one network alone are not among them: which networks failed is not stored.
     */
    readonly pauses: Effect.Effect<(username: string) => Option.Option<DateTime.Utc>, TemporarilyUnavailable>
    /** The end of a name's pause, as `pauses` gives it; reads one counter. */
    readonly pausedUntil: (username: string) => Effect.Effect<Option.Option<DateTime.Utc>, TemporarilyUnavailable>
    /** Forgets the failures of a name, and ends its pause, from every network. */
    readonly clear: (username: string) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

/** A place where an attempt was counted, and the counter as it was then. */
interface Counted extends LoginPlaces.Place {
  readonly counter: FailureCounter.Counter
}

/** An attempt that was counted; or the time in milliseconds until another would be. */
type Counting = Either.Either<ReadonlyArray<Counted>, number>

const make = Effect.gen(function* () {
  const accounts = yield* AccountStore.AccountStore
  const counters = yield* LoginCounters.LoginCounters
  const knownBrowsers = yield* KnownBrowsers
  const { issuer } = yield* ServerSettings
  const { masterKey } = yield* Storage
  const key = deriveKey(Redacted.value(masterKey), JSON.stringify(["login", issuer]))

  const release = (counted: ReadonlyArray<Counted>) =>
    Effect.forEach(counted, ({ bucket, counter, rule }) => counters.release(bucket, rule, counter), { discard: true })

  /** Counts an attempt at all of these places, or at none of them. */
  const count = Effect.fnUntraced(function* (places: ReadonlyArray<LoginPlaces.Place>, now: DateTime.Utc) {
    const counted: Array<Counted> = []
    for (const place of places) {
      const answer = yield* counters.count(place.bucket, place.rule, now)
      if (answer._tag === "Paused") {
        yield* release(counted)
        return Either.left(answer.until - now.epochMillis)
      }
      counted.push({ ...place, counter: answer.counter })
    }
    return Either.right(counted)
  })

  /**
   * Counts an attempt of an unknown browser. It reads first, so that a flood in a pause writes nothing; and it counts the
   * guesser's own network before those that it shares with others.
   */
  const countUnknown = Effect.fnUntraced(function* (attempt: Attempt, now: DateTime.Utc) {
    const { networks, share = { networks, factor: 1 }, username } = attempt
    const name = LoginPlaces.ofName(key, username)
    const counter = yield* counters.find(name.bucket)
    const ofNetworks = [
      ...LoginPlaces.ofPairs(key, networks, username, counter.generation),
      ...LoginPlaces.ofNetworks(key, share)
    ]
    const others = yield* Effect.forEach(ofNetworks, ({ bucket }) => counters.find(bucket))
    const wait = Math.max(...[counter, ...others].map(({ pausedUntil }) => pausedUntil)) - now.epochMillis
    const counting: Counting = wait > 0 ? Either.left(wait) : yield* count([...ofNetworks, name], now)
    return counting
  })

  /** Counts an attempt as a failure before it is known for one: else a burst would be tried before its first is counted. */
  const begin = Effect.fnUntraced(function* (attempt: Attempt) {
    const now = yield* DateTime.now
    const device = Option.map(attempt.device, (id) => LoginPlaces.ofDevice(key, id))
    const known: Counting = Option.isSome(device) ? yield* count([device.value], now) : Either.left(Infinity)
    if (Either.isRight(known)) return { known: true, counted: known.right }
    // A known browser that has failed too often is one like any other.
    const unknown = yield* countUnknown(attempt, now)
    if (Either.isRight(unknown)) return { known: false, counted: unknown.right }
    return yield* new TooManyRequests({
      reason: "LoginThrottled",
      description: "too many attempts; try again later",
      retryAfter: Math.max(1, Math.ceil(Math.min(known.left, unknown.left) / 1000))
    })
  })

  /** After a login: the name has another generation of counters, and the others have counted no failure. */
  const succeeded = (counted: ReadonlyArray<Counted>) =>
    Effect.forEach(
      counted.filter(({ reason }) => reason !== "PairFailures"),
      (place) => (place.reason === "NameFailures" ? counters.clear(place.bucket) : release([place])),
      { discard: true }
    )

  return LoginThrottle.of({
    recognise: Effect.fnUntraced(function* ({ browser, ...attempt }) {
      // An unknown browser costs no look-up.
      const account = Option.isSome(browser) ? yield* AccountStore.findOwn(accounts, attempt.username) : Option.none()
      const device = Option.flatMap(Option.all([browser, account]), ([browser, { id }]) =>
        knownBrowsers.deviceOf(browser, id)
      )
      return { ...attempt, device }
    }),
    guard: Effect.fn("LoginThrottle.guard")(function* (attempt, verify) {
      const { counted, known } = yield* begin(attempt)
      const { networks, username: name } = attempt
      const found = yield* Effect.tapError(verify({ networks, name, known }), () => Effect.ignore(release(counted)))
      if (Option.isSome(found)) {
        yield* succeeded(counted)
        return { _tag: "Verified", value: found.value }
      }
      const pauses = counted.filter(({ counter }) => counter.pausedUntil > 0)
      return { _tag: "Failed", pause: Option.fromNullable(pauses.at(-1)) }
    }),
    pauses: Effect.gen(function* () {
      const paused = yield* counters.paused(...LoginPlaces.bucketsOfNames, yield* DateTime.now)
      return (username: string) =>
        Option.map(Option.fromNullable(paused.get(LoginPlaces.ofName(key, username).bucket)), (until) =>
          DateTime.unsafeMake(until)
        )
    }),
    pausedUntil: Effect.fnUntraced(function* (username) {
      const { pausedUntil } = yield* counters.find(LoginPlaces.ofName(key, username).bucket)
      const { epochMillis: now } = yield* DateTime.now
      return pausedUntil > now ? Option.some(DateTime.unsafeMake(pausedUntil)) : Option.none()
    }),
    clear: (username) => counters.clear(LoginPlaces.ofName(key, username).bucket)
  })
})

export const layer = Layer.effect(LoginThrottle, make)
