/**
 * Merges the write-ahead log into the database file on a thread of its own, so that the requests and the commits do not wait for
 * it (https://www.sqlite.org/wal.html#checkpointing). A passive checkpoint writes the pages while the writer goes on. A second
 * one restarts the log: it takes the write lock for the few pages that were committed meanwhile, and the writer waits as for
 * another process. Without it, the log would grow for as long as there are writes.
 *
 * The thread looks at the size of the log after a number of writes. The first look starts the thread, so a server with few writes
 * has none. A merge that fails loses nothing: the next look starts another thread, and at a larger size of the log a commit
 * merges it (`SqliteFile.openWriter`).
 */
import { createRequire } from "node:module"
import { Worker } from "node:worker_threads"
import type Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"

export interface CheckpointThread {
  /** Counts committed writes, and starts a look at the log when there are enough. */
  readonly committed: (writes: number) => void
  /** Ends the thread after its merge. No later write starts another one. */
  readonly close: Effect.Effect<void>
}

/** Number of pages, of 4 KiB each, in the log when it is merged. */
export const mergedPages = 2000

/** Number of writes after which the thread looks at the size of the log. A write adds one to ten pages. */
const lookEvery = 250

/** Maximum time in milliseconds that a merge waits for the write lock, and for readers while it has the lock. */
const patience = 100

/** The program of the thread. It is started as a source text and can use nothing from outside. */
const program = (driver: string, path: string, timeout: number, pages: number) => {
  const { parentPort } = process.getBuiltinModule("node:worker_threads")
  const Database: typeof Sqlite = process.getBuiltinModule("node:module").createRequire(driver)(driver)
  const db = new Database(path, { fileMustExist: true, timeout })
  db.pragma("synchronous = FULL")
  if (process.platform === "darwin") db.pragma("fullfsync = ON")
  const checkpoint = (mode: "NOOP" | "PASSIVE" | "RESTART") => {
    const row = db.prepare<[], { log: number; checkpointed: number }>(`PRAGMA wal_checkpoint(${mode})`).get()
    // -1 while another process merges.
    return row ?? { log: -1, checkpointed: -1 }
  }
  const look = () => {
    if (checkpoint("NOOP").log < pages) return
    const { checkpointed, log } = checkpoint("PASSIVE")
    // While a reader needs old pages, a restart would wait for it with the write lock.
    if (log > 0 && checkpointed === log) checkpoint("RESTART")
  }
  parentPort?.on("message", (message: "Look" | "Close") => {
    if (message === "Look") {
      look()
      parentPort.postMessage("Looked")
    } else {
      db.close()
      parentPort.close()
    }
  })
}

/** Makes the thread of a database file. */
export const make = (path: string): CheckpointThread => {
  let worker: Worker | undefined
  let isLooking = false
  let closed = false
  let writes = 0

  const start = () => {
    const driver = createRequire(import.meta.url).resolve("better-sqlite3")
    const values = [driver, path, patience, mergedPages].map((value) => JSON.stringify(value))
    const started = new Worker(`(${program})(${values.join(", ")})`, {
      eval: true,
      execArgv: [],
      name: "checkpoint",
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 }
    })
    const onLooked = () => {
      isLooking = false
    }
    started.on("message", onLooked).on("error", () => {})
    started.on("exit", () => {
      worker = undefined
      onLooked()
    })
    started.unref()
    return started
  }

  return {
    committed: (count) => {
      writes += count
      if (writes < lookEvery || isLooking || closed) return
      writes = 0
      isLooking = true
      try {
        worker ??= start()
        worker.postMessage("Look")
      } catch {
        isLooking = false
      }
    },
    close: Effect.async<void>((resume) => {
      closed = true
      if (worker === undefined) return resume(Effect.void)
      worker.once("exit", () => resume(Effect.void))
      worker.ref()
      worker.postMessage("Close")
    })
  }
}
