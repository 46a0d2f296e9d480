/**
 * Maintenance: what is past use is deleted, in small batches, and keys live their life. Of the nodes of a deployment one at a
 * time does it, where the storage has leases. Two that do it at once, because one slept through the end of its lease, do
 * no harm: each step is a conditional statement, and what one has done the other finds done.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Base64Url from "../../domain/Base64Url.js"
import { keptAfterEnd } from "../../domain/Grant.js"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import type { Lifetimes } from "../../domain/Settings.js"
import * as Metrics from "../events/Metrics.js"
import { randomBytes } from "../keys/Crypto.js"
import { ServerClock } from "../ServerClock.js"
import { ServerSettings } from "../ServerSettings.js"
import * as Batches from "../stores/Batches.js"
import { ClientStore } from "../stores/ClientStore.js"
import { ConsentStore, type Pair } from "../stores/ConsentStore.js"
import { EventLog } from "../stores/EventLog.js"
import { GrantStore } from "../stores/GrantStore.js"
import { LeaseStore } from "../stores/LeaseStore.js"
import { RevokedTokenStore } from "../stores/RevokedTokenStore.js"
import { SessionStore } from "../stores/SessionStore.js"
import { Storage } from "../stores/Storage.js"
import * as ClockCheck from "./ClockCheck.js"
import { KeyRotation } from "./KeyRotation.js"

/** How much was deleted or sealed anew, of each kind. */
export interface Counts {
  readonly grants: number
  readonly sessions: number
  readonly revokedTokens: number
  readonly events: number
  readonly clients: number
  readonly abandonedClients: number
  readonly consents: number
  readonly resealed: number
  readonly keysRemoved: number
}

/** What a pass did. */
export interface Report extends Counts {
  /** The steps that failed; the log says why. */
  readonly failed: ReadonlyArray<string>
  /** Whether there was more to do than a pass does. */
  readonly more: boolean
  /** The steps that stopped before their end. A pass over the consents that did goes on from there the next time. */
  readonly unfinished: ReadonlyArray<string>
}

/** How a pass ends. */
export type Pass = Data.TaggedEnum<{
  Done: { readonly report: Report }
  /**
   * Nothing is deleted, and no key promoted or removed, for an hour after the clock jumped forward, and while it is far from
   * the database's: what looks past use may not be, until somebody has seen to the clock (design §3).
   */
  Cautious: {}
  /** Another node is at it. */
  Elsewhere: {}
}>
export const Pass = Data.taggedEnum<Pass>()

export class Maintenance extends Context.Tag("latchkey/Maintenance")<
  Maintenance,
  {
    /** One pass over everything. A step that fails keeps none of the others from being done. */
    readonly pass: Effect.Effect<Pass>
  }
>() {}

/** When passes are made; an app that gives its own can have upkeep on one node alone, or never. */
export class Pace extends Context.Tag("latchkey/Maintenance/Pace")<
  Pace,
  {
    /** From the start to the first pass. */
    readonly first: Duration.Duration
    /** From one pass to the next. */
    readonly every: Duration.Duration
  }
>() {}

export const layerPace = Layer.succeed(Pace, { first: Duration.minutes(1), every: Duration.minutes(15) })

/** So much longer what has an end of its own is kept, for nodes whose clocks are behind. */
const leeway = Duration.hours(1)

/**
 * Before when something must have ended, or happened, to be past use. A grant that has not ended is never among it, used
 * or not: with its row a replayed code or refresh token would go unnoticed.
 */
export const cutoffs = (
  lifetimes: Pick<Lifetimes, "abandonedClient" | "events" | "grant" | "unusedClient">,
  now: DateTime.Utc
) => {
  const before = (age: Duration.Duration) => DateTime.subtractDuration(now, age)
  return {
    grants: before(keptAfterEnd),
    sessions: before(leeway),
    revokedTokens: before(leeway),
    events: before(lifetimes.events),
    clients: before(lifetimes.unusedClient),
    abandonedClients: before(Duration.max(lifetimes.abandonedClient, Duration.sum(lifetimes.grant, keptAfterEnd)))
  }
}

/** From a pass that left more to do to the next. */
const soon = Duration.seconds(1)

/** The lease of whoever makes a pass. It is held anew before each step, and none takes as long. */
export const lease = "upkeep"
const leaseLength = Duration.minutes(5)

interface Step {
  readonly name: string
  readonly run: Effect.Effect<
    readonly [did: Partial<Counts>, more: boolean, isUnfinished: boolean],
    TemporarilyUnavailable
  >
}

const nothing: Report = {
  grants: 0,
  sessions: 0,
  revokedTokens: 0,
  events: 0,
  clients: 0,
  abandonedClients: 0,
  consents: 0,
  resealed: 0,
  keysRemoved: 0,
  failed: [],
  more: false,
  unfinished: []
}

const countsOf = ({ failed: _, more: __, unfinished: ___, ...counts }: Report): Counts => counts

const count = (report: Report) =>
  Effect.forEach(Object.entries(countsOf(report)), ([kind, count]) => Metric.update(Metrics.upkeep, { kind, count }), {
    discard: true
  })

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const eventLog = yield* EventLog
  const grants = yield* GrantStore
  const keys = yield* KeyRotation
  const revokedTokens = yield* RevokedTokenStore
  const sessions = yield* SessionStore
  const { lifetimes } = yield* ServerSettings
  const leases = yield* LeaseStore
  const { batchSize } = yield* Storage
  const holder = { name: lease, holder: Base64Url.encode(yield* randomBytes(16)) }

  const isClockSane = (yield* ClockCheck.make).isSane.pipe(
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning("whether the clock is sane is not known: nothing is deleted", error), false)
    )
  )

  const deletion = (
    name: keyof Counts,
    verb: (limit: number) => Effect.Effect<number, TemporarilyUnavailable>
  ): Step => ({
    name,
    run: Effect.map(Batches.drain(verb), ({ count, next }) => [
      { [name]: count },
      Option.isSome(next),
      Option.isSome(next)
    ])
  })

  // All consents are looked at, so each pass goes on where the last one ended.
  let lookedAt: Pair | undefined
  const forgottenConsents: Step = {
    name: "consents",
    run: Effect.suspend(() =>
      Batches.run<Pair | undefined, TemporarilyUnavailable, never>(lookedAt, consents.prune)
    ).pipe(
      Effect.map(({ count, next }) => {
        lookedAt = Option.getOrUndefined(next)
        // There need be nothing more to delete: the next pass is in time.
        return [{ consents: count }, false, Option.isSome(next)]
      })
    )
  }

  const steps = (now: DateTime.Utc): ReadonlyArray<Step> => {
    const before = cutoffs(lifetimes, now)
    return [
      deletion("grants", (limit) => grants.prune(before.grants, limit)),
      deletion("sessions", (limit) => sessions.prune(before.sessions, limit)),
      deletion("revokedTokens", (limit) => revokedTokens.prune(before.revokedTokens, limit)),
      deletion("events", (limit) => eventLog.prune(before.events, limit)),
      deletion("clients", (limit) => clients.removeUnused(before.clients, limit)),
      deletion("abandonedClients", (limit) => clients.removeAbandoned(before.abandonedClients, limit)),
      forgottenConsents,
      { name: "keys", run: Effect.map(keys.advance, ({ more, ...did }) => [did, more, more]) }
    ]
  }

  const take = Effect.flatMap(DateTime.now, (now) => leases.take(holder, now, leaseLength))
  const release = Effect.ignore(Effect.flatMap(DateTime.now, (now) => leases.release(holder, now)))

  const run = ({ name, run }: Step, before: Report): Effect.Effect<Report> =>
    run.pipe(
      Effect.map(
        ([did, more, isUnfinished]): Report => ({
          ...before,
          ...did,
          more: before.more || more,
          unfinished: isUnfinished ? [...before.unfinished, name] : before.unfinished
        })
      ),
      Effect.catchAllCause((cause) =>
        Cause.isInterruptedOnly(cause)
          ? Effect.failCause(cause as Cause.Cause<never>)
          : Effect.as(
              Effect.annotateLogs(Effect.logWarning("a step of upkeep failed, and is tried again", cause), {
                step: name
              }),
              {
                ...before,
                failed: [...before.failed, name]
              }
            )
      )
    )

  const pass: Effect.Effect<Pass> = Effect.gen(function* () {
    let report = nothing
    for (const step of steps(yield* DateTime.now)) {
      // A store that cannot answer fails the step as well.
      const isOurs = yield* Effect.orElseSucceed(take, () => true)
      if (!isOurs) return report === nothing ? Pass.Elsewhere() : Pass.Done({ report: { ...report, more: true } })
      report = yield* run(step, report)
    }
    return Pass.Done({ report })
  }).pipe(Effect.ensuring(release))

  const atPace = Effect.flatMap(Batches.BatchPace, (pace) =>
    Effect.provideService(pass, Batches.BatchPace, { ...pace, size: Math.max(pace.size, batchSize) })
  )

  return Maintenance.of({
    pass: Effect.if(isClockSane, { onTrue: () => atPace, onFalse: () => Effect.succeed<Pass>(Pass.Cautious()) }).pipe(
      Effect.tap((pass) => (pass._tag === "Done" ? count(pass.report) : Effect.void)),
      Effect.withSpan("Maintenance.pass")
    )
  })
})

/** Maintenance that is done when it is asked for. */
export const layer = Layer.effect(Maintenance, make)

const logReport = (report: Report) => {
  const counts = countsOf(report)
  return Object.values(counts).some((count) => count > 0)
    ? Effect.annotateLogs(Effect.logInfo("upkeep"), { ...counts })
    : Effect.void
}

/** Passes, one after the other, at their pace, for as long as the layer lives; where one leaves more, the next comes soon. */
export const layerPasses = Layer.scopedDiscard(
  Effect.gen(function* () {
    const upkeep = yield* Maintenance
    const clock = yield* ServerClock
    const { every, first } = yield* Pace
    const pass = Effect.flatMap(
      // By the time that requests are judged by.
      Effect.withClock(upkeep.pass, clock),
      Pass.$match({
        Done: ({ report }) => Effect.zipRight(logReport(report), Effect.sleep(report.more ? soon : every)),
        Cautious: () => Effect.sleep(every),
        Elsewhere: () => Effect.sleep(every)
      })
    ).pipe(
      Effect.catchAllCause((cause) =>
        Effect.zipRight(Effect.logError("upkeep failed, and is tried again", cause), Effect.sleep(every))
      )
    )
    yield* Effect.sleep(first).pipe(Effect.zipRight(Effect.forever(pass)), Effect.forkScoped)
  })
)
