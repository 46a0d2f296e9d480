/**
 * Upkeep: what is past use is deleted, in small batches, and keys live their life. Every node of a deployment may do it:
 * each step is a conditional statement, and what one has done the others find done.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../domain/OAuthError.js"
import { ClientStore } from "./ClientStore.js"
import { ConsentStore } from "./ConsentStore.js"
import { EventLog } from "./EventLog.js"
import { GrantStore } from "./GrantStore.js"
import { KeyRotation } from "./KeyRotation.js"
import * as Metrics from "./Metrics.js"
import { RevokedTokenStore } from "./RevokedTokenStore.js"
import { ServerSettings } from "./ServerSettings.js"
import { SessionStore } from "./SessionStore.js"

/** What a pass did, in numbers of each kind. */
export interface Report {
  readonly grants: number
  readonly sessions: number
  readonly revokedTokens: number
  readonly events: number
  readonly clients: number
  readonly consents: number
  readonly resealed: number
  readonly keysRemoved: number
}

export class Upkeep extends Context.Tag("latchkey/Upkeep")<
  Upkeep,
  {
    /**
     * One pass over everything. `None` for an hour after the clock jumped forward: what looks past use may not be, until
     * somebody has seen to the clock (design §3).
     */
    readonly pass: Effect.Effect<Option.Option<Report>, TemporarilyUnavailable>
  }
>() {}

/** When passes are made; an app that gives its own can have upkeep on one node alone, or never. */
export class Pace extends Context.Tag("latchkey/Upkeep/Pace")<
  Pace,
  {
    /** From the start to the first pass. */
    readonly first: Duration.Duration
    /** From one pass to the next. */
    readonly every: Duration.Duration
  }
>() {}

export const layerPace = Layer.succeed(Pace, { first: Duration.minutes(1), every: Duration.minutes(15) })

/** As many rows as one statement deletes; requests are answered in between. */
const batch = 500

/**
 * So long an ended grant is kept, so that `latchkey grant show` still tells its story, and a page that was decided is not
 * decided again: no form lives as long. A replay needs no more: what is gone is refused as well.
 */
const ended = Duration.weeks(1)

/** So much longer what has an end of its own is kept, for nodes whose clocks are behind. */
const leeway = Duration.hours(1)

/** A difference between the clocks, from one pass to the next, that no adjustment makes. */
const jump = Duration.toMillis(Duration.minutes(5))

/** How long nothing is deleted after a jump. */
const caution = Duration.toMillis(Duration.hours(1))

/** Repeats a verb that does so many at most until it does fewer. */
const drained = (verb: (limit: number) => Effect.Effect<number, TemporarilyUnavailable>) =>
  Effect.gen(function* () {
    let total = 0
    while (true) {
      const count = yield* verb(batch)
      total += count
      if (count < batch) return total
      yield* Effect.yieldNow()
    }
  })

const count = (report: Report) =>
  Effect.forEach(Object.entries(report), ([kind, count]) => Metric.update(Metrics.upkeep, { kind, count }), {
    discard: true
  })

/** The time of a clock that is never set, in milliseconds since some moment. */
const steadyMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const make = Effect.gen(function* () {
  const clients = yield* ClientStore
  const consents = yield* ConsentStore
  const eventLog = yield* EventLog
  const grants = yield* GrantStore
  const keys = yield* KeyRotation
  const revokedTokens = yield* RevokedTokenStore
  const sessions = yield* SessionStore
  const { lifetimes } = yield* ServerSettings

  const aheadOfSteady = Effect.zipWith(Clock.currentTimeMillis, steadyMillis, (wall, steady) => wall - steady)
  let ahead = yield* aheadOfSteady
  let cautiousUntil = Number.NEGATIVE_INFINITY

  const isClockSane = Effect.gen(function* () {
    const before = ahead
    ahead = yield* aheadOfSteady
    const now = yield* steadyMillis
    if (ahead - before > jump) {
      cautiousUntil = now + caution
      yield* Effect.logWarning("the clock jumped forward: nothing is deleted for an hour")
    }
    return now >= cautiousUntil
  })

  const pass = Effect.gen(function* () {
    const now = yield* DateTime.now
    const before = (age: Duration.Duration) => DateTime.subtractDuration(now, age)
    return {
      grants: yield* drained((limit) => grants.prune(before(ended), limit)),
      sessions: yield* drained((limit) => sessions.prune(before(leeway), limit)),
      revokedTokens: yield* drained((limit) => revokedTokens.prune(before(leeway), limit)),
      events: yield* drained((limit) => eventLog.prune(before(lifetimes.events), limit)),
      clients: yield* drained((limit) => clients.removeUnused(before(lifetimes.unusedClient), limit)),
      consents: yield* drained(consents.prune),
      ...(yield* keys.advance)
    }
  })

  return Upkeep.of({
    pass: Effect.flatMap(isClockSane, (sane) =>
      sane ? Effect.asSome(Effect.tap(pass, count)) : Effect.succeedNone
    ).pipe(Effect.withSpan("Upkeep.pass"))
  })
})

/** Upkeep that is done when it is asked for. */
export const layer = Layer.effect(Upkeep, make)

const logReport = (report: Report) =>
  Object.values(report).some((count) => count > 0)
    ? Effect.annotateLogs(Effect.logInfo("upkeep"), { ...report })
    : Effect.void

/** Passes, one after the other, at their pace, for as long as the layer lives. One that fails is made again with the next. */
export const layerPasses = Layer.scopedDiscard(
  Effect.gen(function* () {
    const upkeep = yield* Upkeep
    const { every, first } = yield* Pace
    const pass = upkeep.pass.pipe(
      Effect.flatMap(Option.match({ onNone: () => Effect.void, onSome: logReport })),
      Effect.catchAllCause((cause) => Effect.logError("upkeep failed, and is tried again", cause))
    )
    yield* Effect.sleep(first).pipe(
      Effect.zipRight(Effect.forever(Effect.zipRight(pass, Effect.sleep(every)))),
      Effect.forkScoped
    )
  })
)
