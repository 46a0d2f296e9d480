/** A copy is complete, or does not exist. */
import { describe, expect, it } from "@effect/vitest"
import type Sqlite from "better-sqlite3"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { defaultLifetimes } from "../../../src/domain/Settings.js"
import { StorageOpenError } from "../../../src/layers/files/StorageOpenError.js"
import type { Side } from "../../../src/layers/sql/CopySide.js"
import { derived } from "../../../src/layers/sql/migrations.js"
import * as PostgresCopy from "../../../src/layers/sql/postgres/PostgresCopy.js"
import * as PostgresDatabase from "../../../src/layers/sql/postgres/PostgresDatabase.js"
import * as SqlCopy from "../../../src/layers/sql/SqlCopy.js"
import * as SqliteCopy from "../../../src/layers/sql/sqlite/SqliteCopy.js"
import * as SqliteFile from "../../../src/layers/sql/sqlite/SqliteFile.js"
import * as SqliteStatus from "../../../src/layers/sql/sqlite/SqliteStatus.js"
import * as ExpiryCutoffs from "../../../src/services/maintenance/ExpiryCutoffs.js"
import * as Postgres from "../../support/Postgres.js"
import { ours, withSqlite } from "../sqliteFiles.js"
import { temporaryFile } from "../temporaryFile.js"

type Row = Readonly<Record<string, unknown>>

/** The tables that a copy contains. */
const tablesOf = (db: Sqlite.Database) =>
  (
    db.prepare("select name from sqlite_schema where type = 'table' order by name").pluck().all() as Array<string>
  ).filter((table) => !derived.has(table))

const columnsOf = (db: Sqlite.Database, table: string) =>
  db.pragma(`table_info(${table})`) as ReadonlyArray<{ name: string; type: string; notnull: number; pk: number }>

/** Rows of every table, more than one batch of each. Nullable columns are sometimes null. */
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

/** A file with 101 rows in each table, and the path of another file. */
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
  change: (side: Side<StorageOpenError>) => Side<StorageOpenError> = (side) => side
) => SqliteCopy.source(from, (source) => SqliteCopy.target(to, (side) => SqlCopy.copy(source, change(side))))

/** The rows of PostgreSQL in the form of SQLite. */
const dumpPostgres = async (url: string) => {
  const tables = await Postgres.query(
    url,
    "select table_name as name from information_schema.tables where table_schema = 'latchkey' order by 1"
  )
  const found: Record<string, ReadonlyArray<Row>> = {}
  for (const { name } of tables) {
    if (name === "schema_versions" || name === "rate_limits" || derived.has(String(name))) continue
    found[String(name)] = await Postgres.query(url, `select * from latchkey.${name}`)
  }
  return found
}

/** Rows in one order, with integers in the form that the driver may return. */
const comparable = (dumped: Readonly<Record<string, ReadonlyArray<Row>>>) =>
  Object.fromEntries(
    Object.entries(dumped).map(([table, rows]) => [
      table,
      rows
        .map((row) =>
          Object.entries(row)
            .map(([name, value]) => `${name}=${value}`)
            .sort()
            .join("\n")
        )
        .sort()
    ])
  )

describe.skipIf(Postgres.missing)(Postgres.named("a copy to PostgreSQL"), () => {
  const toPostgres = (
    from: string,
    url: Redacted.Redacted,
    change: (side: Side<StorageOpenError>) => Side<StorageOpenError> = (side) => side
  ) => SqliteCopy.source(from, (source) => PostgresCopy.target({ url }, (side) => SqlCopy.copy(source, change(side))))

  it.scopedLive("a copy to PostgreSQL has each row of each table, and a second copy is refused", () =>
    Effect.gen(function* () {
      const { from } = yield* files
      const url = yield* Postgres.database
      const copied = yield* toPostgres(from, url)
      expect(new Set(Object.values(copied))).toEqual(new Set([101]))
      const kept = yield* Effect.promise(() => dumpPostgres(Redacted.value(url)))
      expect(comparable(kept)).toEqual(comparable(dump(from)))
      const again = yield* Effect.flip(toPostgres(from, url))
      expect(again).toMatchObject({ reason: "NotEmpty" })
      const cutoffs = ExpiryCutoffs.at(DateTime.unsafeMake(8.64e15), defaultLifetimes)
      const [there, here] = [yield* PostgresDatabase.status({ url }, cutoffs), yield* SqliteStatus.read(from, cutoffs)]
      expect({ ...there, rows: { ...there.rows, rate_limits: undefined } }).toEqual({
        ...here,
        size: there.size,
        rows: { ...here.rows, rate_limits: undefined }
      })
      // The address contains a password.
      expect(again.message).not.toContain(new URL(Redacted.value(url)).password)
      expect(yield* Effect.promise(() => dumpPostgres(Redacted.value(url)))).toEqual(kept)
    })
  )

  it.scopedLive("a copy to PostgreSQL that fails leaves nothing, and blocks other writers meanwhile", () =>
    Effect.gen(function* () {
      const { from } = yield* files
      const url = yield* Postgres.database
      const inserts = Object.keys(dump(from)).length * 2
      let count = 0
      const intrude = `set statement_timeout = 200; insert into latchkey.revoked_tokens values ('a', 'b', 1)`
      const intruder: Array<string> = []
      const fails = (side: Side<StorageOpenError>): Side<StorageOpenError> => ({
        ...side,
        execute: (text, values) => {
          if (!text.startsWith("insert")) return side.execute(text, values)
          count++
          if (count === inserts) return new StorageOpenError({ reason: "NotWritable", message: "full" })
          if (count > 1) return side.execute(text, values)
          const tried = Effect.promise(() =>
            Postgres.query(Redacted.value(url), intrude).then(
              () => intruder.push("written"),
              (cause) => intruder.push(cause.code)
            )
          )
          return Effect.zipRight(tried, side.execute(text, values))
        }
      })
      expect(yield* Effect.flip(toPostgres(from, url, fails))).toMatchObject({ message: "full" })
      // A statement that waited until it was cancelled.
      expect(intruder).toEqual(["57014"])
      const kept = yield* Effect.promise(() => dumpPostgres(Redacted.value(url)))
      expect(Object.values(kept).flat()).toEqual([])
      yield* toPostgres(from, url)
    })
  )
})

describe("a copy", () => {
  it.scoped("a copy has each row of each table and does not change the source", () =>
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

  it.scoped("a copy to a database with a row in any table is refused and does not change the row", () =>
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

  it.scoped("a copy that fails leaves nothing and can be repeated", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const inserts = Object.keys(dump(from)).length * 2
      for (const failing of [1, 2, inserts]) {
        let count = 0
        const fails = (side: Side<StorageOpenError>): Side<StorageOpenError> => ({
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
  ] as const)("a copy is rolled back if %s when it is read back", ([, damage]) =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const damaged = (side: Side<StorageOpenError>): Side<StorageOpenError> => ({
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

  it.scoped("no process can write to the source during a copy", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      const tried: Array<string> = []
      const trying = (side: Side<StorageOpenError>): Side<StorageOpenError> => ({
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

  it.scoped("a copy needs a source with the latest schema and a target with the same tables", () =>
    Effect.gen(function* () {
      const { from, to } = yield* files
      yield* ours(to)
      withSqlite(to, (db) => db.exec("delete from clients; alter table events add column other text"))
      expect(yield* Effect.flip(copy(from, to))).toMatchObject({ reason: "OtherSchema" })
      withSqlite(from, (db) => db.pragma("user_version = 0"))
      expect(yield* Effect.flip(copy(from, to))).toMatchObject({
        message: expect.stringContaining("latchkey db migrate")
      })
      expect(rowsOf(to)).toBe(0)
    })
  )
})
