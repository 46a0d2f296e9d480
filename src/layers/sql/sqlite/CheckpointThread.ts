/**
 * Merges the write-ahead log into the database file on a thread of its own, so that the requests and the commits do not wait for
 * it (https://www.sqlite.org/wal.html#checkpointing). A passive checkpoint writes the pages while the writer goes on. A second
 * one restarts the log: it takes the write lock for the few pages that were committed meanwhile, and the writer waits as for
 * another process. Without it, the log would grow for as long as there are writes.
 *
 * The first merge starts the thread, so a server with few writes has none. A merge that fails loses nothing: the next one starts
 * another thread, and at a larger size of the log a commit merges it (`SqliteFile.openWriter`).
 */
import { createRequire } from "node:module"
import { Worker } from "node:worker_threads"
import type Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"

export interface CheckpointThread {
  /** Counts committed writes, and starts a merge when they have filled the log. */
  readonly committed: (writes: number) => void
  /** Ends the thread after its merge. No later write starts another one. */
  readonly close: Effect.Effect<void>
}

/** Number of pages, of 4 KiB each, in the log when it is merged. */
export const mergedPages = 2000

/** Number of writes before the first merge. Later merges use the number of pages that a write has added to the log. */
const firstWrites = mergedPages / 4

/** Limits of that number: a write adds 0.2 to 10 pages, if no other process writes or merges, and no reader delays the restart. */
const [minWrites, maxWrites] = [mergedPages / 10, 5 * mergedPages]

/** Maximum time in milliseconds that a merge waits for the write lock, and for readers while it has the lock. */
const patience = 100

/** Asks for a merge, after a number of writes since the last one. */
interface Merge {
  readonly writes: number
}

/** The answer: the number of pages in the log when the merge began. */
interface Merged extends Merge {
  readonly log: number
}

/** The program of the thread. It is started as a source text and can use nothing from outside. */
const program = (driver: string, path: string, timeout: number) => {
  const { parentPort } = process.getBuiltinModule("node:worker_threads")
  const Database: typeof Sqlite = process.getBuiltinModule("node:module").createRequire(driver)(driver)
  const db = new Database(path, { fileMustExist: true, timeout })
  db.pragma("synchronous = FULL")
  if (process.platform === "darwin") db.pragma("fullfsync = ON")
  const checkpoint = (mode: string) =>
    db.prepare<[], { busy: 0 | 1; log: number; checkpointed: number }>(`PRAGMA wal_checkpoint(${mode})`).get()
  parentPort?.on("message", (message: Merge | "Close") => {
    if (message === "Close") {
      db.close()
      parentPort.close()
      return
    }
    const merged = checkpoint("PASSIVE")
    // It is busy while another process merges. While a reader needs old pages, a restart would wait for it with the write lock.
    if (merged?.busy === 0 && merged.checkpointed === merged.log) checkpoint("RESTART")
    parentPort.postMessage({ ...message, log: merged?.log })
  })
}

/** Makes the thread of a database file. */
export const make = (path: string): CheckpointThread => {
  let worker: Worker | undefined
  let isMerging = false
  let closed = false
  /** Number of writes since the last merge: a restarted log has the pages of these writes. */
  let writes = 0
  let writesToMerge = firstWrites

  const start = () => {
    const driver = createRequire(import.meta.url).resolve("better-sqlite3")
    const source = `(${program})(${JSON.stringify(driver)}, ${JSON.stringify(path)}, ${patience})`
    const started = new Worker(source, {
      eval: true,
      execArgv: [],
      name: "checkpoint",
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 }
    })
    started.on("message", ({ log, writes }: Merged) => {
      // -1 if another process was merging.
      if (log > 0) writesToMerge = Math.max(minWrites, Math.min((writes * mergedPages) / log, maxWrites))
      end()
    })
    started.on("error", () => {})
    started.on("exit", () => {
      worker = undefined
      end()
    })
    started.unref()
    return started
  }

  const end = () => {
    isMerging = false
    writes = 0
  }

  return {
    committed: (count) => {
      writes += count
      if (writes < writesToMerge || isMerging || closed) return
      isMerging = true
      try {
        worker ??= start()
        worker.postMessage({ writes })
      } catch {
        end()
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
