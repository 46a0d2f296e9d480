/** Options of a connection pool. They are not in the file of the pool, so that an app needs no types of the driver. */
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"

export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database`. Unless the host is this machine, the connection uses TLS and verifies the
   * certificate of the server. `?sslmode=disable` turns that off, and `?sslrootcert=FILE` sets the trusted certificates.
   */
  readonly url: Redacted.Redacted
  /** The schema of the tables, which keeps them apart from the tables of an app. It is created. Default: `latchkey`. */
  readonly schema?: string | undefined
  /** Maximum number of connections. Default: 10. */
  readonly maxConnections?: number | undefined
  /** Maximum time of a statement, and of the wait for a free connection. Default: 2 seconds. */
  readonly timeout?: Duration.DurationInput | undefined
}
