/**
 * Checks the clock (design §3, Time; ADR 25). The database stores the latest time that was seen: a server does not start
 * when its clock is behind that time, and maintenance waits when the clock jumped far ahead of it. The nodes also compare
 * their clocks with the one that they share.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as HighWaterMark from "../stores/HighWaterMark.js"
import { Storage } from "../stores/Storage.js"

/** The clock is behind a time that was seen already, so tokens that expired would become valid again. */
export class ClockWentBack extends Data.TaggedError("ClockWentBack")<{
  readonly now: DateTime.Utc
  readonly seenAt: DateTime.Utc
}> {
  override get message() {
    return `the system clock (${DateTime.formatIso(this.now)}) is behind the latest time stored in this database (${DateTime.formatIso(this.seenAt)}): expired tokens would become valid`
  }
}

/** Maximum time that a clock may be behind the mark: a corrected clock, or a slow node, is behind by less. */
const tolerance = Duration.minutes(5)

/**
 * Times by which the clock may be ahead of the mark before it counts as a jump. At a start, the mark of a server that ran
 * until then is at most a quarter of an hour old. In a running server, the time that passed since the last note is added.
 */
const leaps = { start: Duration.minutes(30), running: Duration.minutes(5) }

/** Time after a jump in which nothing is deleted. */
const caution = Duration.hours(1)

/** Maximum difference between a node's clock and the shared clock, in milliseconds. */
const maxDifference = 2000

/**
 * Compares the clock with the shared one. Returns whether they differ too much, and the time to note: a node that is ahead
 * notes the shared time, because with its own time in the database no other node could start.
 */
const compare = Effect.fnUntraced(function* (sharedClock: Storage["Type"]["clock"]) {
  const before = yield* Clock.currentTimeMillis
  const shared = yield* sharedClock
  const after = yield* Clock.currentTimeMillis
  return {
    isOff: shared < before - maxDifference || shared > after + maxDifference,
    seen: DateTime.unsafeMake(Math.min(after, shared))
  }
})

/** Returns whether the clock differs too much from the shared one. */
export const isOff = (sharedClock: Storage["Type"]["clock"]): Effect.Effect<boolean, TemporarilyUnavailable> =>
  Effect.map(compare(sharedClock), ({ isOff }) => isOff)

const wentBack = ({ seenAt }: HighWaterMark.Mark, now: DateTime.Utc): Option.Option<ClockWentBack> =>
  DateTime.lessThan(DateTime.addDuration(now, tolerance), seenAt)
    ? Option.some(new ClockWentBack({ now, seenAt }))
    : Option.none()

/** Runs before the routes are mounted: notes the time, and fails if the clock is behind the latest time that was seen. */
export const layerStart = Layer.effectDiscard(
  Effect.gen(function* () {
    const { clock } = yield* Storage
    const { seen } = yield* compare(clock)
    const mark = yield* (yield* HighWaterMark.HighWaterMark).note(seen, leaps.start)
    const error = wentBack(mark, yield* DateTime.now)
    if (Option.isSome(error)) return yield* error.value
  })
)

export class ClockCheck extends Context.Tag("latchkey/ClockCheck")<
  ClockCheck,
  {
    /**
     * Notes the time, and returns whether rows may be deleted by it. They may not: in the hour after a jump forward,
     * whichever process noted the jump; while the clock is behind a time that was seen; and on a node whose clock is off.
     */
    readonly isTrusted: Effect.Effect<boolean, TemporarilyUnavailable>
  }
>() {}

/** The time of a clock that is never set, in milliseconds since an arbitrary moment. */
const steadyMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

const make = Effect.gen(function* () {
  const { clock } = yield* Storage
  const marks = yield* HighWaterMark.HighWaterMark

  let last = { steady: yield* steadyMillis, leap: leaps.start }

  /** Notes the time. The time that passed since the last note is no jump, and neither is a small correction of the clock. */
  const note = Effect.fnUntraced(function* (seen: DateTime.Utc) {
    const steady = yield* steadyMillis
    const mark = yield* marks.note(seen, Duration.sum(Duration.millis(steady - last.steady), last.leap))
    last = { steady, leap: leaps.running }
    return mark
  })

  return ClockCheck.of({
    isTrusted: Effect.gen(function* () {
      const { isOff, seen } = yield* compare(clock)
      if (isOff) {
        yield* Effect.logWarning("system clock differs from the database clock, nothing is deleted")
        return false
      }
      const mark = yield* note(seen)
      const now = yield* DateTime.now
      if (Option.isSome(wentBack(mark, now))) {
        yield* Effect.annotateLogs(
          Effect.logWarning(
            "system clock is behind the latest time stored in the database, nothing is deleted and a restart would fail"
          ),
          { now: DateTime.formatIso(now), seenAt: DateTime.formatIso(mark.seenAt) }
        )
        return false
      }
      const until = Option.getOrUndefined(Option.map(mark.jumpedAt, DateTime.addDuration(caution)))
      if (until === undefined || DateTime.lessThanOrEqualTo(until, now)) return true
      yield* Effect.annotateLogs(Effect.logWarning("system clock jumped forward, nothing is deleted for an hour"), {
        until: DateTime.formatIso(until)
      })
      return false
    })
  })
})

export const layer = Layer.effect(ClockCheck, make)
