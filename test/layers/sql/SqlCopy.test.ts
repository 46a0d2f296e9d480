/** A copy holds everything, or does not exist. */
import { describe, expect, it } from "@effect/vitest"
import type Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as SqlCopy from "../../../src/layers/sql/SqlCopy.js"
import * as SqliteCopy from "../../../src/layers/sql/SqliteCopy.js"
import * as SqliteFile from "../../../src/layers/sql/SqliteFile.js"
import { StorageOpenError } from "../../../src/layers/sql/StorageOpenError.js"
import { ours, withSqlite } from "../sqliteFiles.js"
import { temporaryFile } from "../temporaryFile.js"

type Row = Readonly<Record<string, unknown>>

const tablesOf = (db: Sqlite.Database) =>
  db.prepare("select name from sqlite_schema where type = 'table' order by name").pluck().all() as Array<string>

const columnsOf = (db: Sqlite.Database, table: string) =>
  db.pragma(`table_info(${table})`) as ReadonlyArray<{ name: string; type: string; notnull: number; pk: number }>

/** Rows of every table, more than one batch of each; what may be null sometimes is. */
const fill = (path: string, count: number) =>
  withSqlite(path, (db) => {
    for (const table of tablesOf(db)) {
      const columns = columnsOf(db, table)
      const insert = db.prepare(
        `insert into ${table} (${columns.map(({ name }) => name)}) values (${columns.map(() => "?")})`
      )
      for (let i = 0; i < count; i++) {
        const isNull = ({ notnull, pk }: { notnull: number; pk: number }) => notnull === 0 && pk === 0 && i % 2 === 1
        insert.run(
          columns.map((column) =>
            isNull(column) && column.name !== "turn"
              ? null
              : column.type.toLowerCase() === "integer"
                ? Number.MAX_SAFE_INTEGER - i
                : `${column.name} ${i} 'ü😀`
          )
        )
      }
    }
  })

const dump = (path: string): Readonly<Record<string, ReadonlyArray<Row>>> =>
  withSqlite(path, (db) =>
    Object.fromEntries(
      tablesOf(db).map((table) => [table, db.prepare(`select * from ${table} order by 1, 2, 3`).all() as Array<Row>])
    )
  )

const rowsOf = (path: string) => Object.values(dump(path)).reduce((sum, rows) => sum + rows.length, 0)

/** A file with 101 rows in each table, and the name of another beside it. */
const files = Effect.gen(function* () {
  const from = yield* temporaryFile
  const to = `${from}.copy`
  yield* ours(from)
  withSqlite(from, (db) => db.exec("delete from clients"))
  fill(from, 101)
  return { from, to }
})

const copy = (
  from: string,
  to: string,
  change: (side: SqlCopy.Side<StorageOpenError>) => SqlCopy.Side<StorageOpenError> = (side) => side
) => SqliteCopy.source(from, (source) => SqliteCopy.target(to, (side) => SqlCopy.copy(source, change(side))))

describe("a copy", () => {
  it.scoped("holds each row of each table, and leaves the source as it was", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const before = dump(from)
      const copied = yield* copy(from, to)
      expect(Object.keys(copied).length).toBeGreaterThan(11)
      expect(new Set(Object.values(copied))).toEqual(new Set([101]))
      expect(dump(to)).toEqual(before)
      expect(dump(from)).toEqual(before)
    })
  )

  it.scoped("is refused where one row is there already, in any table, and that is left alone", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      yield* ours(to)
      for (const table of withSqlite(to, tablesOf)) {
        withSqlite(to, (db) => {
          for (const other of tablesOf(db)) db.exec(`delete from ${other}`)
        })
        withSqlite(from, (db) => {
          db.prepare("attach ? as there").run(to)
          db.exec(`insert into there.${table} select * from ${table} limit 1`)
        })
        const before = dump(to)
        expect(yield* Effect.flip(copy(from, to))).toMatchObject({
          reason: "NotEmpty",
          message: expect.stringContaining(`(${table})`)
        })
        expect(dump(to)).toEqual(before)
      }
    })
  )

  it.scoped("that fails on the way leaves nothing behind, and can be made again", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const inserts = Object.keys(dump(from)).length * 2
      for (const failing of [1, 2, inserts]) {
        let count = 0
        const fails = (side: SqlCopy.Side<StorageOpenError>): SqlCopy.Side<StorageOpenError> => ({
          ...side,
          execute: (text, values) =>
            text.startsWith("insert") && ++count === failing
              ? new StorageOpenError({ reason: "NotWritable", message: "full" })
              : side.execute(text, values)
        })
        expect(yield* Effect.flip(copy(from, to, fails))).toMatchObject({ message: "full" })
        expect(rowsOf(to)).toBe(0)
      }
      yield* copy(from, to)
      expect(rowsOf(to)).toBe(rowsOf(from))
    })
  )

  it.scoped.each([
    ["a row is lost", "delete from events where id = (select max(id) from events)"],
    ["a value is another", "update grants set generation = generation + 1 where generation is not null"],
    ["a null is another", "update grants set revoked_at = 1 where revoked_at is null"]
  ] as const)("is not kept where %s when it is read back", ([, damage]) =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const damaged = (side: SqlCopy.Side<StorageOpenError>): SqlCopy.Side<StorageOpenError> => ({
        ...side,
        execute: (text, values) => {
          const table = /from (\w+)/.exec(damage)?.[1] ?? /update (\w+)/.exec(damage)?.[1]
          const isReadBack = text.startsWith("select") && text.includes(`from ${table} `) && !text.includes("found")
          return isReadBack && values.length === 0
            ? Effect.zipRight(side.execute(damage, []), side.execute(text, values))
            : side.execute(text, values)
        }
      })
      expect(yield* Effect.flip(copy(from, to, damaged))).toMatchObject({ reason: "NotTheSame" })
      expect(rowsOf(to)).toBe(0)
    })
  )

  it.scoped("lets nobody write to the source while it is made", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const tried: Array<string> = []
      const trying = (side: SqlCopy.Side<StorageOpenError>): SqlCopy.Side<StorageOpenError> => ({
        ...side,
        execute: (text, values) => {
          const db = SqliteFile.openWriter(from)
          try {
            db.exec("delete from events")
            tried.push("written")
          } catch (cause) {
            tried.push((cause as { readonly code: string }).code)
          } finally {
            db.close()
          }
          return side.execute(text, values)
        }
      })
      yield* copy(from, to, trying)
      expect(new Set(tried)).toEqual(new Set(["SQLITE_BUSY"]))
      withSqlite(from, (db) => db.exec("delete from events"))
    })
  )

  it.scoped("is made of a database that is up to date alone, and to one whose tables are the same", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      yield* ours(to)
      withSqlite(to, (db) => db.exec("delete from clients; alter table events add column other text"))
      expect(yield* Effect.flip(copy(from, to))).toMatchObject({ reason: "OtherSchema" })
      withSqlite(from, (db) => db.pragma("user_version = 3"))
      expect(yield* Effect.flip(copy(from, to))).toMatchObject({
        message: expect.stringContaining("latchkey db migrate")
      })
      expect(rowsOf(to)).toBe(0)
    })
  )
})
