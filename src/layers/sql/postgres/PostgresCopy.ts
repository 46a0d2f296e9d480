/** A PostgreSQL database as the target of a copy. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import Pg from "pg"
import type { StorageOpenError } from "../../files/StorageOpenError.js"
import type { Side, Table } from "../CopySide.js"
import * as PostgresAddress from "./PostgresAddress.js"
import * as PostgresMigrator from "./PostgresMigrator.js"
import type { PostgresOptions } from "./PostgresOptions.js"
import * as PostgresPool from "./PostgresPool.js"

/** Maximum time of a statement. Statements of a copy are short; this is for a network that does not answer any more. */
const timeout = "1 minute"

const columnsText = `
  select table_name as "table", column_name as "column", data_type in ('bigint', 'integer') as "isInteger"
  from information_schema.columns
  where table_schema = $1 and table_name <> 'schema_versions'
  order by table_name, ordinal_position`

const keysText = `
  select class.relname as "table", attname as "column"
  from pg_index
    join pg_class as class on class.oid = indrelid
    cross join lateral unnest(indkey) with ordinality as part (attnum, place)
    join pg_attribute as attribute on attribute.attrelid = indrelid and attribute.attnum = part.attnum
  where class.relnamespace = to_regnamespace($1) and indisprimary
  order by class.relname, place`

const tablesOf = async (client: Pg.PoolClient, schema: string): Promise<ReadonlyArray<Table>> => {
  const columns = await client.query<{ table: string; column: string; isInteger: boolean }>(columnsText, [schema])
  const keys = await client.query<{ table: string; column: string }>(keysText, [Pg.escapeIdentifier(schema)])
  return Array.from(new Set(columns.rows.map(({ table }) => table)), (name) => ({
    name,
    columns: columns.rows
      .filter(({ table }) => table === name)
      .map(({ column, isInteger }) => ({ name: column, isInteger })),
    key: keys.rows.filter(({ table }) => table === name).map(({ column }) => column)
  }))
}

/** Replaces each `?` by a numbered placeholder of PostgreSQL. */
const numbered = (text: string): string => {
  let count = 0
  return text.replaceAll("?", () => `$${++count}`)
}

/**
 * Connects, runs the migrations, and locks the tables against other writers. If `use` succeeds, all of its rows are stored,
 * otherwise none.
 */
export const target = <A, E>(
  options: PostgresOptions,
  use: (side: Side<StorageOpenError>) => Effect.Effect<A, E>
): Effect.Effect<A, E | StorageOpenError> =>
  Effect.gen(function* () {
    const schema = options.schema ?? PostgresAddress.standardSchema
    const label = PostgresAddress.label(Redacted.value(options.url)) ?? ""
    const pool = yield* PostgresPool.make({ ...options, maxConnections: 1, timeout })
    yield* PostgresMigrator.run(pool, label, schema)
    const attempt = <B>(run: () => Promise<B>) =>
      Effect.tryPromise({ try: run, catch: (cause) => PostgresMigrator.openError(label, cause) })

    return yield* Effect.acquireUseRelease(
      attempt(() => pool.connect()),
      (client) =>
        Effect.gen(function* () {
          const tables = yield* attempt(async () => {
            await client.query("begin")
            const tables = await tablesOf(client, schema)
            const names = tables.map(({ name }) => Pg.escapeIdentifier(name)).join(", ")
            await client.query(`lock table ${names} in share row exclusive mode`)
            return tables
          })
          const result = yield* use({
            name: label,
            tables: Effect.succeed(tables),
            execute: (text, values) => attempt(async () => (await client.query(numbered(text), [...values])).rows)
          })
          yield* attempt(() => client.query("commit"))
          return result
        }),
      // Closing the connection rolls an open transaction back.
      (client) => Effect.sync(() => client.release(true))
    )
  }).pipe(Effect.scoped)
