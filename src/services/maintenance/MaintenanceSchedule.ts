/** Runs maintenance passes in the background of a server. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Maintenance, PassOutcome } from "./Maintenance.js"
import * as MaintenanceReport from "./MaintenanceReport.js"

/**
 * The times at which a server runs maintenance. An app that replaces it can have maintenance on one node only, or never.
 *
 * @example
 * import { Duration, Layer } from "effect"
 * import { MaintenanceSchedule } from "latchkey/MaintenanceSchedule"
 *
 * // Never: another process runs `latchkey db gc`.
 * const Never = Layer.succeed(MaintenanceSchedule, { firstAfter: Duration.infinity, interval: Duration.infinity })
 */
export class MaintenanceSchedule extends Context.Reference<MaintenanceSchedule>()("latchkey/MaintenanceSchedule", {
  defaultValue: () => ({
    /** Time from the start of the server to its first pass. */
    firstAfter: Duration.minutes(1),
    /** Time from the end of one pass to the next. */
    interval: Duration.minutes(15)
  })
}) {}

/** No maintenance in the background: another process does it. */
export const layerNever = Layer.succeed(MaintenanceSchedule, {
  firstAfter: Duration.infinity,
  interval: Duration.infinity
})

/** Time from a pass that left more to do to the next pass. */
const soon = Duration.seconds(1)

/** Runs one pass after the other for as long as the layer lives; after a pass that leaves more to do, the next comes soon. */
export const layer = Layer.scopedDiscard(
  Effect.gen(function* () {
    const maintenance = yield* Maintenance
    const { firstAfter, interval } = yield* MaintenanceSchedule
    const pass = maintenance.pass.pipe(
      Effect.flatMap(
        PassOutcome.$match({
          Completed: ({ report }) => Effect.as(MaintenanceReport.log(report), report.more ? soon : interval),
          ClockUntrusted: () => Effect.succeed(interval),
          HeldByAnotherNode: () => Effect.succeed(interval)
        })
      ),
      Effect.catchAllCause((cause) =>
        Effect.as(Effect.logError("maintenance pass failed, the next pass tries again", cause), interval)
      ),
      Effect.flatMap(Effect.sleep)
    )
    yield* Effect.sleep(firstAfter).pipe(Effect.zipRight(Effect.forever(pass)), Effect.forkScoped)
  })
)
