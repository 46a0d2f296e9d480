/**
 * Runs a statement again if the connection to PostgreSQL was lost before the answer arrived, so that it is unknown whether
 * the statement was committed (ADR 19).
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { GrantStore } from "../../../services/stores/GrantStore.js"
import { DatabaseFailure } from "../SqlFailure.js"

/**
 * Connection exceptions; a server that shuts down, crashed, or has not started yet
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html); the operating system's errors of a socket.
 */
const codes = /^(08...|57P0[123]|ECONNRESET|EPIPE|ETIMEDOUT)$/

/** The messages of driver errors that have no code. */
const messages = /^(Connection terminated( unexpectedly)?|Query read timeout)$/

/** Whether the connection was lost while a statement may have been sent. The server may have executed it or not. */
export const isConnectionLost = ({ cause }: TemporarilyUnavailable): boolean =>
  cause instanceof DatabaseFailure && (codes.test(cause.code) || (cause.code === "" && messages.test(cause.message)))

/** Two retries within one second, because a caller waits for the answer. */
const soon = Schedule.spaced("50 millis").pipe(Schedule.intersect(Schedule.recurs(2)), Schedule.upTo("1 second"))

/**
 * Runs again an effect that has just failed because of a lost connection. Connections fail in real time, so the retries wait in
 * real time, even if another clock is provided.
 */
const retry = <A>(self: Effect.Effect<A, TemporarilyUnavailable>, lost: TemporarilyUnavailable) => {
  let first: TemporarilyUnavailable | undefined = lost
  // The schedule begins with a failure: the one that has happened.
  return Effect.suspend(() => {
    const run = first ?? self
    first = undefined
    return run
  }).pipe(Effect.retry({ schedule: soon, while: isConnectionLost }), Effect.withClock(Clock.make()))
}

/** A statement that succeeds does not pay for the schedule and the clock. */
const retried = <A>(self: Effect.Effect<A, TemporarilyUnavailable>): Effect.Effect<A, TemporarilyUnavailable> =>
  Effect.catchIf(self, isConnectionLost, (lost) => retry(self, lost))

/**
 * Returns the store with retries of `approve`, `rotate` and `revoke`: the second run finds the change of the first and answers
 * as it would answer a second caller. `redeem` is never retried, because its second run could not tell its own first run from
 * a thief's. `rotate` is not retried if the retry window is zero, because its second run would take its own first run for a
 * replay.
 */
export const grants = (store: Context.Tag.Service<GrantStore>): Context.Tag.Service<GrantStore> => ({
  ...store,
  approve: (grant) => retried(store.approve(grant)),
  rotate: (rotation) =>
    Duration.toMillis(rotation.retryWindow) > 0 ? retried(store.rotate(rotation)) : store.rotate(rotation),
  revoke: (id, reason, now) => retried(store.revoke(id, reason, now))
})
