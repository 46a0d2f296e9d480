/** Bounds the number of requests at one time: in all, and to one host. A request waits a short time for its turn. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { OutboundError } from "../../services/outbound/OutboundClient.js"

/** Maximum number of requests at one time. */
const maxRequests = 16

/** Maximum number of requests to one host at one time. */
const maxPerHost = 2

/** Interval between two attempts to begin. */
const step = Duration.millis(50)

/** Maximum number of attempts to begin: one second in all. */
const maxAttempts = 20

/** Returns a function that runs an effect in a slot of its host. */
export const make = () => {
  const running = new Map<string, number>()
  let all = 0

  const enter = (host: string): boolean => {
    const here = running.get(host) ?? 0
    if (all >= maxRequests || here >= maxPerHost) return false
    all++
    running.set(host, here + 1)
    return true
  }

  const leave = (host: string): void => {
    const here = running.get(host) ?? 0
    all--
    if (here <= 1) running.delete(host)
    else running.set(host, here - 1)
  }

  return <A, E>(host: string, self: Effect.Effect<A, E>): Effect.Effect<A, E | OutboundError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        for (let attempt = 1; !enter(host); attempt++) {
          if (attempt > maxAttempts) {
            return yield* new OutboundError({ reason: "Busy", detail: `${host}: too many requests at one time` })
          }
          yield* restore(Effect.sleep(step))
        }
        return yield* Effect.ensuring(
          restore(self),
          Effect.sync(() => leave(host))
        )
      })
    )
}
