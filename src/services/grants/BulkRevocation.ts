/**
 * Revokes the grants of an account, a client or everybody. There may be millions. If one epoch covers all of them, the caller
 * raises it first; otherwise a grant ends when its consent is withdrawn. Consents are withdrawn and rows are marked in small
 * batches, with a pause between two batches, so that requests are answered meanwhile. The next run continues one that was
 * stopped.
 *
 * @example
 * import { Effect } from "effect"
 * import type { ClientId } from "latchkey/Client"
 * import * as BulkRevocation from "./BulkRevocation.js"
 *
 * const revoke = (clientId: ClientId) =>
 *   Effect.flatMap(BulkRevocation.make, (bulk) => bulk.grants({ clientId }, "ClientRevoked"))
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { GrantId, RevocationReason } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as Batches from "../stores/Batches.js"
import { type ConsentFilter, ConsentStore, type Pair } from "../stores/ConsentStore.js"
import { GrantStore, type RevocationFilter } from "../stores/GrantStore.js"

/** Size of the batches of a bulk revocation, the time between them, and the wait before a failed batch is retried. */
export class Pace extends Context.Reference<Pace>()("latchkey/BulkRevocation/Pace", {
  defaultValue: () => ({
    /** Maximum number of rows that one batch changes. */
    size: 50,
    /** Time from the end of one batch to the next. */
    pause: Duration.millis(20),
    /** Time until the first of five retries of a failed batch. It doubles with each retry. */
    retryAfter: Duration.millis(100)
  })
}) {}

/** The phases of a bulk revocation. */
export type Phase = "consents" | "grants"

/** Receives after each batch the number of rows that the phase has changed so far. */
export class Progress extends Context.Reference<Progress>()("latchkey/BulkRevocation/Progress", {
  defaultValue: () => ({ report: (_phase: Phase, _count: number): Effect.Effect<void> => Effect.void })
}) {}

/** The revoked grants: their number, and the first of their ids. */
export interface Revoked {
  readonly count: number
  readonly first: ReadonlyArray<GrantId>
}

/** Maximum number of ids in a result, because millions of them would fill the memory. */
export const maxIds = 1_000

/** Retries a verb of a busy store five times: at the standard pace for three seconds of real time. */
export const again = <A>(verb: Effect.Effect<A, TemporarilyUnavailable>): Effect.Effect<A, TemporarilyUnavailable> =>
  Effect.flatMap(Pace, ({ retryAfter }) =>
    verb.pipe(
      Effect.retry(Schedule.intersect(Schedule.exponential(retryAfter), Schedule.recurs(5))),
      Effect.withClock(Clock.make())
    )
  )

/** Makes the verbs, over the stores of one issuer. */
export const make = Effect.gen(function* () {
  const consentStore = yield* ConsentStore
  const grantStore = yield* GrantStore

  /** Repeats a step, which returns the number of changed rows, in batches to the end. Returns the total. */
  const run = <Cursor>(
    phase: Phase,
    step: (
      size: number,
      after: Cursor | undefined
    ) => Effect.Effect<Batches.Done<Cursor | undefined>, TemporarilyUnavailable>
  ) =>
    Effect.gen(function* () {
      const { pause, size } = yield* Pace
      const { report } = yield* Progress
      let total = 0
      const counted = (size: number, after: Cursor | undefined) =>
        Effect.tap(again(step(size, after)), ({ count }) => {
          total += count
          return report(phase, total)
        })
      const pace = { size, pause, maxBatches: Number.POSITIVE_INFINITY }
      yield* Effect.provideService(
        Batches.run<Cursor | undefined, TemporarilyUnavailable, never>(undefined, counted),
        Batches.BatchPace,
        pace
      )
      return total
    })

  /** Withdraws consents. From then on every grant under one of them is invalid. */
  const withdraw = (filter: ConsentFilter): Effect.Effect<number, TemporarilyUnavailable> =>
    run<Pair>("consents", (size, after) => consentStore.withdrawAll(filter, size, after))

  /** Marks grants as revoked that an epoch has ended, or that were approved until now. */
  const grants = (filter: RevocationFilter, reason: RevocationReason): Effect.Effect<Revoked, TemporarilyUnavailable> =>
    Effect.gen(function* () {
      const now = yield* DateTime.now
      const first: Array<GrantId> = []
      const count = yield* run<GrantId>("grants", (limit, after) =>
        Effect.map(
          grantStore.revokeAll(filter, reason, now, { limit, ...(after === undefined ? {} : { after }) }),
          ({ next, revoked }) => {
            first.push(...revoked.slice(0, maxIds - first.length))
            return { count: revoked.length, next }
          }
        )
      )
      return { count, first }
    })

  return { withdraw, grants }
})
