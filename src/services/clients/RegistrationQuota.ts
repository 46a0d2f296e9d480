/**
 * Tells the operator when the clients that registered themselves and were never used come near their maximum, and when
 * they reach it: from then on each registration removes the oldest of them (ADR 26).
 */
import * as Effect from "effect/Effect"
import type { EventKind } from "../../domain/Event.js"

/** Share of the maximum from which on the operator is told that it is near. */
const near = 0.8

/** Share below which the number must fall before the operator is told again: a number that hovers is told once. */
const over = 0.7

type Level = Extract<EventKind, { readonly _tag: "RegistrationQuota" }>["level"]

const rank: Readonly<Record<Level, number>> = { Near: 1, Met: 2 }

/**
 * Takes the number of unused clients after each registration. Of each level one WARN line is logged and one event
 * published in an episode; an episode ends when the number falls below 70 % of the maximum. Each node of a deployment
 * counts its own episodes.
 */
export const make = (atMost: number, publish: (kind: EventKind) => Effect.Effect<void>) => {
  /** Rank of the highest level that was told in this episode. */
  let told = 0

  const tell = (level: Level, unused: number) =>
    Effect.zipRight(
      Effect.annotateLogs(Effect.logWarning(`registration quota ${level === "Met" ? "reached" : "nearly reached"}`), {
        unusedClients: unused,
        maxUnusedClients: atMost
      }),
      publish({ _tag: "RegistrationQuota", level, unused, atMost })
    )

  return (unused: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (unused < over * atMost) told = 0
      const level = unused >= atMost ? "Met" : unused >= near * atMost ? "Near" : undefined
      if (level === undefined || rank[level] <= told) return Effect.void
      told = rank[level]
      return tell(level, unused)
    })
}
