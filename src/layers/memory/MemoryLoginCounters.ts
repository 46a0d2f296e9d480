/** Counters of failed logins in memory. */
import type * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { type Counter, type LoginCounters, none } from "../../services/LoginCounters.js"
import type * as Rows from "./Rows.js"

export const make = ({ loginCounters }: Rows.Rows): Context.Tag.Service<LoginCounters> => {
  const find = (bucket: number): Counter => loginCounters.get(bucket) ?? none

  return {
    find: (bucket) => Effect.sync(() => find(bucket)),
    fail: (bucket, now, forgottenBefore) =>
      Effect.sync(() => {
        const { failures, lastFailureAt } = find(bucket)
        const remembered = DateTime.lessThan(lastFailureAt, forgottenBefore) ? 0 : failures
        const counter = { failures: remembered + 1, lastFailureAt: now }
        loginCounters.set(bucket, counter)
        return counter
      }),
    release: (bucket) =>
      Effect.sync(() => {
        const counter = find(bucket)
        if (counter.failures > 0) loginCounters.set(bucket, { ...counter, failures: counter.failures - 1 })
      }),
    reset: (bucket) => Effect.sync(() => void loginCounters.delete(bucket))
  }
}
