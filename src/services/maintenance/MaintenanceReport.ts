/** The result of a maintenance pass: for the log, the metrics, and `latchkey db gc`. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Metrics from "../events/Metrics.js"

/** Number of rows that a pass deleted, by kind, and of chain keys that it resealed. */
export interface MaintenanceCounts {
  readonly grants: number
  readonly sessions: number
  readonly revokedTokens: number
  readonly spentAssertions: number
  readonly events: number
  readonly clients: number
  readonly abandonedClients: number
  readonly initialAccessTokens: number
  readonly consents: number
  readonly resealed: number
  readonly keysRemoved: number
}

/** The result of a pass. */
export interface MaintenanceReport extends MaintenanceCounts {
  /** Names of the steps that failed. The log has the reasons. */
  readonly failed: ReadonlyArray<keyof MaintenanceCounts>
  /** Whether there is more to do than one pass does. */
  readonly more: boolean
  /** Names of the steps that stopped before their end. The next pass over the consents continues where this one stopped. */
  readonly unfinished: ReadonlyArray<keyof MaintenanceCounts>
}

/** The report of a pass that has done nothing yet. */
export const empty: MaintenanceReport = {
  grants: 0,
  sessions: 0,
  revokedTokens: 0,
  spentAssertions: 0,
  events: 0,
  clients: 0,
  abandonedClients: 0,
  initialAccessTokens: 0,
  consents: 0,
  resealed: 0,
  keysRemoved: 0,
  failed: [],
  more: false,
  unfinished: []
}

/** Returns the counts of a report alone. */
export const countsOf = ({ failed: _, more: __, unfinished: ___, ...counts }: MaintenanceReport): MaintenanceCounts =>
  counts

/** Adds the counts of a report to the metrics. */
export const count = (report: MaintenanceReport): Effect.Effect<void> =>
  Effect.forEach(
    Object.entries(countsOf(report)),
    ([kind, count]) => Metric.update(Metrics.maintenance, { kind, count }),
    { discard: true }
  )

/** Logs the counts of a report, unless the pass found nothing to do. */
export const log = (report: MaintenanceReport): Effect.Effect<void> => {
  const counts = countsOf(report)
  return Object.values(counts).some((count) => count > 0)
    ? Effect.annotateLogs(Effect.logInfo("maintenance pass completed"), { ...counts })
    : Effect.void
}
