/** Brings the schema of a SQLite file up to date. */
import type Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import type { Migrated, Migration } from "../migrations/Migration.js"
import { migrations } from "../migrations.js"
import type { StorageOpenError } from "../StorageOpenError.js"
import * as SqliteFile from "./SqliteFile.js"

/**
 * Runs the migrations that the file has not seen, each in one transaction together with its number, so that one that is
 * interrupted has not happened. Of several processes that start at once, each runs or finds it done. Fails where the
 * file cannot be written, even if there is nothing to do. Answers with the versions before and after.
 */
export const run = (path: string): Effect.Effect<Migrated, StorageOpenError> =>
  Effect.acquireUseRelease(
    SqliteFile.attempt(path, () => SqliteFile.openWriter(path)),
    (db) =>
      Effect.gen(function* () {
        const version = SqliteFile.attempt(path, () => SqliteFile.versionOf(db))
        const from = yield* version
        for (const migration of migrations) yield* SqliteFile.attempt(path, () => apply(db, migration))
        return { from, to: yield* version }
      }),
    (db) => Effect.sync(() => db.close())
  )

const apply = (db: Sqlite.Database, { statements, version }: Migration): void => {
  db.exec("BEGIN IMMEDIATE")
  try {
    const found = SqliteFile.versionOf(db)
    if (found < version) {
      for (const statement of statements("sqlite")) db.exec(statement)
      db.pragma(`user_version = ${version}`)
    }
    db.exec("COMMIT")
  } catch (cause) {
    if (db.inTransaction) db.exec("ROLLBACK")
    throw cause
  }
}
