/** The primary's side of one worker process. */
import cluster from "node:cluster"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Counter } from "../../services/RateLimiter.js"
import { Failure, impossible } from "../terminal/Failure.js"
import type { Assignment, FromPrimary, FromWorker } from "./Messages.js"
import * as SharedRateLimiter from "./SharedRateLimiter.js"

/** How a worker ended: its exit code, or the signal that ended it. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

export interface WorkerProcess {
  readonly number: number
  readonly pid: number | undefined
  /** Waits until the worker answers requests, and returns its text for the operator. Fails if the worker ends before. */
  readonly ready: Effect.Effect<string, Failure>
  readonly ended: Effect.Effect<Ended>
  /** Asks the worker to complete its requests and end. */
  readonly stop: Effect.Effect<void>
}

const describe = ({ code, signal }: Ended): string => (signal === null ? `exit code ${code}` : signal)

/** Starts a worker, and counts its requests. */
export const start = (assignment: Assignment, count: Counter): Effect.Effect<WorkerProcess> =>
  Effect.gen(function* () {
    const { number } = assignment
    const ready = yield* Deferred.make<string, Failure>()
    const ended = yield* Deferred.make<Ended>()
    const worker = cluster.fork()
    let isListening = false
    let isStopping = false
    const send = (message: FromPrimary) => {
      // The callback receives the error of a worker that has just ended.
      if (worker.isConnected()) worker.send(message, () => {})
    }
    worker.on("message", (message: FromWorker) => {
      if (message._tag === "Hello") {
        isListening = true
        send(isStopping ? { _tag: "Stop" } : { _tag: "Assigned", assignment })
      }
      if (message._tag === "Ready") Deferred.unsafeDone(ready, Effect.succeed(message.welcome))
      if (message._tag === "Failed") Deferred.unsafeDone(ready, Effect.fail(new Failure(message)))
      if (message._tag === "Count") {
        send({ _tag: "Counted", counted: SharedRateLimiter.answer(count, message.counts) })
      }
    })

    const end = (how: Ended) => {
      const why = impossible(`worker ${number} ended before it answered requests (${describe(how)})`)
      Deferred.unsafeDone(ready, Effect.fail(why))
      Deferred.unsafeDone(ended, Effect.succeed(how))
    }
    // The last message of a process can arrive after its end.
    worker.once("exit", (code, signal) => {
      if (worker.isConnected()) worker.once("disconnect", () => end({ code, signal }))
      else end({ code, signal })
    })
    worker.on("error", (error: NodeJS.ErrnoException) => {
      if (worker.process.pid === undefined) end({ code: null, signal: error.code ?? "not started" })
    })
    return {
      number,
      pid: worker.process.pid,
      ready: Deferred.await(ready),
      ended: Deferred.await(ended),
      stop: Effect.sync(() => {
        isStopping = true
        // A message that comes before the worker listens is lost.
        if (isListening) send({ _tag: "Stop" })
      })
    }
  })
