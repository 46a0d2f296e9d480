/** The effects of a failure in a batch (design: group commit), with a real file. */
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { describe } from "vitest"
import { codeOf } from "../../../../src/layers/files/ErrorCode.js"
import * as SqliteConnection from "../../../../src/layers/sql/sqlite/SqliteConnection.js"
import * as SqliteWriter from "../../../../src/layers/sql/sqlite/SqliteWriter.js"
import { temporaryFile } from "../../temporaryFile.js"

const insert = "insert into t (id, text, parent) values (?, ?, ?)"

/** A writer of a file with one table, and the rows that another connection sees. */
const setUp = Effect.gen(function* () {
  const path = yield* temporaryFile
  const db = new Sqlite(path, { timeout: 0 })
  db.pragma("journal_mode = WAL")
  db.exec(
    "create table t (id integer primary key, text text, parent integer references t deferrable initially deferred)"
  )
  const other = new Sqlite(path, { timeout: 0 })
  yield* Effect.addFinalizer(() => Effect.sync(() => other.close()))
  const writer = yield* SqliteWriter.make(() => SqliteConnection.make(db))
  /** Writes rows at once, and returns the result of each write. */
  const write = (...rows: ReadonlyArray<readonly [id: number, text?: string, parent?: number]>) =>
    Effect.forEach(
      rows,
      ([id, text = "", parent = null]) =>
        Effect.match(writer.write(insert, [id, text, parent], "Rows"), {
          onFailure: ({ cause }) => codeOf(cause),
          onSuccess: () => "ok"
        }),
      { concurrency: "unbounded" }
    )
  return { db, other, writer, write, kept: () => other.prepare("select id from t order by id").pluck().all() }
})

describe("a batch over a real file", () => {
  it.scoped("a batch stores nothing if its second write finds the disk full, and the next batch succeeds", () =>
    Effect.gen(function* () {
      const { db, kept, write } = yield* setUp
      db.pragma(`max_page_count = ${Number(db.pragma("page_count", { simple: true })) + 2}`)
      expect(yield* write([1], [2, "x".repeat(100_000)], [3])).toEqual(["SQLITE_FULL", "SQLITE_FULL", "SQLITE_FULL"])
      expect(kept()).toEqual([])
      expect(yield* write([4], [5])).toEqual(["ok", "ok"])
      expect(kept()).toEqual([4, 5])
    })
  )

  it.scoped("a batch whose commit fails stores nothing, and the next batch succeeds", () =>
    Effect.gen(function* () {
      const { db, kept, write } = yield* setUp
      db.pragma("foreign_keys = ON")
      const code = "SQLITE_CONSTRAINT_FOREIGNKEY"
      expect(yield* write([1], [2, "", 99])).toEqual([code, code])
      expect([kept(), db.inTransaction]).toEqual([[], false])
      expect(yield* write([3])).toEqual(["ok"])
      expect(kept()).toEqual([3])
    })
  )

  it.scoped("a batch stores the other writes if one write fails alone", () =>
    Effect.gen(function* () {
      const { kept, write } = yield* setUp
      expect(yield* write([1], [1], [2])).toEqual(["ok", "SQLITE_CONSTRAINT_PRIMARYKEY", "ok"])
      expect(kept()).toEqual([1, 2])
    })
  )

  it.scopedLive("a batch waits while another process has the lock, and is written afterwards", () =>
    Effect.gen(function* () {
      const { kept, other, write } = yield* setUp
      other.exec("begin immediate")
      const waiting = yield* Effect.fork(write([1], [2]))
      // The event loop runs meanwhile.
      for (let i = 0; i < 5; i++) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect(kept()).toEqual([])
      other.exec("commit")
      expect(yield* Fiber.join(waiting)).toEqual(["ok", "ok"])
      expect(kept()).toEqual([1, 2])
    })
  )

  it.scoped("a batch drops a write whose caller is interrupted before the batch begins", () =>
    Effect.gen(function* () {
      const { kept, write } = yield* setUp
      const leaving = yield* Effect.fork(write([1]))
      const staying = yield* Effect.fork(write([2]))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(leaving)
      expect(yield* Fiber.join(staying)).toEqual(["ok"])
      expect(kept()).toEqual([2])
    })
  )

  it.scoped("a batch stores a write whose caller is interrupted after the batch began", () =>
    Effect.gen(function* () {
      const { db, kept, write, writer } = yield* setUp
      let leave = () => {}
      // The first statement calls this, after the batch has begun.
      db.function("leave", () => {
        leave()
        return 1
      })
      const first = yield* Effect.fork(writer.write("insert into t (id) values (leave())", [], "Rows"))
      const leaving = yield* Effect.fork(write([2]))
      leave = () => leaving.unsafeInterruptAsFork(leaving.id())
      yield* Fiber.join(first)
      yield* Fiber.await(leaving)
      expect(kept()).toEqual([1, 2])
    })
  )
})
