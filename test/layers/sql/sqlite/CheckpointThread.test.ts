/** SQLite tells the size of a log and what is merged of it (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint). */
import * as Fs from "node:fs"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import { describe } from "vitest"
import * as CheckpointThread from "../../../../src/layers/sql/sqlite/CheckpointThread.js"
import { temporaryFile } from "../../temporaryFile.js"

/** A file whose writer never merges the log, and the thread of the file. */
const merging = Effect.gen(function* () {
  const path = yield* temporaryFile
  const writer = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const db = new Sqlite(path)
      db.pragma("journal_mode = WAL")
      db.pragma("wal_autocheckpoint = 0")
      db.exec("create table pages (id integer primary key, content blob)")
      return db
    }),
    (db) => Effect.sync(() => db.close())
  )
  const thread = yield* Effect.acquireRelease(
    Effect.sync(() => CheckpointThread.make(path)),
    ({ close }) => close
  )
  const insert = writer.prepare("insert into pages (content) values (zeroblob(4000))")
  return {
    path,
    thread,
    /** Commits writes, each of which adds three pages to the log, and tells the thread. */
    write: (count: number) =>
      Effect.sync(() => {
        for (let i = 0; i < count; i++) {
          insert.run()
          thread.committed(1)
        }
      }),
    /** Number of pages in the log after one more write: a restart makes the next write begin at its start. */
    log: () => {
      insert.run()
      return (writer.pragma("wal_checkpoint(NOOP)") as [{ readonly log: number }])[0].log
    }
  }
})

describe("the thread that merges the log", () => {
  it.scopedLive("the log restarts while there are writes", () =>
    Effect.gen(function* () {
      const { log, write } = yield* merging
      let largest = 0
      for (let i = 0; i < 200; i++) {
        yield* write(64)
        largest = Math.max(largest, log())
        yield* Effect.sleep("2 millis")
      }
      expect(largest).toBeLessThan((200 * 64 * 3) / 2)
    })
  )

  it.scopedLive("a short log is not merged", () =>
    Effect.gen(function* () {
      const { log, thread, write } = yield* merging
      yield* write(400)
      yield* thread.close
      expect(log()).toBeGreaterThan(1000)
    })
  )

  it.scopedLive("a reader of an old state delays the restart, and no write waits for it", () =>
    Effect.gen(function* () {
      const { log, path, write } = yield* merging
      const reader = new Sqlite(path, { readonly: true })
      reader.exec("begin; select * from pages")
      yield* write(1000)
      yield* Effect.sleep("300 millis")
      yield* write(2000)
      yield* Effect.sleep("300 millis")
      expect(log()).toBeGreaterThan(9000)
      reader.close()
      yield* Effect.repeat(Effect.delay(write(200), "5 millis"), { until: () => log() < 3000, times: 100 })
      expect(log()).toBeLessThan(3000)
    })
  )

  it.scopedLive("a merge that fails loses nothing, and a later one succeeds", () =>
    Effect.gen(function* () {
      const { log, path, thread, write } = yield* merging
      Fs.renameSync(path, `${path}.away`)
      thread.committed(500)
      yield* Effect.sleep("200 millis")
      Fs.renameSync(`${path}.away`, path)
      yield* write(700)
      yield* Effect.sleep("200 millis")
      yield* write(300)
      yield* thread.close
      expect(log()).toBeLessThan(2000)
    })
  )

  it.scopedLive("a closed thread is not started again", () =>
    Effect.gen(function* () {
      const { log, thread, write } = yield* merging
      yield* thread.close
      yield* write(600)
      yield* Effect.sleep("200 millis")
      expect(log()).toBeGreaterThan(1500)
    })
  )
})
