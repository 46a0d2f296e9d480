/** A clock that stands still until a check moves it, so that an expiry is tested to the millisecond over real sockets. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface ManualClock {
  /** One of the `seams` of a target: its server and what `target.run` runs read this clock. */
  readonly layer: Layer.Layer<never>
  /** Moves the time forward. */
  readonly advance: (by: Duration.DurationInput) => void
}

/** A clock that begins at the current time. Timers still wait in real time. */
export const make = (): ManualClock => {
  let now = Date.now()
  const nanos = () => BigInt(now) * 1_000_000n
  const clock: Clock.Clock = Object.assign(Object.create(Clock.make()), {
    unsafeCurrentTimeMillis: () => now,
    unsafeCurrentTimeNanos: nanos,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanos: Effect.sync(nanos)
  })
  return {
    layer: Layer.setClock(clock),
    advance: (by) => {
      now += Duration.toMillis(by)
    }
  }
}
