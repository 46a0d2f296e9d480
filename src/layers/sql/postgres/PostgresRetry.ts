/**
 * What is run again when the connection to PostgreSQL was lost before the answer came, so that nobody knows whether the
 * statement was committed (ADR 19).
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { TemporarilyUnavailable } from "../../../domain/OAuthError.js"
import type { GrantStore } from "../../../services/stores/GrantStore.js"
import * as PostgresError from "./PostgresError.js"

/** Twice, and not after a second: a caller waits for the answer. */
const soon = Schedule.spaced("50 millis").pipe(Schedule.intersect(Schedule.recurs(2)), Schedule.upTo("1 second"))

/** Connections come and go in real time, whatever clock is provided. */
const again = <A>(self: Effect.Effect<A, TemporarilyUnavailable>): Effect.Effect<A, TemporarilyUnavailable> =>
  self.pipe(Effect.retry({ schedule: soon, while: PostgresError.isConnectionLost }), Effect.withClock(Clock.make()))

/**
 * The same store, whose `approve`, `rotate` and `revoke` are run again: the second run finds what the first did, and says
 * what a second caller would hear. `redeem` never is, as its second run could not tell its own first from a thief's. Nor is
 * `rotate` where nobody may retry: its second run would take its own first for a replay.
 */
export const grants = (store: Context.Tag.Service<GrantStore>): Context.Tag.Service<GrantStore> => ({
  ...store,
  approve: (grant) => again(store.approve(grant)),
  rotate: (rotation) =>
    Duration.toMillis(rotation.retryWindow) > 0 ? again(store.rotate(rotation)) : store.rotate(rotation),
  revoke: (id, reason, now) => again(store.revoke(id, reason, now))
})
