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
  ["revokedTokens", "revoked_tokens", "revocations of access tokens that have expired"],
  ["spentAssertions", "spent_assertions", "assertions of clients that have expired"],
  ["events", "events", "events"],
  ["clients", "clients", "clients that were never used"],
  ["abandonedClients", "abandoned_clients", "clients that were last used long ago and have no grant"],
  ["initialAccessTokens", "initial_access_tokens", "initial access tokens that expired or were used up"],
  ["consents", "consents", "consents to deleted clients"],
  ["resealed", "resealed", "chain keys of grants, encrypted again with the current root key"],
  ["keysRemoved", "keys_removed", "keys that are not needed any more"]
]

/** Returns the counts that steps add to, each with its name and its description. */
const ofSteps = (steps: MaintenanceReport["failed"]) => counts.filter(([count]) => steps.includes(count))

const namesOf = (steps: MaintenanceReport["failed"]) => ofSteps(steps).map(([_, name]) => name)

const moreLeft = (report: MaintenanceReport): string => {
  const descriptions = ofSteps(report.unfinished).map(([_, __, description]) => description)
  const left = descriptions.length === 0 ? "" : ` (${descriptions.join("; ")})`
  return `The work is not complete${left}: run latchkey db gc again, or wait. A running server continues within minutes`
}

/**
 * Repeats the pass until it has checked all consents. Only this process knows the last consent that it checked: a new process
 * begins with the first one.
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

/** Adds the counts of two passes. `unfinished` and `more` are those of the later pass. */
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
  failed: namesOf(report.failed),
  more: report.more,
  unfinished: namesOf(report.unfinished)
})

/** Pauses for less time than a server does, because this process answers no requests. */
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
