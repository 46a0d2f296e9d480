/** The worker's side: a process that the primary has started, and that answers requests. */
import cluster from "node:cluster"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Failure } from "../terminal/Failure.js"
import type { Assignment, Counted, FromPrimary, FromWorker } from "./Messages.js"
import type { Connection } from "./SharedRateLimiter.js"

/** Whether this process is a worker. */
export const isWorker = (): boolean => cluster.isWorker

/** A worker that knows its part. */
export interface Worker {
  readonly number: number
  readonly firstAccountToken: Redacted.Redacted
  /** Counts requests in the primary. */
  readonly counting: Connection
  /** Reports that this process answers requests. The text is for the operator. */
  readonly ready: (welcome: string) => Effect.Effect<void>
}

/** Sends a message, and calls `done` when it is written. A primary that has ended gets none: then Node ends this process. */
const post = (message: FromWorker, done: () => void): void => {
  if (process.connected && process.send !== undefined) process.send(message, undefined, undefined, done)
  else done()
}

/** Sends a message, and waits until it is written. */
const send = (message: FromWorker): Effect.Effect<void> =>
  Effect.async((resume) => post(message, () => resume(Effect.void)))

/** Reports the error that ends this process. The primary prints it, once for all workers. */
export const fail = ({ exitCode, message }: Failure): Effect.Effect<void> => send({ _tag: "Failed", message, exitCode })

/**
 * Runs a server until the primary stops it. The signals of the operator reach the primary, and a terminal also sends them
 * to the workers; so the primary stops its workers by a message, which adds to no count of signals.
 */
export const run = <E, R>(serve: (worker: Worker) => Effect.Effect<void, E, R>): Effect.Effect<void, E, R> =>
  Effect.gen(function* () {
    const assigned = yield* Deferred.make<Assignment>()
    const stopped = yield* Deferred.make<void>()
    let receive: (counted: ReadonlyArray<Counted>) => void = () => {}
    process.on("message", (message: FromPrimary) => {
      if (message._tag === "Assigned") Deferred.unsafeDone(assigned, Effect.succeed(message.assignment))
      if (message._tag === "Counted") receive(message.counted)
      if (message._tag === "Stop") Deferred.unsafeDone(stopped, Effect.void)
    })
    const counting: Connection = {
      send: (counts) => post({ _tag: "Count", counts }, () => {}),
      onCounted: (next) => {
        receive = next
      }
    }
    const serving = Effect.flatMap(Deferred.await(assigned), ({ firstAccountToken, number }) =>
      serve({
        number,
        firstAccountToken: Redacted.make(firstAccountToken),
        counting,
        ready: (welcome) => send({ _tag: "Ready", welcome })
      }).pipe(Effect.annotateLogs({ worker: number }))
    )
    yield* send({ _tag: "Hello" })
    yield* Effect.raceFirst(serving, Deferred.await(stopped))
    // The connection to the primary would keep this process alive.
    process.disconnect()
  })
