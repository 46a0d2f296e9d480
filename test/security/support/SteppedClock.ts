/** The system clock, which a check can move forward or stop. Then time passes only by `advance`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export interface SteppedClock {
  readonly clock: Clock.Clock
  /** Moves the time forward by a number of milliseconds. Sleeping fibers are not woken. */
  readonly advance: (millis: number) => void
}

export const make = (isStopped: boolean): SteppedClock => {
  const system = Clock.make()
  const begun = system.unsafeCurrentTimeMillis()
  let offset = 0
  const millis = () => (isStopped ? begun : system.unsafeCurrentTimeMillis()) + offset
  const nanos = () => BigInt(millis()) * 1_000_000n
  return {
    clock: {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      currentTimeMillis: Effect.sync(millis),
      unsafeCurrentTimeNanos: nanos,
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) => system.sleep(duration)
    },
    advance: (millis) => {
      offset += millis
    }
  }
}
