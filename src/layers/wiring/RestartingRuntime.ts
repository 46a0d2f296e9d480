/**
 * A runtime that the first request starts. When the start fails, for a database that does not answer yet, the next request
 * starts it again; a `ManagedRuntime` alone would remember the failure for as long as the process lives.
 */
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"

export interface RestartingRuntime<R, E> {
  /** The runtime, once it has started. Requests that come meanwhile wait for the same start; rejects when that fails. */
  readonly started: () => Promise<ManagedRuntime.ManagedRuntime<R, E>>
  /** Closes what was opened. Nothing is started after that. */
  readonly dispose: () => Promise<void>
}

/** Does asynchronous work once for all callers; work that fails is done again for the next caller. */
export const onceDone = <A>(work: () => Promise<A>): (() => Promise<A>) => {
  let done: Promise<A> | undefined
  return () => {
    if (done !== undefined) return done
    const doing = work()
    done = doing
    doing.catch(() => {
      done = undefined
    })
    return doing
  }
}

/** A runtime with the services of a layer. */
export const make = <R, E>(layer: Layer.Layer<R, E>): RestartingRuntime<R, E> => {
  let current = ManagedRuntime.make(layer)
  let isDisposed = false
  return {
    started: onceDone(async () => {
      const runtime = current
      try {
        await runtime.runtime()
        return runtime
      } catch (cause) {
        if (!isDisposed) current = ManagedRuntime.make(layer)
        // Closes what was opened before the failure.
        await runtime.dispose()
        throw cause
      }
    }),
    dispose: () => {
      isDisposed = true
      return current.dispose()
    }
  }
}
