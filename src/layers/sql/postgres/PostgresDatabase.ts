/** The status and the migration of a PostgreSQL database, for the operator's commands. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { StorageOpenError } from "../../files/StorageOpenError.js"
import * as DatabaseStatus from "../DatabaseStatus.js"
import type { Migrated } from "../migrations/Migration.js"
import * as PostgresAddress from "./PostgresAddress.js"
import * as PostgresMigrator from "./PostgresMigrator.js"
import type { PostgresOptions } from "./PostgresOptions.js"
import * as PostgresPool from "./PostgresPool.js"

/** Maximum time of a statement. Counting rows and creating an index are slow. */
const timeout = "10 minutes"

const about = (options: PostgresOptions) => ({
  label: PostgresAddress.label(Redacted.value(options.url)) ?? "",
  schema: options.schema ?? PostgresAddress.standardSchema
})

/** Reads the status. Changes nothing: creates no table and runs no migration. */
export const status = (
  options: PostgresOptions,
  cutoffs: DatabaseStatus.Cutoffs
): Effect.Effect<DatabaseStatus.Status, StorageOpenError> =>
  Effect.gen(function* () {
    const { label, schema } = about(options)
    const pool = yield* PostgresPool.make({ ...options, maxConnections: 1, timeout })
    const ask = (text: string, values: ReadonlyArray<unknown> = []) =>
      Effect.tryPromise({
        try: async () => (await pool.query(text, [...values])).rows as ReadonlyArray<Readonly<Record<string, unknown>>>,
        catch: (cause) => PostgresMigrator.openError(label, cause)
      })
    const named = yield* ask(
      "select table_name as name from information_schema.tables where table_schema = $1 order by table_name",
      [schema]
    )
    const tables = named.map(({ name }) => String(name))
    const [newest] = tables.includes("schema_versions")
      ? yield* ask("select max(version) as version from schema_versions")
      : []
    const [database] = yield* ask("select pg_database_size(current_database()) as size")
    const found = {
      version: Number(newest?.version ?? 0),
      tables: tables.filter((name) => name !== "schema_versions"),
      size: Number(database?.size)
    }
    return yield* DatabaseStatus.of((text) => ask(text), found, cutoffs)
  }).pipe(Effect.scoped)

/** Runs the migrations. */
export const migrate = (options: PostgresOptions): Effect.Effect<Migrated, StorageOpenError> =>
  Effect.gen(function* () {
    const { label, schema } = about(options)
    return yield* PostgresMigrator.run(
      yield* PostgresPool.make({ ...options, maxConnections: 1, timeout }),
      label,
      schema
    )
  }).pipe(Effect.scoped)
