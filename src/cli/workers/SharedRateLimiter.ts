/**
 * Counts the requests of all workers together, in the memory of the primary. A worker sends the requests of one turn of its
 * event loop in one message. If no answer comes within a second, the limit decides (`whenUnavailable`).
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { QuotaRequest } from "../../domain/RateLimit.js"
import { type Counter, decide, RateLimiter, within } from "../../services/RateLimiter.js"
import type { Count, Counted, Quota } from "./Messages.js"

/** The connection of a worker to its primary. */
export interface Connection {
  readonly send: (counts: ReadonlyArray<Count>) => void
  /** Sets the function that receives the answers. */
  readonly onCounted: (receive: (counted: ReadonlyArray<Counted>) => void) => void
}

const toQuota = ({ key, limit: { name, quota, window } }: QuotaRequest): Quota => [
  name,
  key,
  quota,
  Duration.toMillis(window)
]

/** Makes the limiter of a worker. */
export const layer = ({ onCounted, send }: Connection): Layer.Layer<RateLimiter> =>
  Layer.sync(RateLimiter, () => {
    const asking = new Map<number, (owed: ReadonlyArray<number>) => void>()
    let waiting: Array<Count> = []
    let lastId = 0

    onCounted((counted) => {
      for (const { id, owed } of counted) asking.get(id)?.(owed)
    })
    const flush = () => {
      const counts = waiting
      waiting = []
      send(counts)
    }
    const ask = (quotas: ReadonlyArray<Quota>, now: number) =>
      Effect.async<ReadonlyArray<number>>((resume) => {
        const id = ++lastId
        asking.set(id, (owed) => {
          asking.delete(id)
          resume(Effect.succeed(owed))
        })
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ id, now, quotas })
        return Effect.sync(() => asking.delete(id))
      })

    return RateLimiter.of({
      consume: (asked) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => ask(asked.map(toQuota), now)).pipe(
          Effect.map((owed) => decide(asked, owed)),
          within
        )
    })
  })

/** Counts the requests of a message in the primary. */
export const answer = (count: Counter, counts: ReadonlyArray<Count>): ReadonlyArray<Counted> =>
  counts.map(({ id, now, quotas }) => ({
    id,
    owed: count(
      quotas.map(([name, key, quota, window]) => ({ key, limit: { name, quota, window: Duration.millis(window) } })),
      now
    )
  }))
