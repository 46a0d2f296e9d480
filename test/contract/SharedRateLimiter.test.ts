import * as Layer from "effect/Layer"
import type { Count, Counted } from "../../src/cli/workers/Messages.js"
import * as SharedRateLimiter from "../../src/cli/workers/SharedRateLimiter.js"
import { makeCounter } from "../../src/services/RateLimiter.js"
import { nodes, rateLimiterContract } from "../../src/testing/contracts/rateLimiterContract.js"

const overJson = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A

/** Two workers and the counter of their primary. Messages are JSON, and are received in a later turn of the event loop. */
const workers = Layer.suspend(() => {
  const counter = makeCounter()
  const worker = Layer.suspend(() => {
    let receive: (counted: ReadonlyArray<Counted>) => void = () => {}
    return SharedRateLimiter.layer({
      send: (counts: ReadonlyArray<Count>) =>
        setImmediate(() => receive(overJson(SharedRateLimiter.answer(counter, overJson(counts))))),
      onCounted: (next) => {
        receive = next
      }
    })
  })
  return nodes(2, worker)
})

rateLimiterContract("by two workers in their primary", workers)
