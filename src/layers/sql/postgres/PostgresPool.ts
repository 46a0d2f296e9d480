/** Connections to PostgreSQL: where to, and on what terms. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import Pg from "pg"
import { parse } from "pg-connection-string"
import { isLoopback } from "../../../domain/Loopback.js"
import { StorageOpenError } from "../StorageOpenError.js"
import * as PostgresAddress from "./PostgresAddress.js"
import type { PostgresOptions } from "./PostgresOptions.js"

/** What the driver is told about TLS; it reads `sslmode` as strictly as `verify-full`. */
const tlsOf = (text: string): Pg.PoolConfig["ssl"] => {
  const { host, ssl } = parse(text)
  if (ssl !== undefined) return ssl as Pg.PoolConfig["ssl"]
  const isHere = host === null || host === undefined || host.startsWith("/") || isLoopback(new URL(text))
  return isHere ? false : { rejectUnauthorized: true }
}

/** Numbers of 64 bits as numbers: ours are milliseconds and counts, far below 2^53. */
const types: Pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === Pg.types.builtins.INT8 ? Number : Pg.types.getTypeParser(oid, format))
}

/**
 * A server that takes no writes, such as a standby, is none for us; nor does a session keep settings by which an
 * acknowledged write may be lost.
 */
const settle = (schema: string, timeout: number) => async (client: Pg.ClientBase) => {
  const { rows } = await client.query<{ readonly read_only: boolean }>(
    `select
      set_config('search_path', $1, false),
      set_config('statement_timeout', $2, false),
      set_config('default_transaction_isolation', 'read committed', false),
      case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', false) end,
      pg_is_in_recovery() or current_setting('default_transaction_read_only') = 'on' as read_only`,
    [`"${schema.replaceAll('"', '""')}"`, String(timeout)]
  )
  if (rows[0]?.read_only !== false) throw new ReadOnlyServer()
}

/** The server is a standby, or set to take no writes. */
export class ReadOnlyServer extends Error {
  readonly code = "READ_ONLY"
  constructor() {
    super("the server takes no writes")
  }
}

/**
 * A connection that is given back while the server still owes it an answer is closed, and with that the pool drops it: after
 * a timeout the driver would have whoever takes it next wait for the answer before his own.
 */
const closeIfWaiting = (client: Pg.PoolClient): void => {
  if ("_activeQuery" in client && client._activeQuery) void client.end().catch(() => {})
}

/** A pool that is closed with the scope. Connects to nothing yet. */
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
          // The server's own limit comes first; this is for a server, or a network, that says nothing any more.
          query_timeout: millis + 500,
          idleTimeoutMillis: 30_000,
          keepAlive: true,
          types,
          onConnect: settle(schema, millis)
        })
        // A connection that breaks while nobody uses it is taken out of the pool by the pool.
        pool.on("error", () => {})
        // Of one that breaks in somebody's hands its statement tells; without a listener the process would end.
        pool.on("connect", (client) => client.on("error", () => {}))
        pool.on("release", (_, client) => closeIfWaiting(client))
        return pool
      }).pipe(
        // Nothing of it is repeated: the address holds a password.
        Effect.mapError(
          () =>
            new StorageOpenError({ reason: "Unreachable", message: `${label}: what the address asks for is not there` })
        )
      ),
      (pool) => Effect.promise(() => pool.end())
    )
  })

/** The address without what it says about TLS, which is told beside it: the driver would have the address win. */
const withoutTls = (text: string): string => {
  const url = new URL(text)
  for (const name of ["ssl", "sslmode", "sslcert", "sslkey", "sslrootcert"]) url.searchParams.delete(name)
  return url.href
}
