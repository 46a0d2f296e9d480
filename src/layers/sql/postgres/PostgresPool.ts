/** The pool of connections to PostgreSQL, and their settings. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import Pg from "pg"
import { parse } from "pg-connection-string"
import { isLoopback } from "../../../domain/Loopback.js"
import { StorageOpenError } from "../../files/StorageOpenError.js"
import * as PostgresAddress from "./PostgresAddress.js"
import type { PostgresOptions } from "./PostgresOptions.js"

/**
 * Maximum age of a connection, in seconds, and so of the plan of a prepared statement. The server makes a plan again when it has
 * analyzed the table, which it does soon after a table has grown. This limit is for a server that does not (autovacuum is off).
 */
const maxAge = 300

/** The TLS settings of the driver, which treats `sslmode` as strictly as `verify-full`. */
const tlsOf = (text: string): Pg.PoolConfig["ssl"] => {
  const { host, ssl } = parse(text)
  if (ssl !== undefined) return ssl as Pg.PoolConfig["ssl"]
  const isHere = host === null || host === undefined || host.startsWith("/") || isLoopback(new URL(text))
  return isHere ? false : { rejectUnauthorized: true }
}

/** Reads 64-bit integers as numbers. Latchkey's are milliseconds and counts, far below 2^53. */
const types: Pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === Pg.types.builtins.INT8 ? Number : Pg.types.getTypeParser(oid, format))
}

/**
 * Prepares a new connection. Refuses a server that accepts no writes, such as a standby, and overrides settings that may lose
 * acknowledged writes.
 *
 * The server keeps the plan of a prepared statement. A plan made while a table is small would read the whole table, and would
 * be kept while the table grows. So plans use indexes from the start. No statement here is worth a compilation (`jit`), which
 * the server would begin because it counts a plan without an index as very slow.
 */
const settle = (schema: string, timeout: number) => async (client: Pg.ClientBase) => {
  const { rows } = await client.query<{ readonly read_only: boolean }>(
    `select
      set_config('search_path', $1, false),
      set_config('statement_timeout', $2, false),
      set_config('default_transaction_isolation', 'read committed', false),
      set_config('enable_seqscan', 'off', false),
      set_config('jit', 'off', false),
      case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', false) end,
      pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as read_only`,
    [`"${schema.replaceAll('"', '""')}"`, String(timeout)]
  )
  if (rows[0]?.read_only !== false) throw new ReadOnlyServer()
}

/** The server is a standby, or is configured as read-only. */
export class ReadOnlyServer extends Error {
  readonly code = "READ_ONLY"
  constructor() {
    super("the server accepts no writes")
  }
}

/**
 * Closes a released connection that still waits for an answer of the server, so that the pool drops it. After a timeout the
 * driver would let the next user of the connection wait for that answer before its own.
 */
const closeIfWaiting = (client: Pg.PoolClient): void => {
  if ("_activeQuery" in client && client._activeQuery) void client.end().catch(() => {})
}

/** Makes a pool, which the scope closes. Opens no connection yet. */
export const make = (options: PostgresOptions): Effect.Effect<Pg.Pool, StorageOpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const { maxConnections = 10, schema = PostgresAddress.standardSchema, timeout = "2 seconds", url } = options
    const label = PostgresAddress.label(Redacted.value(url))
    if (label === undefined) {
      return yield* new StorageOpenError({
        reason: "NotAFile",
        message: "the address of the database must be postgres://USER:PASSWORD@HOST:PORT/DATABASE"
      })
    }
    const millis = Duration.toMillis(timeout)
    const connectionString = Redacted.value(url)
    return yield* Effect.acquireRelease(
      Effect.try(() => {
        const pool = new Pg.Pool({
          connectionString: withoutTls(connectionString),
          ssl: tlsOf(connectionString),
          application_name: "latchkey",
          max: maxConnections,
          connectionTimeoutMillis: millis,
          // The limit of the server comes first. This one is for a server, or a network, that does not answer any more.
          query_timeout: millis + 500,
          idleTimeoutMillis: 30_000,
          maxLifetimeSeconds: maxAge,
          keepAlive: true,
          pipeline: true,
          types,
          onConnect: settle(schema, millis)
        })
        // The pool removes an idle connection that breaks.
        pool.on("error", () => {})
        // If a connection in use breaks, its statement fails. Without a listener the process would end.
        pool.on("connect", (client) => client.on("error", () => {}))
        pool.on("release", (_, client) => closeIfWaiting(client))
        return pool
      }).pipe(
        // The message omits the cause, because the address may contain a password.
        Effect.mapError(
          () =>
            new StorageOpenError({
              reason: "Unreachable",
              message: `${label}: a file that the address names cannot be read`
            })
        )
      ),
      (pool) => Effect.promise(() => pool.end())
    )
  })

/** Returns the address without its TLS parameters. They are passed separately, and the driver would prefer the address. */
const withoutTls = (text: string): string => {
  const url = new URL(text)
  for (const name of ["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert"]) url.searchParams.delete(name)
  return url.href
}
