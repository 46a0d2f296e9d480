/**
 * The server's clock: the process's, but it never goes back while the process runs, so what has expired stays expired
 * (design §3, Time). Where the process's clock is set back, time goes on from where it was, half as fast as a clock that is
 * never set, until the process's is there again: so what is to expire does, and a small correction is soon over.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class ServerClock extends Context.Tag("latchkey/ServerClock")<ServerClock, Clock.Clock>() {}

/** The same clock, made to go forward only. */
export const forward = (clock: Clock.Clock): Clock.Clock => {
  const steadyMillis = () => Number(clock.unsafeCurrentTimeNanos() / 1_000_000n)
  let latest = { wall: clock.unsafeCurrentTimeMillis(), steady: steadyMillis() }
  const read = () => {
    const steady = steadyMillis()
    const elapsed = Math.max(0, steady - latest.steady)
    latest = { wall: Math.max(clock.unsafeCurrentTimeMillis(), latest.wall + elapsed / 2), steady }
    return Math.floor(latest.wall)
  }
  // Whatever else the clock can, it still can: a test's is adjusted from within a request, too.
  const rest: Clock.Clock = Object.create(clock)
  return Object.assign(rest, { unsafeCurrentTimeMillis: read, currentTimeMillis: Effect.sync(read) })
}

/** The clock that is there when the server is made: the system's, or a test's. */
export const layer: Layer.Layer<ServerClock> = Layer.effect(ServerClock, Effect.map(Effect.clock, forward))
