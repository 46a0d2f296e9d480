/** Updates the schema of a SQLite file. */
import type Sqlite from "better-sqlite3"
import * as Effect from "effect/Effect"
import type { StorageOpenError } from "../../files/StorageOpenError.js"
import type { Migrated, Migration } from "../migrations/Migration.js"
import { migrations } from "../migrations.js"
import * as SqliteFile from "./SqliteFile.js"

/**
 * Runs the migrations that the file has not had. Each runs in one transaction together with its version number, so an
 * interrupted migration changes nothing. If several processes start at once, one runs a migration and the others find it
 * done. Fails if the file is not writable, even if no migration is due. Returns the versions before and after.
 */
export const run = (
  path: string,
  steps: ReadonlyArray<Migration> = migrations
): Effect.Effect<Migrated, StorageOpenError> =>
  Effect.acquireUseRelease(
    SqliteFile.attempt(path, () => SqliteFile.openWriter(path)),
    (db) =>
      Effect.gen(function* () {
        const version = SqliteFile.attempt(path, () => SqliteFile.versionOf(db))
        const from = yield* version
        for (const step of steps) yield* SqliteFile.attempt(path, () => apply(db, step))
        return { from, to: yield* version }
      }),
    (db) => Effect.sync(() => db.close())
  )

const apply = (db: Sqlite.Database, { statements, version }: Migration): void => {
  db.exec("BEGIN IMMEDIATE")
  try {
    if (SqliteFile.versionOf(db) < version) {
      for (const statement of statements("sqlite")) db.exec(statement)
      db.pragma(`user_version = ${version}`)
    }
    db.exec("COMMIT")
  } catch (cause) {
    if (db.inTransaction) db.exec("ROLLBACK")
    throw cause
  }
}
