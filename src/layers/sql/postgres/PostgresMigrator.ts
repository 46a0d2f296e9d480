/** Brings the schema of a PostgreSQL database up to date. */
import * as Effect from "effect/Effect"
import Pg from "pg"
import type { Migrated } from "../migrations/Migration.js"
import { latest, migrations, tables } from "../migrations.js"
import { StorageOpenError } from "../StorageOpenError.js"

/** What everybody who migrates waits for: "Ltch", of this database. */
const lock = 0x4c746368

/**
 * Runs the migrations that the database has not seen, all in one transaction with their numbers, so that what is
 * interrupted has not happened. Of several nodes that start at once one does it, and the others wait and find it done. Fails,
 * and changes nothing, where the schema is another program's or of a later version of this one. Answers with the versions
 * before and after.
 */
export const run = (pool: Pg.Pool, label: string, schema: string): Effect.Effect<Migrated, StorageOpenError> =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => pool.connect(), catch: (cause) => openError(label, cause) }),
    (client) =>
      Effect.tryPromise({ try: () => migrate(client, label, schema), catch: (cause) => openError(label, cause) }),
    // Whatever became of its transaction, this connection is not used again.
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
      throw refuse("NotOurs", label, `the tables in the schema ${schema} are not Latchkey's`)
    }
    const newest = await client.query<{ readonly version: number }>(`select max(version) as version from ${versions}`)
    return newest.rows[0]?.version ?? 0
  }

  // First without the lock and without any right to make something: a node that starts beside others changes nothing.
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
  refuse("Newer", label, "the database was written by a later version of Latchkey: use that version, or a backup")

/** What an error at opening means; its own text is not repeated where it may name more than the place. */
export const openError = (label: string, cause: unknown): StorageOpenError => {
  if (cause instanceof StorageOpenError) return cause
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  const because = (reason: StorageOpenError["reason"], why: string) =>
    refuse(reason, label, `${why}${code === "" ? "" : ` (${code})`}`)
  if (code === "READ_ONLY") return because("NotWritable", "this server takes no writes: name the primary")
  if (/^28/.test(code)) return because("Unreachable", "the server does not let this user in: see name and password")
  if (code === "3D000") return because("Unreachable", "there is no such database: make it, or name another")
  if (code === "42501") return because("NotWritable", "this user may not make what is needed in this database")
  if (/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|57P0|53300|08)/.test(code)) {
    return because("Unreachable", "the server does not answer")
  }
  if (cause instanceof Error && /certificate|SSL|TLS/i.test(cause.message)) {
    return because("Unreachable", `no TLS could be agreed on: ${cause.message}`)
  }
  return because("Unreachable", "the database cannot be used")
}
