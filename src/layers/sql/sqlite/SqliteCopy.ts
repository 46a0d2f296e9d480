/** A SQLite file as one side of a copy. */
import type Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { StorageOpenError } from "../../files/StorageOpenError.js"
import type { Side, Table } from "../CopySide.js"
import { latest } from "../migrations.js"
import * as SqliteConnection from "./SqliteConnection.js"
import * as SqliteFile from "./SqliteFile.js"
import * as SqliteMigrator from "./SqliteMigrator.js"

const tablesOf = (db: Sqlite.Database): ReadonlyArray<Table> => {
  const names = db.prepare("select name from sqlite_schema where type = 'table' order by name").pluck().all()
  return names.map((name) => {
    const columns = db.pragma(`table_info(${String(name)})`) as ReadonlyArray<{
      name: string
      type: string
      pk: number
    }>
    return {
      name: String(name),
      columns: columns.map(({ name, type }) => ({ name, isInteger: /^int/i.test(type) })),
      key: columns
        .filter(({ pk }) => pk > 0)
        .sort((left, right) => left.pk - right.pk)
        .map(({ name }) => name)
    }
  })
}

/** Opens the file and begins a transaction. All other writers wait until it ends. */
const begin = (path: string) =>
  SqliteFile.attempt(path, () => {
    const db = SqliteFile.openWriter(path)
    try {
      db.exec("BEGIN IMMEDIATE")
      return db
    } catch (cause) {
      db.close()
      throw cause
    }
  })

const sideOf = (path: string, db: Sqlite.Database): Side<StorageOpenError> => {
  const connection = SqliteConnection.make(db)
  const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: (cause) => SqliteFile.openError(path, cause) })
  return {
    name: path,
    tables: attempt(() => tablesOf(db)),
    execute: (text, values) =>
      attempt(() => connection.run(text, values, "Rows") as ReadonlyArray<Readonly<Record<string, unknown>>>)
  }
}

/** Reads the file and changes nothing. No process can write it during the copy: a server on it answers 503. */
export const source = <A, E>(
  path: string,
  use: (side: Side<StorageOpenError>) => Effect.Effect<A, E>
): Effect.Effect<A, E | StorageOpenError> =>
  Effect.acquireUseRelease(
    begin(path),
    (db): Effect.Effect<A, E | StorageOpenError> => {
      const version = SqliteFile.versionOf(db)
      return version === latest
        ? use(sideOf(path, db))
        : new StorageOpenError({
            reason: "NotOurs",
            message: `${path}: the schema has version ${version}, not ${latest}: update it (latchkey db migrate)`
          })
    },
    (db) => Effect.sync(() => db.close())
  )

/** Writes a file, which it creates if it does not exist. If `use` succeeds, all of its rows are stored, otherwise none. */
export const target = <A, E>(
  filename: string,
  use: (side: Side<StorageOpenError>) => Effect.Effect<A, E>
): Effect.Effect<A, E | StorageOpenError> =>
  Effect.gen(function* () {
    const path = yield* SqliteFile.prepare(filename)
    yield* SqliteMigrator.run(path)
    return yield* Effect.acquireUseRelease(
      begin(path),
      (db) =>
        Effect.zipLeft(
          use(sideOf(path, db)),
          SqliteFile.attempt(path, () => db.exec("COMMIT"))
        ),
      // Closing the connection rolls an open transaction back.
      (db, exit) =>
        Effect.sync(() => {
          if (Exit.isSuccess(exit)) db.pragma("wal_checkpoint(TRUNCATE)")
          db.close()
        })
    )
  })
