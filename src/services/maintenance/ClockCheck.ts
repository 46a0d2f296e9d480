/**
 * Whether the clock may be believed (design §3, Time; ADR 25): by the greatest time that was seen, a server does not start
 * where it went back, and upkeep waits where it went far forward; by the clock that nodes share, a node is off or is not.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { TemporarilyUnavailable } from "../../domain/OAuthError.js"
import * as HighWaterMark from "../stores/HighWaterMark.js"
import { Storage } from "../stores/Storage.js"

/** The clock is before a time that was seen already: what has expired would live again. */
export class ClockWentBack extends Data.TaggedError("ClockWentBack")<{
  readonly now: DateTime.Utc
  readonly seenAt: DateTime.Utc
}> {
  override get message() {
    return `the clock says ${DateTime.formatIso(this.now)}, and on this database it was ${DateTime.formatIso(this.seenAt)} already: what has expired would live again`
  }
}

/** So far a clock may be before the mark: what adjusting it makes, or a node that is a little behind. */
const tolerance = Duration.minutes(5)

/**
 * A time so far after the mark that nobody saw pass may be a jump: at a start, where the mark of a server that ran until
 * then is a quarter of an hour old at most; and while a server runs.
 */
const leaps = { start: Duration.minutes(30), running: Duration.minutes(5) }

/** How long nothing is deleted after a jump. */
const caution = Duration.hours(1)

/** So far a node's clock may be from the one that the nodes share, in milliseconds. */
const difference = 2000

type Shared = Storage["Type"]["clock"]

/**
 * Whether the clock is too far from the one that the nodes share, and the time to note: of a node that
 * is ahead of the others the time that they share, lest none of them starts again.
 */
const compare = Effect.fnUntraced(function* (shared: Shared) {
  const before = yield* Clock.currentTimeMillis
  const there = yield* shared
  const after = yield* Clock.currentTimeMillis
  return {
    isOff: there < before - difference || there > after + difference,
    seen: DateTime.unsafeMake(Math.min(after, there))
  }
})

/** Whether the clock is too far from the one that the nodes share. */
export const isOff = (shared: Shared): Effect.Effect<boolean, TemporarilyUnavailable> =>
  Effect.map(compare(shared), ({ isOff }) => isOff)

const wentBack = ({ seenAt }: HighWaterMark.Mark, now: DateTime.Utc): Option.Option<ClockWentBack> =>
  DateTime.lessThan(DateTime.addDuration(now, tolerance), seenAt)
    ? Option.some(new ClockWentBack({ now, seenAt }))
    : Option.none()

/** What stands before a server's routes: notes the time, and fails where it is before what was seen. */
export const layerStart = Layer.effectDiscard(
  Effect.gen(function* () {
    const { clock } = yield* Storage
    const { seen } = yield* compare(clock)
    const mark = yield* (yield* HighWaterMark.HighWaterMark).note(seen, leaps.start)
    const error = wentBack(mark, yield* DateTime.now)
    if (Option.isSome(error)) return yield* error.value
  })
)

/** The time of a clock that is never set, in milliseconds since some moment. */
const steadyMillis = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/**
 * Notes the time again and again, for as long as a process lives, and says each time whether it may be believed: not for
 * an hour after a jump forward, by whichever process it was noted, not before a time that was seen, and not by a node that
 * is off.
 */
export const make = Effect.gen(function* () {
  const { clock } = yield* Storage
  const marks = yield* HighWaterMark.HighWaterMark

  let last = { steady: yield* steadyMillis, leap: leaps.start }

  /** Notes the time: what passed since the last note is no jump, nor what a clock may be set forward by beside. */
  const note = Effect.fnUntraced(function* (seen: DateTime.Utc) {
    const steady = yield* steadyMillis
    const mark = yield* marks.note(seen, Duration.sum(Duration.millis(steady - last.steady), last.leap))
    last = { steady, leap: leaps.running }
    return mark
  })

  const isSane = Effect.gen(function* () {
    const { isOff, seen } = yield* compare(clock)
    if (isOff) {
      yield* Effect.logWarning("the clock is not the database's: nothing is deleted")
      return false
    }
    const mark = yield* note(seen)
    const now = yield* DateTime.now
    const behind = wentBack(mark, now)
    if (Option.isSome(behind)) {
      yield* Effect.logWarning(`${behind.value.message}: nothing is deleted, and no server would start now`)
      return false
    }
    const until = Option.getOrUndefined(Option.map(mark.jumpedAt, DateTime.addDuration(caution)))
    if (until === undefined || DateTime.lessThanOrEqualTo(until, now)) return true
    yield* Effect.annotateLogs(Effect.logWarning("the clock jumped forward: nothing is deleted for an hour"), {
      until: DateTime.formatIso(until)
    })
    return false
  })

  return { isSane }
})
