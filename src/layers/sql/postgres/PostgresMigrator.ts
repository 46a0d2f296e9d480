/**
 * Updates the schema of a PostgreSQL database.
 *
 * `PgMigrator` of @effect/sql-pg does not keep three promises of this file: it accepts a database that a later version has
 * migrated, it creates its table outside the transaction and without a lock, so nodes that start at once collide, and a failed
 * migration is a defect.
 */
import * as Effect from "effect/Effect"
import Pg from "pg"
import { StorageOpenError } from "../../files/StorageOpenError.js"
import type { Migrated } from "../migrations/Migration.js"
import { latest, migrations, tables } from "../migrations.js"

/** The key of the advisory lock that all migrating nodes of a database take: "Ltch". */
const lock = 0x4c746368

/**
 * Runs the migrations that the database has not had. All run in one transaction together with their version numbers, so an
 * interrupted run changes nothing. If several nodes start at once, one runs them, and the others wait and find them done.
 * Fails, and changes nothing, if the schema belongs to another program or to a later version of Latchkey. Returns the versions
 * before and after.
 */
export const run = (pool: Pg.Pool, label: string, schema: string): Effect.Effect<Migrated, StorageOpenError> =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => pool.connect(), catch: (cause) => openError(label, cause) }),
    (client) =>
      Effect.tryPromise({ try: () => migrate(client, label, schema), catch: (cause) => openError(label, cause) }),
    // The state of its transaction is unknown, so this connection is not used again.
    (client) => Effect.sync(() => client.release(true))
  )

const migrate = async (client: Pg.PoolClient, label: string, schema: string): Promise<Migrated> => {
  const versions = `${Pg.escapeIdentifier(schema)}.schema_versions`
  const found = async () => {
    const { rows } = await client.query<{ readonly name: string }>(
      "select relname as name from pg_class where relnamespace = to_regnamespace($1) and relkind in ('r', 'p')",
      [Pg.escapeIdentifier(schema)]
    )
    const names = new Set(rows.map(({ name }) => name))
    if (names.size === 0) return 0
    if (!names.has("schema_versions") || !tables.every((table) => names.has(table))) {
      throw refuse("NotOurs", label, `the tables in the schema ${schema} do not belong to Latchkey`)
    }
    const newest = await client.query<{ readonly version: number }>(`select max(version) as version from ${versions}`)
    return newest.rows[0]?.version ?? 0
  }

  // The first read needs no lock and no privilege to create tables, because most starts have nothing to migrate.
  const before = await found()
  if (before > latest) throw newer(label)
  if (before === latest) return { from: before, to: latest }
  await client.query("begin")
  await client.query("set local statement_timeout = 0")
  await client.query("select pg_advisory_xact_lock($1)", [lock])
  const version = await found()
  if (version > latest) throw newer(label)
  if (version === 0) {
    await client.query(`create schema if not exists ${Pg.escapeIdentifier(schema)}`)
    await client.query(`create table ${versions} (version integer primary key, name text not null)`)
  }
  for (const migration of migrations.filter((migration) => migration.version > version)) {
    for (const statement of migration.statements("pg")) await client.query(statement)
    await client.query(`insert into ${versions} (version, name) values ($1, $2)`, [migration.version, migration.name])
  }
  await client.query("commit")
  return { from: version, to: latest }
}

const refuse = (reason: StorageOpenError["reason"], label: string, why: string) =>
  new StorageOpenError({ reason, message: `${label}: ${why}` })

const newer = (label: string) =>
  refuse(
    "Newer",
    label,
    "a later version of Latchkey has migrated this database: use that version, or restore a backup"
  )

/** Maps an error at opening. The message does not repeat the text of the error, which may contain a secret. */
export const openError = (label: string, cause: unknown): StorageOpenError => {
  if (cause instanceof StorageOpenError) return cause
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const because = (reason: StorageOpenError["reason"], why: string) =>
    refuse(reason, label, `${why}${code === "" ? "" : ` (${code})`}`)
  if (code === "READ_ONLY")
    return because("NotWritable", "this server accepts no writes: give the address of the primary")
  if (/^28/.test(code)) return because("Unreachable", "the server rejects this user: check the name and the password")
  if (code === "3D000") return because("Unreachable", "this database does not exist: create it, or give another name")
  if (code === "42501")
    return because("NotWritable", "this user lacks the privilege to create the schema and its tables")
  if (/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|57P0|53300|08)/.test(code)) {
    return because("Unreachable", "the server does not answer")
  }
  if (cause instanceof Error && /certificate|SSL|TLS/i.test(cause.message)) {
    return because("Unreachable", `the TLS connection failed: ${cause.message}`)
  }
  return because("Unreachable", "the database cannot be used")
}
