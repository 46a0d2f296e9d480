/** The instants before which rows may be deleted. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { keptAfterEnd } from "../../domain/Grant.js"
import type { Lifetimes } from "../../domain/Settings.js"

/** Grace period that is added to an expiry, for nodes whose clock is slow. */
const leeway = Duration.hours(1)

/**
 * Returns, for each kind of row, the instant before which a row must have ended, or an event happened, so that it may be
 * deleted. A grant that has not ended is never deleted, used or not: without its row a replayed code or refresh token would
 * go unnoticed.
 */
export const at = (
  now: DateTime.Utc,
  lifetimes: Pick<Lifetimes, "abandonedClient" | "events" | "grant" | "unusedClient">
) => {
  const before = (age: Duration.Duration) => DateTime.subtractDuration(now, age)
  return {
    grants: before(keptAfterEnd),
    sessions: before(leeway),
    revokedTokens: before(leeway),
    spentAssertions: before(leeway),
    events: before(lifetimes.events),
    initialAccessTokens: before(keptAfterEnd),
    clients: before(lifetimes.unusedClient),
    abandonedClients: before(Duration.max(lifetimes.abandonedClient, Duration.sum(lifetimes.grant, keptAfterEnd)))
  }
}
