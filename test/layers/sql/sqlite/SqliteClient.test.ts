import * as Fs from "node:fs"
import { SqlError } from "@effect/sql/SqlError"
import { expect, it } from "@effect/vitest"
import Sqlite from "better-sqlite3"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { describe } from "vitest"
import { codeOf } from "../../../../src/layers/files/ErrorCode.js"
import * as SqliteClient from "../../../../src/layers/sql/sqlite/SqliteClient.js"
import * as SqliteConnection from "../../../../src/layers/sql/sqlite/SqliteConnection.js"
import * as SqliteFile from "../../../../src/layers/sql/sqlite/SqliteFile.js"
import { temporaryFile } from "../../temporaryFile.js"

/** A client on a file with one table of unique names. */
const client = Effect.gen(function* () {
  const path = yield* temporaryFile
  const db = new Sqlite(path)
  db.exec("create table names (name text primary key) strict")
  db.close()
  const sql = yield* SqliteClient.open(path)
  const insert = (name: string) => sql.unsafe("insert into names (name) values (?)", [name])
  return {
    path,
    sql,
    insert,
    names: Effect.map(sql`select name from names order by name`, (rows) => rows.map(({ name }) => name))
  }
})

/** Takes the write lock of a file, as another process would. */
const lock = (path: string) => {
  const db = new Sqlite(path, { timeout: 0 })
  db.exec("begin exclusive")
  return db
}

describe("group commit", () => {
  it.scopedLive("concurrent writes share as few transactions as possible", () =>
    Effect.gen(function* () {
      const { insert, names, sql } = yield* client
      yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, i) => `name ${i}`),
        insert,
        { concurrency: "unbounded" }
      )
      expect(yield* names).toHaveLength(1000)
      expect(yield* sql.commits).toBe(Math.ceil(1000 / 64))
    })
  )

  it.scopedLive("a write returns after the commit, so that another connection sees it", () =>
    Effect.gen(function* () {
      const { insert, path, sql } = yield* client
      const other = yield* SqliteClient.open(path)
      for (const name of ["a", "b", "c"]) {
        yield* insert(name)
        expect(yield* other`select name from names where name = ${name}`).toEqual([{ name }])
      }
      expect(yield* sql.commits).toBe(3)
    })
  )

  it.scopedLive("only the caller that violates a constraint gets the error", () =>
    Effect.gen(function* () {
      const { insert, names, sql } = yield* client
      const exits = yield* Effect.forEach(["a", "b", "a", "c"], (name) => Effect.exit(insert(name)), {
        concurrency: "unbounded"
      })
      expect(exits.map(Exit.isSuccess)).toEqual([true, true, false, true])
      expect(yield* names).toEqual(["a", "b", "c"])
      expect(yield* sql.commits).toBe(1)
      const error = yield* Effect.flip(insert("a"))
      expect(codeOf(error.cause)).toBe("SQLITE_CONSTRAINT_PRIMARYKEY")
    })
  )

  it.scopedLive("the write of a caller that is interrupted before the batch begins is dropped", () =>
    Effect.gen(function* () {
      const { insert, names, sql } = yield* client
      const gone = yield* Effect.fork(insert("gone"))
      const stays = yield* Effect.fork(insert("stays"))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(gone)
      yield* Fiber.join(stays)
      expect(yield* names).toEqual(["stays"])
      expect(yield* sql.commits).toBe(1)
    })
  )

  it.scopedLive(
    "a write waits for a lock without blocking the process, then fails as busy, and later writes succeed",
    () =>
      Effect.gen(function* () {
        const { insert, names, path, sql } = yield* client
        const other = lock(path)
        let ticks = 0
        const ticking = setInterval(() => ticks++, 10)
        const [took, errors] = yield* Effect.timed(
          Effect.forEach(["a", "b", "c"], (name) => Effect.flip(insert(name)), { concurrency: "unbounded" })
        )
        clearInterval(ticking)
        for (const { cause } of errors) expect(codeOf(cause)).toBe("SQLITE_BUSY")
        expect(Duration.toMillis(took)).toBeGreaterThan(1900)
        expect(Duration.toMillis(took)).toBeLessThan(3500)
        expect(ticks).toBeGreaterThan(50)
        // Reads succeed all the time.
        expect(yield* names).toEqual([])
        other.close()
        yield* insert("d")
        expect(yield* names).toEqual(["d"])
        expect(yield* sql.commits).toBe(1)
      })
  )

  it.scopedLive("waiting writes run as soon as a lock is released, except interrupted ones", () =>
    Effect.gen(function* () {
      const { insert, names, path } = yield* client
      const other = lock(path)
      const gone = yield* Effect.fork(insert("gone"))
      const stays = yield* Effect.fork(insert("stays"))
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(gone)
      other.close()
      yield* Fiber.join(stays)
      expect(yield* names).toEqual(["stays"])
    })
  )

  it.scopedLive("a batch stores nothing when the disk is full, and later writes succeed when space is free", () =>
    Effect.gen(function* () {
      const { path } = yield* client
      let pages = 3
      const sql = yield* SqliteClient.make({
        reader: () => SqliteConnection.make(SqliteFile.openReader(path)),
        writer: () => {
          const connection = SqliteConnection.make(SqliteFile.openWriter(path))
          const limited = { ...connection }
          limited.run = (sql, params, read) => {
            if (sql === "BEGIN IMMEDIATE") connection.run(`PRAGMA max_page_count = ${pages}`, [], "Rows")
            return connection.run(sql, params, read)
          }
          return limited
        }
      })
      const insert = (name: string) => sql`insert into names (name) values (${name})`
      const long = "x".repeat(20_000)
      const exits = yield* Effect.forEach(["a", long, "b"], (name) => Effect.exit(insert(name)), {
        concurrency: "unbounded"
      })
      expect(exits.map(Exit.isSuccess)).toEqual([false, false, false])
      expect(yield* sql`select name from names`).toEqual([])
      expect(codeOf((yield* Effect.flip(insert(long))).cause)).toBe("SQLITE_FULL")
      pages = 1000
      yield* insert(long)
      expect(yield* sql`select name from names`).toHaveLength(1)
    })
  )
})

describe("the client", () => {
  it.scopedLive("reads and writes return rows, arrays, raw results and streams", () =>
    Effect.gen(function* () {
      const { sql } = yield* client
      const insert = sql`insert into names ${sql.insert({ name: "a" }).returning("name")}`
      expect(yield* insert).toEqual([{ name: "a" }])
      expect(yield* sql`insert into names ${sql.insert({ name: "b" })}`).toEqual([])
      expect(yield* sql`insert into names ${sql.insert({ name: "c" })}`.raw).toMatchObject({ changes: 1 })
      expect(yield* sql`select name from names`.values).toEqual([["a"], ["b"], ["c"]])
      expect(yield* sql`select name from names where name = ${"a"}`).toEqual([{ name: "a" }])
      expect(Array.from(yield* Stream.runCollect(sql`select name from names`.stream))).toHaveLength(3)
      expect(yield* sql`select name from names`.unprepared).toHaveLength(3)
    })
  )

  it.scopedLive("invalid SQL and missing parameters are typed failures", () =>
    Effect.gen(function* () {
      const { sql } = yield* client
      expect(yield* Effect.flip(sql.unsafe("selekt 1"))).toBeInstanceOf(SqlError)
      expect(yield* Effect.flip(sql.unsafe("select * from nothing"))).toBeInstanceOf(SqlError)
      expect(yield* Effect.flip(sql.unsafe("insert into names (name) values (?)", []))).toBeInstanceOf(SqlError)
    })
  )

  it.scopedLive("a transaction is refused with an error", () =>
    Effect.gen(function* () {
      const { insert, names, sql } = yield* client
      const error = yield* Effect.flip(sql.withTransaction(insert("a")))
      expect(error).toBeInstanceOf(SqlError)
      expect(error.message).toContain("no transactions")
      for (const text of ["begin immediate", "BEGIN", "commit", " savepoint a", "rollback"]) {
        expect((yield* Effect.flip(sql.unsafe(text))).message).toContain("no transactions")
      }
      yield* insert("b")
      expect(yield* names).toEqual(["b"])
    })
  )

  it.scopedLive("the client works with more statements than it keeps prepared", () =>
    Effect.gen(function* () {
      const { sql } = yield* client
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 300; i++) expect(yield* sql.unsafe(`select ${i} as n`)).toEqual([{ n: i }])
      }
    })
  )

  it.scopedLive("the log shrinks after a reader of an old state has ended", () =>
    Effect.gen(function* () {
      const { insert, path } = yield* client
      const sizeOfLog = () => Fs.statSync(`${path}-wal`).size
      const limit = 16 * 1024 * 1024
      const reader = new Sqlite(path, { readonly: true })
      reader.exec("begin; select name from names")
      for (let i = 0; sizeOfLog() <= limit; i++) yield* insert(`${i} ${"x".repeat(1_000_000)}`)
      reader.close()
      // After some hundred writes the thread looks at the log and merges it, and the next write begins it again.
      for (let i = 0; i < 2_000 && sizeOfLog() > limit; i++) yield* insert(`after ${i}`)
      expect(sizeOfLog()).toBeLessThanOrEqual(limit)
    })
  )

  it.scopedLive("the connections flush each commit and overwrite deleted content", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile
      new Sqlite(path).exec("create table t (x)").close()
      const db = SqliteFile.openWriter(path)
      const read = (name: string) => db.pragma(name, { simple: true })
      expect(
        ["journal_mode", "synchronous", "secure_delete", "busy_timeout", "foreign_keys", "trusted_schema"].map(read)
      ).toEqual(["wal", 2, 1, 0, 1, 0])
      db.close()
    })
  )
})
