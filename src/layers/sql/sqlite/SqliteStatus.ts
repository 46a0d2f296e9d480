/** The status of a SQLite file. */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import type { StorageOpenError } from "../../files/StorageOpenError.js"
import * as DatabaseStatus from "../DatabaseStatus.js"
import * as SqliteFile from "./SqliteFile.js"

const sizeOf = (path: string): number => Fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** Reads the status. Changes nothing: creates no table and runs no migration. */
export const read = (
  path: string,
  cutoffs: DatabaseStatus.Cutoffs
): Effect.Effect<DatabaseStatus.Status, StorageOpenError> =>
  Effect.acquireUseRelease(
    SqliteFile.attempt(path, () => SqliteFile.openReader(path)),
    (db) => {
      const query: DatabaseStatus.Query<StorageOpenError> = (text) =>
        SqliteFile.attempt(path, () => db.prepare(text).all() as ReadonlyArray<Readonly<Record<string, unknown>>>)
      return Effect.gen(function* () {
        const names = yield* query("select name from sqlite_schema where type = 'table' order by name")
        const about = {
          version: yield* SqliteFile.attempt(path, () => SqliteFile.versionOf(db)),
          tables: names.map(({ name }) => String(name)),
          size: sizeOf(path) + sizeOf(`${path}-wal`)
        }
        return yield* DatabaseStatus.of(query, about, cutoffs)
      })
    },
    (db) => Effect.sync(() => db.close())
  )
