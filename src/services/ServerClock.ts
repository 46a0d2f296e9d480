/**
 * The server's clock: the clock of the process, but it never goes back while the process runs, so an expired token stays
 * expired (design §3, Time). When the clock of the process is set back, the server's time continues at half speed until the
 * clock of the process has caught up: tokens still expire, and a small correction is soon over.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class ServerClock extends Context.Tag("latchkey/ServerClock")<ServerClock, Clock.Clock>() {}

/** Returns a clock that follows the given one but never goes back. */
export const forward = (clock: Clock.Clock): Clock.Clock => {
  const steadyMillis = () => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)
  let latest = { wall: clock.unsafeCurrentTimeMillis(), steady: steadyMillis() }
  const read = () => {
    const steady = steadyMillis()
    const elapsed = Math.max(0, steady - latest.steady)
    latest = { wall: Math.max(clock.unsafeCurrentTimeMillis(), latest.wall + elapsed / 2), steady }
    return Math.floor(latest.wall)
  }
  // All other members stay, because a test adjusts its clock from within a request.
  const rest: Clock.Clock = Object.create(clock)
  return Object.assign(rest, { unsafeCurrentTimeMillis: read, currentTimeMillis: Effect.sync(read) })
}

/** Returns the time of the fiber's clock. As `DateTime.now`, in half the steps. */
export const now: Effect.Effect<DateTime.Utc> = Effect.clockWith((clock) =>
  Effect.succeed(DateTime.unsafeMake(clock.unsafeCurrentTimeMillis()))
)

/** Uses the clock that is provided when the server is built: the system's, or a test's. */
export const layer: Layer.Layer<ServerClock> = Layer.effect(ServerClock, Effect.map(Effect.clock, forward))
