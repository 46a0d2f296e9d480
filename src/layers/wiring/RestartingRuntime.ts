/**
 * A runtime that the first request starts. If the start fails, for example because the database does not answer yet, the next
 * request starts it again. A `ManagedRuntime` alone would keep the failure for the life of the process.
 */
import type * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"

export interface RestartingRuntime<R, E> {
  /** Returns the started runtime. Concurrent requests wait for one start. Rejects if the start fails. */
  readonly started: () => Promise<ManagedRuntime.ManagedRuntime<R, E>>
  /** Closes the services. They are not started again. */
  readonly dispose: () => Promise<void>
}

/** Runs asynchronous work once for all callers. After a failure the next caller runs it again. */
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

/** Makes a runtime with the services of a layer. */
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
        // Closes the services that were built before the failure.
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
