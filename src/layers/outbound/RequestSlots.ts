/** Bounds the number of requests at one time: in all, and to one host. A request waits a short time for its turn. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { OutboundError } from "../../services/outbound/OutboundClient.js"

/** Maximum number of requests at one time. */
const maxRequests = 16

/** Maximum number of requests to one host at one time. */
const maxPerHost = 2

/** Maximum time that a request waits for its turn. */
const patience = Duration.seconds(1)

/** A request that waits. `isIn` says that it has its slot. */
interface Waiter {
  readonly host: string
  isIn: boolean
  begin: () => void
}

/** Returns a function that runs an effect in a slot of its host. */
export const make = () => {
  const running = new Map<string, number>()
  const waiters = new Set<Waiter>()
  let all = 0

  const enter = (waiter: Waiter): boolean => {
    const here = running.get(waiter.host) ?? 0
    if (all >= maxRequests || here >= maxPerHost) return false
    all++
    running.set(waiter.host, here + 1)
    waiters.delete(waiter)
    waiter.isIn = true
    return true
  }

  const leave = ({ host }: Waiter): void => {
    const here = running.get(host) ?? 0
    all--
    if (here <= 1) running.delete(host)
    else running.set(host, here - 1)
    for (const waiter of waiters) if (enter(waiter)) waiter.begin()
  }

  /** Waits until the request has its slot. */
  const turn = (waiter: Waiter): Effect.Effect<void> =>
    Effect.async((resume) => {
      waiter.begin = () => resume(Effect.void)
      if (enter(waiter)) waiter.begin()
      else waiters.add(waiter)
      return Effect.sync(() => waiters.delete(waiter))
    })

  return <A, E>(host: string, self: Effect.Effect<A, E>): Effect.Effect<A, E | OutboundError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const waiter: Waiter = { host, isIn: false, begin: () => {} }
        const waited = yield* Effect.exit(restore(Effect.timeoutOption(turn(waiter), patience)))
        // A slot may have been given in the same moment in which the wait ended. Then it is used, or given back.
        if (waiter.isIn) {
          return yield* Effect.ensuring(
            restore(self),
            Effect.sync(() => leave(waiter))
          )
        }
        if (Exit.isInterrupted(waited)) return yield* Effect.interrupt
        return yield* new OutboundError({ reason: "Busy", detail: `${host}: too many requests at one time` })
      })
    )
}
