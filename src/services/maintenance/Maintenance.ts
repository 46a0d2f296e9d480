/**
 * Maintenance: deletes expired rows in small batches, and rotates keys. Where the storage has leases, one node of a
 * deployment does it at a time. Two nodes that do it at once, because one was suspended past the end of its lease, do no
 * harm: each step is a conditional statement, and finds done what the other node has done.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Base64Url from "../../domain/Base64Url.js"
import { randomBytes } from "../keys/Crypto.js"
import * as Batches from "../stores/Batches.js"
import { LeaseStore } from "../stores/LeaseStore.js"
import { Storage } from "../stores/Storage.js"
import { ClockCheck } from "./ClockCheck.js"
import * as MaintenanceReport from "./MaintenanceReport.js"
import * as MaintenanceSteps from "./MaintenanceSteps.js"

/** The outcome of a pass. */
export type PassOutcome = Data.TaggedEnum<{
  Completed: { readonly report: MaintenanceReport.MaintenanceReport }
  /**
   * The pass did nothing, because the clock may be wrong: it jumped forward in the last hour, or it is far from the
   * clock of the database. Rows that look expired may not be, until the operator has checked the clock (design §3).
   */
  ClockUntrusted: {}
  /** The pass did nothing, because another node runs one. */
  HeldByAnotherNode: {}
}>
export const PassOutcome = Data.taggedEnum<PassOutcome>()

export class Maintenance extends Context.Tag("latchkey/Maintenance")<
  Maintenance,
  {
    /** Runs one pass of all steps. After a step that fails, the others still run. */
    readonly pass: Effect.Effect<PassOutcome>
  }
>() {}

/** Name of the lease that a node holds during a pass. */
export const leaseName = "maintenance"

/** Length of the lease. It is extended before each step, and no step takes as long. */
const leaseLength = Duration.minutes(5)

const failed = (
  name: MaintenanceSteps.Step["name"],
  before: MaintenanceReport.MaintenanceReport,
  cause: Cause.Cause<unknown>
) =>
  Effect.as(
    Effect.annotateLogs(Effect.logWarning("maintenance step failed, the next pass tries again", cause), { step: name }),
    { ...before, failed: [...before.failed, name] }
  )

/** Runs a step and adds its result, or its failure, to the report. */
const addStep = ({ name, run }: MaintenanceSteps.Step, before: MaintenanceReport.MaintenanceReport) =>
  run.pipe(
    Effect.map(
      ({ counts, isUnfinished, more }): MaintenanceReport.MaintenanceReport => ({
        ...before,
        ...counts,
        more: before.more || more,
        unfinished: isUnfinished ? [...before.unfinished, name] : before.unfinished
      })
    ),
    Effect.catchAll((error) => failed(name, before, Cause.fail(error))),
    Effect.catchAllDefect((defect) => failed(name, before, Cause.die(defect)))
  )

const make = Effect.gen(function* () {
  const clockCheck = yield* ClockCheck
  const leases = yield* LeaseStore
  const stepsAt = yield* MaintenanceSteps.make
  const { batchSize } = yield* Storage
  const lease = { name: leaseName, holder: Base64Url.encode(yield* randomBytes(16)) }

  const take = Effect.flatMap(DateTime.now, (now) => leases.take(lease, now, leaseLength))
  const release = Effect.ignore(Effect.flatMap(DateTime.now, (now) => leases.release(lease, now)))

  const runSteps: Effect.Effect<PassOutcome> = Effect.gen(function* () {
    let report = MaintenanceReport.empty
    for (const step of stepsAt(yield* DateTime.now)) {
      // Where the lease store does not answer, the step fails as well, and the report names it.
      const isOurs = yield* Effect.orElseSucceed(take, () => true)
      if (!isOurs) {
        return report === MaintenanceReport.empty
          ? PassOutcome.HeldByAnotherNode()
          : PassOutcome.Completed({ report: { ...report, more: true } })
      }
      report = yield* addStep(step, report)
    }
    return PassOutcome.Completed({ report })
  }).pipe(Effect.ensuring(release))

  const inBatches = Effect.flatMap(Batches.BatchPace, (pace) =>
    Effect.provideService(runSteps, Batches.BatchPace, { ...pace, size: Math.max(pace.size, batchSize) })
  )

  const isClockTrusted = Effect.catchAll(clockCheck.isTrusted, (error) =>
    Effect.as(Effect.logWarning("clock check failed, nothing is deleted", error), false)
  )

  return Maintenance.of({
    pass: Effect.if(isClockTrusted, {
      onTrue: () => inBatches,
      onFalse: () => Effect.succeed<PassOutcome>(PassOutcome.ClockUntrusted())
    }).pipe(
      Effect.tap((outcome) => (outcome._tag === "Completed" ? MaintenanceReport.count(outcome.report) : Effect.void)),
      Effect.withSpan("Maintenance.pass")
    )
  })
})

/** Maintenance that runs when a caller asks for it; `MaintenanceSchedule` runs it in the background. */
export const layer = Layer.effect(Maintenance, make)
