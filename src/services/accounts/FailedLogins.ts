/**
 * Publishes failed logins, and the pauses that they begin. Each is emitted to the stream, the log and the metrics. Strangers
 * must not fill the event log, so a failure is one stored row at most: `LoginThrottled` where it begins a pause, and
 * `LoginFailed` otherwise. The counter of a username bounds the rows of its account; a quota bounds the rows of usernames
 * without an account.
 */
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as RateLimit from "../../domain/RateLimit.js"
import { Events } from "../events/Events.js"
import * as AccountStore from "../stores/AccountStore.js"
import type { Pause } from "./LoginThrottle.js"

/** Maximum number of rows of this process that name no account: enough to see an attack, and at most 2,400 a day. */
const withoutAccount: RateLimit.Quota = { quota: 100, window: Duration.hours(1) }

export class FailedLogins extends Context.Tag("latchkey/FailedLogins")<
  FailedLogins,
  {
    /** Publishes that a login with this username failed, and the pause that the attempt began. */
    readonly publish: (username: string, pause: Option.Option<Pause>) => Effect.Effect<void, TemporarilyUnavailable>
    /** Publishes a pause that another attempt began than a login: a wrong current password at a password change. */
    readonly publishPause: (username: string, pause: Pause) => Effect.Effect<void, TemporarilyUnavailable>
  }
>() {}

const make = Effect.gen(function* () {
  const accounts = yield* AccountStore.AccountStore
  const events = yield* Events
  let replenishedAt = 0

  const hasQuota = (now: number): boolean => {
    const owed = RateLimit.owedAt(withoutAccount, replenishedAt, now)
    const isAllowed = RateLimit.Decision.$is("Allowed")(RateLimit.decide([{ limit: withoutAccount, owed }]))
    if (isAllowed) replenishedAt = now + owed + RateLimit.cost(withoutAccount)
    return isAllowed
  }

  /** Names the account in the event, and decides whether the event is stored. */
  const prepare = Effect.fnUntraced(function* (username: string) {
    const { epochMillis: now } = yield* DateTime.now
    const account = yield* AccountStore.findOwn(accounts, username)
    // A username without an account may be a password in the wrong field, so it is not in the event.
    const subject = Option.match(account, { onNone: () => ({}), onSome: ({ id }) => ({ subject: id }) })
    const keep = Option.isSome(account) || hasQuota(now) ? events.publish : events.emit
    return { keep, now, subject }
  })

  type Prepared = Effect.Effect.Success<ReturnType<typeof prepare>>

  const keepPause = ({ keep, now, subject }: Prepared, { counter, reason }: Pause) =>
    Effect.zipRight(
      keep({ _tag: "LoginThrottled", ...subject, reason }),
      Effect.annotateLogs(Effect.logInfo("login throttled"), {
        ...subject,
        reason,
        seconds: Math.ceil((counter.pausedUntil - now) / 1000)
      })
    )

  return FailedLogins.of({
    publish: Effect.fnUntraced(function* (username, pause) {
      const prepared = yield* prepare(username)
      const failure = { _tag: "LoginFailed", ...prepared.subject } as const
      if (Option.isNone(pause)) return yield* prepared.keep(failure)
      yield* events.emit(failure)
      yield* keepPause(prepared, pause.value)
    }),
    publishPause: (username, pause) => Effect.flatMap(prepare(username), (prepared) => keepPause(prepared, pause))
  })
})

export const layer = Layer.effect(FailedLogins, make)
