/** `latchkey db gc`: deletes expired rows, as a running server does every 15 minutes. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Maintenance from "../../services/maintenance/Maintenance.js"
import type { MaintenanceCounts, MaintenanceReport } from "../../services/maintenance/MaintenanceReport.js"
import { BatchPace } from "../../services/stores/Batches.js"
import { impossible } from "../terminal/Failure.js"
import * as Output from "../terminal/Output.js"
import { flag } from "./CommandOptions.js"
import * as WithServices from "./WithServices.js"

/** Each count of a report: its name in JSON, and its description. */
const counts: ReadonlyArray<readonly [count: keyof MaintenanceCounts, name: string, description: string]> = [
  ["grants", "grants", "grants that ended"],
  ["sessions", "sessions", "expired sessions"],
  ["revokedTokens", "revoked_tokens", "expired access tokens that were revoked one by one"],
  ["events", "events", "events"],
  ["clients", "clients", "clients that were never used"],
  ["abandonedClients", "abandoned_clients", "clients that were last used long ago and have no grant"],
  ["consents", "consents", "consents to deleted clients"],
  ["resealed", "resealed", "refresh chain keys encrypted again under the current key"],
  ["keysRemoved", "keys_removed", "keys that are not needed any more"]
]

const unfinishedOf = ({ unfinished }: MaintenanceReport) => counts.filter(([count]) => unfinished.includes(count))

const moreLeft = (report: MaintenanceReport): string => {
  const descriptions = unfinishedOf(report).map(([_, __, description]) => description)
  const left = descriptions.length === 0 ? "" : ` (${descriptions.join("; ")})`
  return `More rows must be deleted${left}: run latchkey db gc again, or a running server deletes them within minutes`
}

/**
 * Repeats the pass until it has checked all consents. A new process would begin with the first consent again, so this
 * process continues.
 */
const passes = (
  pass: Effect.Effect<Maintenance.PassOutcome>,
  before?: MaintenanceReport
): Effect.Effect<Maintenance.PassOutcome> =>
  Effect.flatMap(pass, (done) => {
    if (done._tag !== "Completed")
      return Effect.succeed(before === undefined ? done : Maintenance.PassOutcome.Completed({ report: before }))
    const report = before === undefined ? done.report : sum(before, done.report)
    return report.unfinished.includes("consents")
      ? passes(pass, report)
      : Effect.succeed(Maintenance.PassOutcome.Completed({ report }))
  })

/** Adds the counts of two passes. The later pass knows which steps are unfinished. */
const sum = (first: MaintenanceReport, second: MaintenanceReport): MaintenanceReport => ({
  ...second,
  ...Object.fromEntries(counts.map(([count]) => [count, first[count] + second[count]])),
  failed: Array.from(new Set([...first.failed, ...second.failed]))
})

/** Returns the text of a report. */
export const describeReport = (report: MaintenanceReport): string => {
  const rows = counts.filter(([count]) => report[count] > 0)
  return [
    rows.length === 0
      ? "There were no expired rows"
      : `Deleted or encrypted again:\n\n${Output.table(rows.map(([count, _, description]) => [String(report[count]), description]))}`,
    ...(report.more ? [moreLeft(report)] : [])
  ].join("\n\n")
}

const toObject = (report: MaintenanceReport) => ({
  ...Object.fromEntries(counts.map(([count, name]) => [name, report[count]])),
  failed: report.failed,
  more: report.more,
  unfinished: unfinishedOf(report).map(([_, name]) => name)
})

/** Rests for less time than a server: no request waits in this process. */
const pace = { size: 50, maxBatches: 1_000, pause: Duration.millis(10) }

export const gc = WithServices.command(
  "gc",
  "Delete expired rows now. A running server does it every 15 minutes; both may run at the same time",
  { json: flag("json", "Print the counts as JSON") },
  ({ json }) =>
    Effect.gen(function* () {
      const pass = yield* Effect.provideService(passes((yield* Maintenance.Maintenance).pass), BatchPace, pace)
      if (pass._tag === "HeldByAnotherNode")
        return yield* impossible("maintenance is running in another process: try again in a few minutes")
      if (pass._tag === "ClockUntrusted")
        return yield* impossible(
          "the clock jumped forward, or the server was off for long: nothing is deleted for an hour. If the clock is right, run latchkey db accept-clock"
        )
      const { report } = pass
      yield* Output.result(json, toObject(report), describeReport(report))
      if (report.failed.length > 0)
        return yield* impossible(`some steps failed, see the log: ${report.failed.join(", ")}`)
    })
)
