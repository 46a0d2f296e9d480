/**
 * Tells of failed logins, and of the pauses that they begin: to the stream, the log and the metrics of each, and as rows
 * that strangers cannot make without bound. A failure is one row at most: `LoginThrottled` where it begins a pause, and
 * else `LoginFailed`. The counter of the name bounds the rows of an account; a quota bounds those of names that nobody has.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as FailureCounter from "../../domain/FailureCounter.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RateLimit from "../../domain/RateLimit.js"
import { Events } from "../events/Events.js"
import * as AccountStore from "../stores/AccountStore.js"
import type { Place } from "./LoginPlaces.js"

/** Rows of this process that name no account: enough to see an attack, and 2,400 a day at most. */
const nameless: RateLimit.Quota = { quota: 100, window: Duration.hours(1) }

/** A pause that an attempt began. */
export interface Pause extends Pick<Place, "reason"> {
  readonly counter: FailureCounter.Counter
}

export interface FailedLogins {
  /** Tells that a login with this name failed, and which pause that began, if it began one. */
  readonly tell: (username: string, pause: Pause | undefined) => Effect.Effect<void, TemporarilyUnavailable>
}

export const make = Effect.gen(function* () {
  const accounts = yield* AccountStore.AccountStore
  const events = yield* Events
  let replenishedAt = 0

  const hasQuota = (now: number): boolean => {
    const owed = RateLimit.owedAt(nameless, replenishedAt, now)
    const isAllowed = RateLimit.Decision.$is("Allowed")(RateLimit.decide([{ limit: nameless, owed }]))
    if (isAllowed) replenishedAt = now + owed + RateLimit.cost(nameless)
    return isAllowed
  }

  const failedLogins: FailedLogins = {
    tell: Effect.fnUntraced(function* (username, pause) {
      const { epochMillis: now } = yield* DateTime.now
      const account = yield* AccountStore.findOwn(accounts, username)
      // A name that nobody has may be a password that was typed into the wrong field.
      const subject = Option.match(account, { onNone: () => ({}), onSome: ({ id }) => ({ subject: id }) })
      const keep = Option.isSome(account) || hasQuota(now) ? events.publish : events.emit
      if (pause === undefined) return yield* keep({ _tag: "LoginFailed", ...subject })
      const { counter, reason } = pause
      yield* events.emit({ _tag: "LoginFailed", ...subject })
      yield* keep({ _tag: "LoginThrottled", ...subject, reason })
      yield* Effect.annotateLogs(Effect.logInfo("login throttled"), {
        ...subject,
        reason,
        seconds: Math.ceil((counter.pausedUntil - now) / 1000)
      })
    })
  }
  return failedLogins
})
