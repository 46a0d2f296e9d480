/**
 * Warns the operator when the number of unused self-registered clients comes near its maximum, and when it reaches it. From
 * then on each registration deletes the oldest unused client (ADR 26).
 */
import * as Effect from "effect/Effect"
import type { EventKind } from "../../domain/Event.js"

/** Share of the maximum at which the operator is warned that it is near. */
const near = 0.8

/** Share below which the number must fall before another warning. A number that hovers causes one warning. */
const over = 0.7

type Level = Extract<EventKind, { readonly _tag: "RegistrationQuota" }>["level"]

const rank: Readonly<Record<Level, number>> = { Near: 1, Met: 2 }

/**
 * Returns a function that takes the number of unused clients after each registration. In an episode it logs one WARN line and
 * publishes one event for each level. An episode ends when the number falls below 70 % of the maximum. Each node counts its
 * own episodes.
 */
export const make = (atMost: number, publish: (kind: EventKind) => Effect.Effect<void>) => {
  /** Rank of the highest level that was reported in this episode. */
  let reported = 0

  const report = (level: Level, unused: number) =>
    Effect.zipRight(
      Effect.annotateLogs(Effect.logWarning(`registration quota ${level === "Met" ? "reached" : "nearly reached"}`), {
        unusedClients: unused,
        maxUnusedClients: atMost
      }),
      publish({ _tag: "RegistrationQuota", level, unused, atMost })
    )

  return (unused: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (unused < over * atMost) reported = 0
      const level = unused >= atMost ? "Met" : unused >= near * atMost ? "Near" : undefined
      if (level === undefined || rank[level] <= reported) return Effect.void
      reported = rank[level]
      return report(level, unused)
    })
}
