/** Counters of failed logins in memory. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FailureCounter from "../../domain/FailureCounter.js"
import { Counting, type LoginCounters } from "../../services/stores/LoginCounters.js"
import type * as Rows from "./Rows.js"

export const make = ({ loginCounters }: Rows.Rows): Context.Tag.Service<LoginCounters> => {
  const find = (bucket: number) => loginCounters.get(bucket) ?? FailureCounter.none

  return {
    find: (bucket) => Effect.sync(() => find(bucket)),
    count: (bucket, rule, { epochMillis: now }) =>
      Effect.sync(() => {
        const before = find(bucket)
        if (before.pausedUntil > now) return Counting.Paused({ until: before.pausedUntil })
        const counter = FailureCounter.count(before, rule, now)
        loginCounters.set(bucket, counter)
        return Counting.Counted({ counter })
      }),
    release: (bucket, rule, counted) =>
      Effect.sync(() => {
        const counter = find(bucket)
        if (counter.generation !== counted.generation) return
        loginCounters.set(bucket, {
          ...counter,
          forgottenAt: counter.forgottenAt - rule.forgetsEvery,
          pausedUntil: counter.pausedUntil === counted.pausedUntil ? 0 : counter.pausedUntil
        })
      }),
    paused: (first, last, { epochMillis: now }) =>
      Effect.sync(() => {
        const paused = new Map<number, number>()
        for (const [bucket, { pausedUntil }] of loginCounters) {
          if (bucket >= first && bucket <= last && pausedUntil > now) paused.set(bucket, pausedUntil)
        }
        return paused
      }),
    clear: (bucket) =>
      Effect.sync(
        () => void loginCounters.set(bucket, { ...FailureCounter.none, generation: find(bucket).generation + 1 })
      )
  }
}
