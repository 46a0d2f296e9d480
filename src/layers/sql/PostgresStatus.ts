/** How a PostgreSQL database stands. */
import * as Effect from "effect/Effect"
import * as DatabaseStatus from "./DatabaseStatus.js"
import * as PostgresMigrator from "./PostgresMigrator.js"
import * as PostgresPool from "./PostgresPool.js"
import type { StorageOpenError } from "./StorageOpenError.js"

/** Reads it without changing anything: no table is made, none brought up to date. */
export const read = (
  options: PostgresPool.Options,
  cutoffs: DatabaseStatus.Cutoffs
): Effect.Effect<DatabaseStatus.Status, StorageOpenError> =>
  Effect.gen(function* () {
    const label = PostgresPool.labelOf(options.url) ?? ""
    const schema = options.schema ?? PostgresPool.standardSchema
    // Counting may take its time.
    const pool = yield* PostgresPool.make({ ...options, maxConnections: 1, timeout: "10 minutes" })
    const ask = (text: string, values: ReadonlyArray<unknown> = []) =>
      Effect.tryPromise({
        try: async () => (await pool.query(text, [...values])).rows as ReadonlyArray<Readonly<Record<string, unknown>>>,
        catch: (cause) => PostgresMigrator.openError(label, cause)
      })
    const tables = (yield* ask(
      "select table_name as name from information_schema.tables where table_schema = $1 order by table_name",
      [schema]
    )).map(({ name }) => String(name))
    const [versions] = tables.includes("schema_versions")
      ? yield* ask("select max(version) as version from schema_versions")
      : []
    const [database] = yield* ask("select pg_database_size(current_database()) as size")
    const about = {
      version: Number(versions?.version ?? 0),
      tables: tables.filter((name) => name !== "schema_versions"),
      size: Number(database?.size)
    }
    return yield* DatabaseStatus.of((text) => ask(text), about, cutoffs)
  }).pipe(Effect.scoped)
