/**
 * Limits how often a login can be tried. A known browser has its own counter, and no other counts for it. An unknown browser
 * counts on the username, on its networks, and on the username in each network (ADR 27). The limit slows guessing down, and
 * never locks a user out for good. A username without an account is counted like any other.
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
import * as Spans from "../Spans.js"
import * as AccountStore from "../stores/AccountStore.js"
import * as LoginCounters from "../stores/LoginCounters.js"
import { Storage } from "../stores/Storage.js"
import { type KnownBrowser, KnownBrowsers } from "./KnownBrowsers.js"
import * as LoginPlaces from "./LoginPlaces.js"
import type { Applicant } from "./PasswordHasher.js"

/** A login attempt. */
export interface Attempt {
  /** The username in its normalised form. */
  readonly username: string
  /** The networks of the request, the narrowest first; empty if they are not known. */
  readonly networks: ReadonlyArray<string>
  /** The networks that count failures with any username. The default is all of `networks` with the factor 1. */
  readonly share?: LoginPlaces.NetworkShare
  /** The id of the device, if the browser has logged in with this username before. */
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
    /** Returns the attempt with the browser's device id, if the browser is known for this username. */
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
     * The usernames whose logins are paused now for unknown browsers in every network. The function returns the end of a
     * username's pause. Pauses of a username in one network are not included: the networks that failed are not stored.
     */
    readonly pauses: Effect.Effect<(username: string) => Option.Option<DateTime.Utc>, TemporarilyUnavailable>
    /** Returns the end of a username's pause, as `pauses` does. Reads one counter. */
    readonly pausedUntil: (username: string) => Effect.Effect<Option.Option<DateTime.Utc>, TemporarilyUnavailable>
    /** Deletes the failures of a username, and ends its pause, in every network. */
    readonly clear: (username: string) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

/** A place on which an attempt was counted, and its counter at that time. */
interface Counted extends LoginPlaces.Place {
  readonly counter: FailureCounter.Counter
}

/** The places of a counted attempt; or the time in milliseconds until an attempt can be counted. */
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
   * Counts an attempt of an unknown browser. It reads first, so that a flood in a pause writes nothing. It counts the
   * attacker's own network before the networks that the attacker shares with others.
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

  /** Counts an attempt as a failure before it is tried. Otherwise a burst is tried before its first failure is counted. */
  const begin = Effect.fnUntraced(function* (attempt: Attempt) {
    const now = yield* DateTime.now
    const device = Option.map(attempt.device, (id) => LoginPlaces.ofDevice(key, id))
    const known: Counting = Option.isSome(device) ? yield* count([device.value], now) : Either.left(Infinity)
    if (Either.isRight(known)) return { known: true, counted: known.right }
    // A known browser that failed too often is treated like an unknown one.
    const unknown = yield* countUnknown(attempt, now)
    if (Either.isRight(unknown)) return { known: false, counted: unknown.right }
    return yield* new TooManyRequests({
      reason: "LoginThrottled",
      description: "too many attempts; try again later",
      retryAfter: Math.max(1, Math.ceil(Math.min(known.left, unknown.left) / 1000))
    })
  })

  /** After a login: the username gets a new generation of counters, and the other counters count no failure. */
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
    guard: Spans.fn("LoginThrottle.guard")(function* (attempt, verify) {
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
